"""The SQLite file of another program, to be read and never written. What its tables mean is for those who ask."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

_MAGIC = b"SQLite format 3\0"
_WAIT_SECONDS = 5.0  # for a lock of the program that owns it


class ForeignError(Exception):
    """The file cannot be read; the text says why and what to try."""


class ForeignFile:
    """An open file; use it as a context. Every method raises `ForeignError`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self.tables: dict[str, frozenset[str]] = {}
        """Tables by name, and their columns."""

    def __enter__(self) -> ForeignFile:
        """Open it; what the program has only written to its log beside the file is seen as well."""
        self._check()
        # Without a log nobody is at it, and nothing is made beside it; with one, SQLite has to share its index.
        mode = "mode=ro" if self._path.with_name(self._path.name + "-wal").exists() else "immutable=1"
        with self._told():
            url = f"file:{quote(str(self._path.absolute()))}?{mode}"
            self._connection = sqlite3.connect(url, uri=True, timeout=_WAIT_SECONDS)
            # Notes of other people, in whatever encoding: they are shown, never compared.
            self._connection.text_factory = lambda data: data.decode("utf-8", "replace")
        try:
            self.tables = {name: self._columns(name) for name in self._names()}
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def rows(self, sql: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a question. Any: as SQLite has it, each cell may be of any type in any column."""
        if self._connection is None:
            raise ForeignError(f"{self._path} is closed")
        with self._told():
            yield from self._connection.execute(sql, values)

    def has(self, table: str, *columns: str) -> bool:
        """Whether there is such a table with these columns."""
        return set(columns) <= self.tables.get(table, frozenset()) if table in self.tables else False

    def _check(self) -> None:
        try:
            with self._path.open("rb") as file:
                begin = file.read(len(_MAGIC))
        except OSError as error:
            raise ForeignError(f"cannot read {self._path}: {(error.strerror or 'error').lower()}") from None
        if begin != _MAGIC:
            raise ForeignError(
                f"{self._path} is no SQLite database (hint: name the .db file of the other monitor)"
            )

    def _names(self) -> list[str]:
        return [str(name) for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def _columns(self, table: str) -> frozenset[str]:
        return frozenset(
            str(name) for (name,) in self.rows("SELECT name FROM pragma_table_info(?)", (table,))
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            hint = "copy it together with its -wal file, and read the copy"
            raise ForeignError(f"cannot read {self._path}: {error} (hint: {hint})") from None
        except sqlite3.Error as error:
            raise ForeignError(f"{self._path} is damaged: {error} (hint: read a backup of it)") from None
