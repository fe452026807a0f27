"""Questions that tests ask of a page in a browser, as functions of JavaScript: contrast, and what is cut off."""

from __future__ import annotations

CONTRAST = """(least) => {
  const channel = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => 0.2126 * channel(c[0] / 255) + 0.7152 * channel(c[1] / 255) + 0.0722 * channel(c[2] / 255);
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || one.closest("svg,[hidden]")) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(behind(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least) weak.push(walker.currentNode.textContent.trim() + " " + ratio.toFixed(2));
  }
  return weak;
}"""
"""Return the texts whose contrast is below the argument, by WCAG 2.2."""

CUT_OFF = """() => [...document.querySelectorAll("article *")]
  .filter((one) => !one.closest("svg,thead") && one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.outerHTML.slice(0, 80))"""
"""Return the beginnings of elements that are wider inside than outside."""
