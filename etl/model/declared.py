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

    def before(self, length: timedelta) -> timedelta:
        """How far back it reads for hours of that length: rows that were open when they began, and what belongs to those."""
        return timedelta(hours=2 * self.window_hours)

    @property
    def after(self) -> timedelta:
        """How far ahead it reads: the other halves of the last rows."""
        return timedelta(hours=self.window_hours)


@dataclass(frozen=True)
class Funnel:
    """A report that follows sessions through the states of a finite state machine.

    ``session`` names columns of the dataset or else attributes that tell sessions apart; ``events`` are (name, condition in
    SQL), of which the first that holds is taken; ``transitions`` are (from, event, to). A session begins in the first
    state, ends ``timeout_minutes`` after its last event, and has arrived once it was in ``goal``.
    """

    name: str
    title: str
    source: str
    session: tuple[str, ...]
    states: tuple[str, ...]
    events: tuple[tuple[str, str], ...]
    transitions: tuple[tuple[str, str, str], ...]
    goal: str
    timeout_minutes: int = 30
    dataset: str | None = None
    where: str = "true"

    kind = "funnel"

    @property
    def sources(self) -> tuple[str, ...]:
        """The source whose rows it reads."""
        return (self.source,)

    def before(self, length: timedelta) -> timedelta:
        """How far back it reads for hours of that length: as many hours again to compare with, and who was under way then."""
        return length + timedelta(minutes=self.timeout_minutes)

    @property
    def after(self) -> timedelta:
        """How far ahead it reads: who is under way at the end is open."""
        return timedelta(0)

    @property
    def machine(self) -> list[int]:
        """For each state and event the number of the next state, from 1, in the order of states and events; 0: illegal."""
        next_state = {(come, event): self.states.index(to) + 1 for come, event, to in self.transitions}
        return [next_state.get((state, event), 0) for state in self.states for event, _ in self.events]


Declared = Settlement | Funnel
KINDS = (Settlement.kind, Funnel.kind)
"""Reports that exist only where they are declared."""
