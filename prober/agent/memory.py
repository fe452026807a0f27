"""Keeps a remote agent small: gives memory back that only its start had a use for.

Half of what an agent maps are libraries of which it runs a small part. The pages of their code that the start went
through are clean copies of files: given up, those that are needed again come back from the page cache. A kernel does
the same when memory runs short; done here, an agent fits where memory is counted by the process.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
from collections.abc import Iterable, Iterator

_DONTNEED = 4  # MADV_DONTNEED
_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (r-[-x]p) \S+ \S+ \S+ +/.*")
_WHERE = "/proc/self/smaps"


def give_back() -> None:
    """Give back what can be had again, and free memory that lies idle in the allocator; does nothing elsewhere."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        with open(_WHERE, encoding="utf-8", errors="replace") as smaps:
            places = list(clean_files(smaps))
        for start, end in places:
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONTNEED)
        libc.malloc_trim(ctypes.c_size_t(0))


def clean_files(smaps: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield where files are mapped that nothing was written to, neither by us nor by the dynamic linker.

    A mapping with a single page of its own (relocations, a debugger's mark) is left alone: that page exists nowhere
    else.
    """
    place: tuple[int, int] | None = None
    for line in smaps:
        match = _MAPPING.match(line)
        if match is not None:
            place = int(match[1], 16), int(match[2], 16)
        elif not line[:1].isupper():
            place = None  # another mapping's head
        elif line.startswith("Anonymous:") and place is not None:
            if line.split()[1] == "0":
                yield place
            place = None
