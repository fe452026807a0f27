"""What the target's pages say: the shop as it should be, and everything that a visitor may find instead.

Data only. The shop's page links to itself alone and loads nothing from elsewhere, so that what an intruder adds shows.
"""

from __future__ import annotations

KEYWORD = "Add to basket"

_SHOP = (
    "<!doctype html><html><head><title>Lamps</title><link rel=stylesheet href=/shop.css></head><body>"
    '<h1>Desk lamp</h1><p>In stock: 14</p><a href="/basket">Add to basket</a>%s</body></html>'
)
_REVIEW = (
    "<h2>Reviews</h2><p>The old shop once died with a Fatal error: Uncaught TypeError and an Internal Server Error, "
    "and all I saw was Error establishing a database connection. Your files have been delivered safely since.</p>"
)

PAGES: dict[str, str] = {
    "shop": _SHOP % "",
    "article": _SHOP % _REVIEW,
    "large": _SHOP % ("<p>" + "A lamp is a lamp. " * 1_200 + "</p>"),
    "empty": "",
    "error-page": (
        "<br /><b>Fatal error</b>:  Uncaught TypeError: stock() must be of type int in /srv/shop/index.php:14 "
        "Stack trace: #0 {main} thrown in <b>/srv/shop/index.php</b> on line <b>14</b><br />"
    ),
    "keyword-missing": _SHOP.replace(KEYWORD, "Currently not for sale") % "",
    "keyword-injected": _SHOP % "<p>Error establishing a database connection</p>",
    "ransomware": (
        "<html><body><h1>YOUR FILES HAVE BEEN ENCRYPTED</h1><p>Send 2 BTC to get the key.</p></body></html>"
    ),
    "defacement": "<html><body bgcolor=black><h1>hacked by nobody, greetings to no one</h1></body></html>",
    "malicious-script": _SHOP % '<script src="https://cdn.evil.example/miner.js"></script>',
    "spam-links": _SHOP % '<a href="https://cheap-pills.example/buy">cheap pills</a>',
    "other-site": "<html><head><title>Welcome to nginx!</title></head><body>It works.</body></html>",
}

FORBIDDEN: tuple[str, ...] = (
    # A script or link that leads away from the shop; the words of a broken shop only where they are its output.
    r'/(?i)<script[^>]+src="?https?:/',
    r'/(?i)<a[^>]+href="?https?:/',
    r"/(?i)<b>(fatal|parse) error<.b>:/",
    r"/(?i)<p>error establishing a database connection</",
)
"""Patterns between slashes, as `absent` takes them."""
