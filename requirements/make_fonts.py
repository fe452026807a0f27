"""Write reports/render/fonts/: subsets of Noto Sans and Noto Sans SC for the report as PDF, and what they cover.

Run by hand when the sets of characters or the fonts change: `pip install fonttools`, then
`python requirements/make_fonts.py`. Needs npm. Nothing here is used when Prober runs.
"""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
import textwrap
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset  # type: ignore[import, unused-ignore] # of this script alone

FONTS = Path(__file__).resolve().parent.parent / "reports" / "render" / "fonts"
WEIGHTS = {"Regular": "400Regular", "SemiBold": "600SemiBold"}
LATIN_PACKAGE, LATIN = "@expo-google-fonts/noto-sans@0.4.2", "NotoSans"
HAN_PACKAGE, HAN = "@expo-google-fonts/noto-sans-sc@0.4.3", "NotoSansSC"
# Kerning and marks must stay, and figures of one width; the rest would only add weight.
FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl", "tnum"]
# Latin, phonetics, marks, Greek, Cyrillic, Latin and Greek additions, punctuation, currencies, letters as symbols.
LATIN_BLOCKS = [(0x20, 0x530), (0x1D00, 0x1DC0), (0x1E00, 0x2150), (0xA640, 0xA6A0), (0xFFFD, 0xFFFE)]
# Arrows, comparisons, geometric shapes and marks that reports print.
SIGNS = [(0x2190, 0x2194), (0x2200, 0x2270), (0x25A0, 0x2600), (0x2600, 0x2668), (0x2700, 0x2768)]
# East Asian punctuation, kana, and their wide and narrow forms.
KANA = [(0x3000, 0x3100), (0x31F0, 0x3200), (0xFF00, 0xFFF0)]


def two_bytes(codec: str, first: Iterable[int], second: Iterable[int]) -> set[int]:
    """Return every character that a two-byte code has in these rows."""
    second = list(second)
    found: set[int] = set()
    for lead in first:
        for trail in second:
            found |= set(map(ord, bytes((lead, trail)).decode(codec, "ignore")))
    return found


def _blocks(blocks: Iterable[tuple[int, int]]) -> set[int]:
    return {code for start, end in blocks for code in range(start, end)}


def han() -> set[int]:
    """Return GB 2312 (simplified), JIS X 0208 levels 1 and 2, Big5 level 1 (traditional), kana and signs."""
    chinese = two_bytes("gb2312", range(0xA1, 0xF8), range(0xA1, 0xFF))
    japanese = two_bytes("euc_jp", range(0xA1, 0xFF), range(0xA1, 0xFF))
    traditional = two_bytes("big5", range(0xA1, 0xC7), [*range(0x40, 0x7F), *range(0xA1, 0xFF)])
    return chinese | japanese | traditional | _blocks(SIGNS) | _blocks(KANA)


def unpack(package: str, into: Path) -> Path:
    """Download a package of the npm registry; return its folder."""
    made = subprocess.run(
        ["npm", "pack", "--silent", package], cwd=into, check=True, capture_output=True, text=True
    )
    name = made.stdout.strip().splitlines()[-1]
    with tarfile.open(into / name) as archive:
        archive.extractall(into / name.removesuffix(".tgz"), filter="data")
    return into / name.removesuffix(".tgz") / "package"


def cut(source: Path, codes: set[int], target: Path) -> set[int]:
    """Write a font with only these characters; return those that it has."""
    options = subset.Options(hinting=False, layout_features=FEATURES, notdef_outline=True, name_IDs=["*"])
    font = subset.load_font(str(source), options)
    work = subset.Subsetter(options)
    work.populate(unicodes=codes)
    work.subset(font)
    font["head"].modified = font["head"].created  # the same bytes from the same input
    font.recalcTimestamp = False
    font.save(target)
    return set(font.getBestCmap())


def ranges(codes: set[int]) -> list[str]:
    """Return codes as pairs of `first-last` in hexadecimal."""
    lines: list[list[int]] = []
    for code in sorted(codes):
        if lines and lines[-1][1] == code - 1:
            lines[-1][1] = code
        else:
            lines.append([code, code])
    return [f"{first:X}-{last:X}" for first, last in lines]


def main() -> None:
    """Make the fonts, their licences and the list of what every weight covers."""
    plan = [(LATIN_PACKAGE, LATIN, _blocks(LATIN_BLOCKS)), (HAN_PACKAGE, HAN, han())]
    covered: dict[str, set[int]] = {weight: set() for weight in WEIGHTS}
    with tempfile.TemporaryDirectory() as folder:
        for package, name, codes in plan:
            root = unpack(package, Path(folder))
            (FONTS / f"LICENSE-{name}.txt").write_bytes((root / "LICENSE_FONT").read_bytes())
            for weight, place in WEIGHTS.items():
                source = root / place / f"{name}_{place}.ttf"
                covered[weight] |= cut(source, codes, FONTS / f"{name}-{weight}.ttf")
    both = set.intersection(*covered.values())
    text = textwrap.fill(" ".join(ranges(both)), 118, break_on_hyphens=False)
    (FONTS / "covered.txt").write_text(text + "\n", encoding="ascii")
    print(f"{len(both)} characters, {sum(one.stat().st_size for one in FONTS.glob('*.ttf'))} bytes")


if __name__ == "__main__":
    main()
