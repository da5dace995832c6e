"""A lake that can be written to without being changed: what is written goes to a folder beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from etl.io.store import LocalStore, Stat, Store, file_digest


class OverlayStore:
    """Reads fall through to the lake below; writes and removals stay in a local folder.

    All stores of one ``folder`` share what was written.
    """

    def __init__(self, below: Store, folder: Path) -> None:
        self.root = below.root
        self.below = below
        self.written = LocalStore(str(folder / "written"))
        self._removed = LocalStore(str(folder / "removed"))
        self._empty = folder / "empty"
        self._empty.touch()

    def uri(self, key: str) -> str:
        return self.below.uri(key)

    def list(self, prefix: str) -> Iterator[Stat]:
        found = {stat.key: stat for stat in self.below.list(prefix) if self._removed.stat(stat.key) is None}
        found.update({stat.key: stat for stat in self.written.list(prefix)})
        yield from sorted(found.values(), key=lambda stat: stat.key)

    def stat(self, key: str) -> Stat | None:
        return self._holder(key).stat(key)

    def fetch(self, key: str, folder: Path, etag: str | None = None) -> Path:
        return self._holder(key).fetch(key, folder, etag)

    def read(self, key: str) -> bytes | None:
        return self._holder(key).read(key)

    def tail(self, key: str, length: int) -> bytes | None:
        return self._holder(key).tail(key, length)

    def digest(self, key: str) -> str | None:
        return self._holder(key).digest(key)

    def put(self, path: Path, key: str, modified_ns: int | None = None) -> bool:
        if self.digest(key) == file_digest(path):
            return False
        return self.written.put(path, key, modified_ns)

    def delete(self, key: str) -> None:
        self.written.delete(key)
        self._removed.put(self._empty, key)

    def removed(self) -> Iterator[str]:
        """Keys that the lake below has and this one does not."""
        for stat in self._removed.list(""):
            if self.stat(stat.key) is None and self.below.stat(stat.key) is not None:
                yield stat.key

    def _holder(self, key: str) -> Store:
        if self.written.stat(key) is not None or self._removed.stat(key) is not None:
            return self.written
        return self.below
