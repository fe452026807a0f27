"""Reports as Markdown (CommonMark with tables as GitHub has them): to paste into tickets, mails and wikis.

Every text is escaped: a name can neither become markup nor break out of its cell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports.document import ContractReport
from reports.render.parts import Cell, Section, Sheet, Table
from reports.render.sheet import sheet
from reports.render.speaker import Audience
from reports.words import Words

_MARKUP = re.compile(r"[\\`*\[\]<>|~$]|!(?=\[)|&(?=#?\w+;)|(?<!\w)_|_(?!\w)")
_AT_START = re.compile(r"^(\s*)([#+\-=:]|\d+[.)](?=\s|$))")
_LEFT_KINDS = ("text", "instant", "date")


def render(reports: Sequence[ContractReport], words: Words, *, audience: Audience) -> bytes:
    """Return the reports one after the other."""
    pages = [_page(sheet(each, words, audience)) for each in reports]
    return "\n---\n\n".join(pages).encode("utf-8", "replace")


def escaped(text: str) -> str:
    """Return a text that Markdown shows as it is, in one line."""
    line = _MARKUP.sub(lambda found: "\\" + found[0], " ".join(text.split()))
    return _AT_START.sub(_guarded, line)


def _guarded(found: re.Match[str]) -> str:
    mark = found[2]
    return f"{found[1]}{mark[:-1]}\\{mark[-1]}" if mark[0].isdigit() else f"{found[1]}\\{mark}"


def _page(page: Sheet) -> str:
    lines = [f"# {escaped(page.title)}", "", escaped(page.subtitle), ""]
    lines += [f"**{escaped(page.opening[0])}**", ""]
    for sentence in page.opening[1:]:
        lines += [f"> {escaped(sentence)}", ""]
    for fact in page.figures:
        note = f" ({escaped(fact.note)})" if fact.note else ""
        lines.append(f"- {escaped(fact.label)}: **{_cell(fact.value)}**{note}")
    lines.append("")
    for section in page.sections:
        lines += _section(section)
    return "\n".join(lines + ([escaped(page.footer), ""] if page.footer else []))


def _section(section: Section) -> list[str]:
    lines = [f"## {escaped(section.title)}", ""]
    for paragraph in section.paragraphs:
        lines += [escaped(paragraph), ""]
    for fact in section.facts:
        note = f" ({escaped(fact.note)})" if fact.note else ""
        lines.append(f"- {escaped(fact.label)}: {_cell(fact.value)}{note}")
    lines += [""] if section.facts else []
    for table in section.tables:
        lines += _table(table)
    return lines


def _table(table: Table) -> list[str]:
    lines = [f"**{escaped(table.caption)}**", ""] if table.caption else []
    lines.append(f"| {' | '.join(escaped(each.title) for each in table.columns)} |")
    rules = ["---" if each.kind in _LEFT_KINDS else "---:" for each in table.columns]
    lines.append(f"| {' | '.join(rules)} |")
    lines += [f"| {' | '.join(_cell(each) for each in row)} |" for row in table.rows]
    return [*lines, ""]


def _cell(cell: Cell) -> str:
    if cell.link is None:
        return escaped(cell.text)
    address = cell.link.replace("\\", "%5C").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"[{escaped(cell.text)}](<{''.join(address.split())}>)"
