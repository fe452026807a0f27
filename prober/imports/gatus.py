"""Gatus: its YAML file (https://github.com/TwiN/gatus, version 5) to probes.

Here: endpoints by the scheme of their URL, and their client options. Conditions are read by `gatus_conditions.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from checks.core.http_request import is_private
from prober.config.sources import Item

from .draft import Draft, Raw, unread
from .gatus_conditions import Conditions, read_conditions

_INTERVAL, _TIMEOUT = "60s", "10s"
_ELSEWHERE = {
    "alerting": "notices are configured on their own, not per probe",
    "maintenance": "write it under maintenance:, with the services that it concerns",
    "security": "put the internal listener behind your own proxy",
    "suites": "write them as probes of the kind flow",
    "announcements": "write them as incidents",
    "remote": "remote instances are regions here",
    "tunneling": "SSH tunnels are not supported",
}
_CLIENT_WORDS = {"tls": "insecure or tls", "redirects": "ignore-redirect", "proxy": "proxy-url", "ip": "network",
                 "auth": "oauth2"}  # fmt: skip
_MEANINGLESS = {"storage", "web", "ui", "metrics", "debug", "concurrency", "disable-monitoring-lock",
                "skip-invalid-config-update", "connectivity", "state"}  # fmt: skip


def read_gatus(root: Item, draft: Draft) -> None:
    """Read a whole file into the draft."""
    draft.expands = True
    for key, item in root.items():
        if key == "endpoints":
            for endpoint in item.each():
                _endpoint(endpoint, draft)
        elif key == "external-endpoints":
            for endpoint in item.each():
                _external(endpoint, draft)
        elif key in _ELSEWHERE:
            draft.drop(item, f"{key}: {_ELSEWHERE[key]}")
        elif key in _MEANINGLESS:
            draft.drop(item, f"{key}: a setting of Gatus itself")
    unread(draft, [item for _, item in root.items()], "not carried over")


def _endpoint(item: Item, draft: Draft) -> None:
    name = _text(item, "name") or "endpoint"
    if (enabled := item.get("enabled")) is not None and enabled.typed is False:
        draft.drop(item, f"{name}: is disabled there and left out")
        return
    url = _text(item, "url")
    scheme = url.partition("://")[0].lower() if "://" in url else "dns" if item.get("dns") else ""
    make = _KINDS.get("dns" if item.get("dns") is not None else scheme)
    if make is None:
        draft.drop(item, f"{name}: {scheme or 'this kind of URL'} is not supported and left out")
        return
    conditions = read_conditions(item.get("conditions"), draft, name)
    kind, options = make(item, url, conditions, draft, name)
    _common(item, draft, name)
    interval = _text(item, "interval") or _INTERVAL
    client = item.get("client")
    timeout = (_text(client, "timeout") if client is not None else "") or _TIMEOUT
    conditions.leave(kind, draft, name)
    draft.add(
        item.line, name, kind, options,
        group=_text(item, "group"), interval=_duration(interval), timeout=_duration(timeout),
        labels=_labels(item),
    )  # fmt: skip


def _common(item: Item, draft: Draft, name: str) -> None:
    if (alerts := item.get("alerts")) is not None:
        draft.drop(alerts, f"{name}: alerts: notices are configured on their own, not per probe")
    if (windows := item.get("maintenance-windows")) is not None:
        draft.drop(windows, f"{name}: maintenance-windows: write them under maintenance:")
    if (page := item.get("ui")) is not None:
        draft.drop(page, f"{name}: ui: how a page shows it is no option of a probe")


def _labels(item: Item) -> dict[str, str]:
    labels = item.get("extra-labels")
    return labels.texts() if labels is not None else {}


def _http(item: Item, url: str, conditions: Conditions, draft: Draft, name: str) -> tuple[str, Raw]:
    options: Raw = {"url": url, "method": _text(item, "method").upper(), "body": _text(item, "body")}
    if options["body"] and (graphql := item.get("graphql")) is not None and graphql.typed is True:
        draft.note(graphql, f"{name}: graphql: write the body as JSON with the key query")
    if (headers := item.get("headers")) is not None:
        options["headers"] = _headers(headers, draft, name)
    options["expect"] = conditions.http()
    _client(item.get("client"), options, draft, name)
    return "http", options


def _headers(headers: Item, draft: Draft, name: str) -> dict[str, str]:
    return {
        key: draft.secret(value, name, key) if is_private(key) else value.text
        for key, value in headers.items()
        if value.is_scalar
    }


def _some(item: Item, kinds_own: tuple[str, ...], draft: Draft, name: str) -> Raw:
    """Return those options of the client that a kind has; note the others."""
    client = item.get("client")
    found: Raw = {}
    _client(client, found, draft, name)
    for key in found.keys() - set(kinds_own):
        draft.note(client or item, f"{name}: client: {_CLIENT_WORDS[key]} means nothing to this kind here")
    return {key: value for key, value in found.items() if key in kinds_own}


def _client(client: Item | None, options: Raw, draft: Draft, name: str) -> None:
    if client is None:
        return
    if (value := client.get("insecure")) is not None and value.typed is True:
        options.setdefault("tls", {})["verify"] = False
    if (value := client.get("ignore-redirect")) is not None and value.typed is True:
        options["redirects"] = False
    if (value := client.get("proxy-url")) is not None:
        options["proxy"] = _proxy(value, draft, name)
    if (network := client.get("network")) is not None and network.text[-1:] in ("4", "6"):
        options["ip"] = f"ip{network.text[-1]}"
    if (tls := client.get("tls")) is not None:
        _tls_files(tls, options, draft, name)
    if (oauth2 := client.get("oauth2")) is not None:
        options["auth"] = {"oauth2": _oauth2(oauth2, draft, name)}
    if (resolver := client.get("dns-resolver")) is not None:
        draft.drop(
            resolver, f"{name}: client.dns-resolver: name servers belong to a region: regions.NAME.resolver"
        )
    for key in ("identity-aware-proxy", "tunnel"):
        if (value := client.get(key)) is not None:
            draft.drop(value, f"{name}: client.{key} is not supported")


def _proxy(item: Item, draft: Draft, name: str) -> Raw:
    parts = urlsplit(item.text)
    if parts.username is None:
        return {"url": item.text}
    password = parts.password or ""
    kept = draft.copies_secrets or password.startswith("${")
    return {
        "url": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
        "username": parts.username,
        "password": password if kept else draft.reference(item.line, name, "proxy_password"),
    }


def _tls_files(tls: Item, options: Raw, draft: Draft, name: str) -> None:
    block = options.setdefault("tls", {})
    block["certificate"], block["key"] = _text(tls, "certificate-file"), _text(tls, "private-key-file")
    if (renegotiation := tls.get("renegotiation")) is not None:
        draft.drop(renegotiation, f"{name}: client.tls.renegotiation is not spoken")


def _oauth2(oauth2: Item, draft: Draft, name: str) -> Raw:
    secret, scopes = oauth2.get("client-secret"), oauth2.get("scopes")
    return {
        "token_url": _text(oauth2, "token-url"),
        "client_id": _text(oauth2, "client-id"),
        "client_secret": draft.secret(secret, name, "client_secret") if secret is not None else "",
        "scopes": [scope.text for scope in scopes.each()] if scopes is not None else [],
    }


def _tcp(item: Item, url: str, conditions: Conditions, draft: Draft, name: str) -> tuple[str, Raw]:
    options: Raw = {"address": urlsplit(url).netloc, "expect": conditions.time()}
    if body := _text(item, "body"):
        expected = conditions.body_pattern()
        options["dialogue"] = [{"send": body}, *([] if expected is None else [{"expect": expected}])]
    return "tcp", {**options, **_some(item, ("ip",), draft, name)}


def _tls(item: Item, url: str, conditions: Conditions, draft: Draft, name: str) -> tuple[str, Raw]:
    parts = urlsplit(url)
    options: Raw = {"address": parts.netloc, "expect": conditions.connection()}
    if parts.scheme == "starttls":
        options["starttls"] = "smtp"
    found = _some(item, ("ip", "tls"), draft, name)
    return "tls", {**options, **found.pop("tls", {}), **found}


def _icmp(item: Item, url: str, conditions: Conditions, draft: Draft, name: str) -> tuple[str, Raw]:
    host = url.partition("://")[2].strip("/[]")
    options = {"host": host, "packets": 1, "expect": conditions.time()}
    return "icmp", {**options, **_some(item, ("ip",), draft, name)}


def _dns(item: Item, url: str, conditions: Conditions, draft: Draft, name: str) -> tuple[str, Raw]:
    dns = item.get("dns")
    server = url.partition("://")[2] if "://" in url else url
    options: Raw = {"server": server, "expect": conditions.dns()}
    if dns is not None:
        options["name"], options["type"] = _text(dns, "query-name"), _text(dns, "query-type")
    return "dns", {**options, **_some(item, ("ip",), draft, name)}


def _ssh(item: Item, url: str, conditions: Conditions, draft: Draft, name: str) -> tuple[str, Raw]:
    if (ssh := item.get("ssh")) is not None:
        draft.drop(ssh, f"{name}: ssh: nobody logs in here; the server's introduction is checked")
    draft.drop(item.get("body"), f"{name}: body: no command is run over SSH")
    options = {"address": urlsplit(url).netloc, "expect": conditions.time()}
    return "ssh", {**options, **_some(item, ("ip",), draft, name)}


def _websocket(item: Item, url: str, conditions: Conditions, draft: Draft, name: str) -> tuple[str, Raw]:
    options: Raw = {"url": url, "expect": conditions.connection()}
    if (headers := item.get("headers")) is not None:
        options["headers"] = _headers(headers, draft, name)
    if body := _text(item, "body"):
        options["dialogue"] = [{"send": body}, {"expect": conditions.body_pattern() or "(?s)^"}]
    return "websocket", {**options, **_some(item, ("ip", "tls"), draft, name)}


def _grpc(item: Item, url: str, conditions: Conditions, draft: Draft, name: str) -> tuple[str, Raw]:
    parts = urlsplit(url)
    options: Raw = {"address": parts.netloc, "expect": conditions.connection()}
    found = _some(item, ("ip", "tls"), draft, name)
    return "grpc", {**options, "tls": parts.scheme == "grpcs", **found}


def _domain(item: Item, url: str, conditions: Conditions, draft: Draft, name: str) -> tuple[str, Raw]:
    options = {"name": url.partition("://")[2].strip("/"), "expect": conditions.domain()}
    return "domain", {**options, **_some(item, ("ip",), draft, name)}


def _external(item: Item, draft: Draft) -> None:
    name = _text(item, "name") or "external"
    token, heartbeat = item.get("token"), item.get("heartbeat")
    interval = _text(heartbeat, "interval") if heartbeat is not None else ""
    if not interval or token is None:
        draft.drop(item, f"{name}: an external endpoint without heartbeat.interval is left out")
        return
    _common(item, draft, name)
    draft.note(
        item, f"{name}: the job must call /ping/TOKEN here, in place of /api/v1/endpoints/.../external"
    )
    options = {"token": draft.token(token, name), "period": _duration(interval)}
    draft.add(item.line, name, "heartbeat", options, group=_text(item, "group"))


def _text(item: Item, key: str) -> str:
    found = item.get(key)
    return found.text if found is not None else ""


def _duration(text: str) -> str:
    """Return a duration as we write it; Go's has the same units."""
    return text.removesuffix("0s") if text.endswith(("m0s", "h0s")) else text


_Make = Callable[[Item, str, Conditions, Draft, str], tuple[str, Raw]]
_KINDS: dict[str, _Make] = {
    "http": _http, "https": _http, "tcp": _tcp, "tls": _tls, "starttls": _tls, "icmp": _icmp, "dns": _dns,
    "ssh": _ssh, "ws": _websocket, "wss": _websocket, "grpc": _grpc, "grpcs": _grpc, "domain": _domain,
}  # fmt: skip
