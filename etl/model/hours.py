"""Hours: naive UTC datetimes at minute zero inside, ``2026-11-22T13`` at every border."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

HOUR = timedelta(hours=1)
_TEXT = "%Y-%m-%dT%H"


@lru_cache(maxsize=4096)
def parse_hour(text: str) -> datetime:
    """``"2026-11-22T13"`` → naive UTC datetime. Raises ValueError saying what was expected."""
    try:
        return datetime.strptime(text, _TEXT)
    except ValueError:
        raise ValueError(f"{text!r} is not an hour; write it as 2026-11-22T13 (UTC)") from None


def format_hour(hour: datetime) -> str:
    """Naive UTC datetime → ``"2026-11-22T13"``."""
    return f"{hour:%Y-%m-%dT%H}"


def to_hour(moment: datetime) -> datetime:
    """The UTC hour a moment lies in; an aware moment is converted, a naive one is taken as UTC."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.replace(minute=0, second=0, microsecond=0)


def hours_between(first: datetime, last: datetime) -> Iterator[datetime]:
    """Every hour from ``first`` to ``last``, both included (as Airflow's backfill counts)."""
    while first <= last:
        yield first
        first += HOUR
