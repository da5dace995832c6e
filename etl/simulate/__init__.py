"""A shop and a game that write logs: raw objects, their sources.toml, and the true counts to hold a pipeline against.

The result is a pure function of the arguments; running it again writes the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from etl.simulate.app import SHOP_APP
from etl.simulate.game import GAME_EVENTS
from etl.simulate.gc import SHOP_GC
from etl.simulate.place import place, write
from etl.simulate.truth import SourceTruth, Truth
from etl.simulate.web import SHOP_WEB
from etl.simulate.world import HOUR_MS, Source, World

__all__ = ["ALL_SOURCES", "SOURCES", "SourceTruth", "Truth", "simulate"]

SOURCES = (SHOP_WEB, SHOP_APP, GAME_EVENTS)
ALL_SOURCES = (*SOURCES, SHOP_GC)


def simulate(
    root: Path, *, start: datetime, hours: int, lines_per_hour: int, seed: int, sources: Sequence[Source] = SOURCES
) -> Truth:
    """Write `raw/`, `sources.toml` and `truth.json` under root and return what truth.json says.

    `start` is the first landing hour, a full hour, naive meaning UTC. `lines_per_hour` is the daily mean of each
    source but shop_gc, which has a sixteenth. Raises ValueError for arguments out of range, and FileExistsError if root holds objects of another
    simulation, for they would mix.
    """
    world = World(_full_hour(start), hours, lines_per_hour, seed)
    if hours < 1 or lines_per_hour < 1:
        raise ValueError(f"hours = {hours}, lines_per_hour = {lines_per_hour}: expected both to be at least 1")
    truth = Truth.of(world)
    _refuse_a_mix(root, truth)
    for source in sources:
        truth.sources[source.name] = place(root, world, source)
    end = world.time(hours * HOUR_MS)
    write(root / "sources.toml", _settings(world, sources).encode(), end)
    write(root / "truth.json", truth.as_json().encode(), end)
    return truth


def _full_hour(start: datetime) -> datetime:
    naive = start.astimezone(UTC).replace(tzinfo=None) if start.tzinfo else start
    if naive != naive.replace(minute=0, second=0, microsecond=0):
        raise ValueError(f"start = {start.isoformat()}: expected a full hour in UTC, like 2026-11-22T00:00")
    return naive


def _refuse_a_mix(root: Path, truth: Truth) -> None:
    if not (root / "raw").exists():
        return
    written = root / "truth.json"
    earlier = json.loads(written.read_text()) if written.exists() else {}
    wanted = json.loads(truth.as_json())
    if any(earlier.get(name) != wanted[name] for name in wanted if name != "sources"):
        raise FileExistsError(
            f"{root / 'raw'} holds objects of another or an unfinished simulation: "
            "expected none, or those of the same arguments; choose another folder or remove it"
        )


def _settings(world: World, sources: Sequence[Source]) -> str:
    text = 'lake = "lake"\n'
    for source in sources:
        text += (
            f"\n[sources.{source.name}]\n"
            f'raw = "raw/{source.name}/%Y/%m/%d/%H/"\n'
            f'start = "{world.label(0)}"\n'
            f'end = "{world.label(world.hours - 1)}"\n'
            f"shards = 2\n{source.settings}"
        )
    return text
