"""Reports that ``[reports.<name>]`` of ``sources.toml`` declares: what they compare or follow, and in which rows it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Side:
    """One of the two accounts of a settlement: which rows of a source count, and where key, amount and currency stand.

    ``key``, ``amount``, ``currency`` and ``merchant`` name columns of the dataset or else attributes; ``where`` and
    ``negative`` are conditions in SQL. ``dataset`` is None where the source has one only.
    """

    source: str
    key: tuple[str, ...]
    amount: str
    title: str
    currency: str | None = None
    fixed_currency: str | None = None
    merchant: str | None = None
    dataset: str | None = None
    where: str = "true"
    negative: str = "false"
    decimal: str = "."
    minor_units: bool = False


@dataclass(frozen=True)
class Settlement:
    """A report that reconciles two sides by key; a key may be ``window_hours`` later or earlier on the other side."""

    name: str
    title: str
    left: Side
    right: Side
    window_hours: int = 24
    zone: str = "UTC"

    kind = "settlement"

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources whose rows it reads."""
        return tuple(dict.fromkeys((self.left.source, self.right.source)))

    @property
    def before(self) -> timedelta:
        """How far back it reads: rows that were open when its hours began, and what they may belong to."""
        return timedelta(hours=2 * self.window_hours)

    @property
    def after(self) -> timedelta:
        """How far ahead it reads: the other halves of the last rows."""
        return timedelta(hours=self.window_hours)


Declared = Settlement
KINDS = (Settlement.kind,)
"""Reports that exist only where they are declared."""
