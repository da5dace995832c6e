"""shop_gc: garbage collections of G1 in HotSpot's unified logging, from two hosts, whose heap grows on one of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

from etl.simulate.world import HOUR_MS, Fate, Record, Source, World, in_outage

_SEOUL = timedelta(hours=9)
_HOSTS = ("app-1", "app-2")
_LINES_PER_RECORD = 16
_UP_BEFORE_MS = 70 * HOUR_MS
_COMMITTED_MB = 4096
_RETAINED_MB, _LEAK_MB_PER_HOUR = 310, {"app-1": 0, "app-2": 12}
_CONCURRENT_SHARE, _MIXED_SHARE, _FULL_SHARE_IN_OUTAGE = 0.06, 0.1, 0.2


def _head(world: World, host: str, ms: int) -> str:
    stamp = (world.time(ms) + _SEOUL).isoformat("T", "milliseconds")
    return f"[{stamp}+0900][{(_UP_BEFORE_MS + ms) / 1000:.3f}s][{host}][info][gc] GC"


def _records(world: World, hour: int, rng: Random) -> Iterator[Record]:
    outages = world.outages()
    # as many numbers as an hour can have, so that those of the next go on from there
    first_id = hour * world.lines_per_hour
    for number, ms in enumerate(world.moments(hour, rng, _LINES_PER_RECORD)):
        host = rng.choice(_HOSTS)
        outage = in_outage(outages, ms)
        retained = min(_RETAINED_MB + _LEAK_MB_PER_HOUR[host] * ms // HOUR_MS + rng.randrange(40), _COMMITTED_MB - 700)
        text = f"{_head(world, host, ms)}({first_id + number}) "
        counts = {"collections": 1}
        if rng.random() < _CONCURRENT_SHARE:
            kind, text = "concurrent", f"{text}Concurrent Mark Cycle {rng.uniform(20, 180):.3f}ms"
        else:
            if outage and rng.random() < _FULL_SHARE_IN_OUTAGE:
                kind, what, pause_us = "full", "Full (G1 Compaction Pause)", rng.randrange(700_000, 2_400_000)
            elif rng.random() < _MIXED_SHARE:
                kind, what, pause_us = "mixed", "Young (Mixed) (G1 Evacuation Pause)", rng.randrange(9_000, 45_000)
            else:
                kind, what, pause_us = "young", "Young (Normal) (G1 Evacuation Pause)", rng.randrange(2_000, 19_000)
            pause_us *= 4 if outage and kind != "full" else 1
            before = retained + rng.randrange(200, 650)
            text = f"{text}Pause {what} {before}M->{retained}M({_COMMITTED_MB}M) {pause_us / 1000:.3f}ms"
            counts |= {"pauses": 1, "pause_us": pause_us, f"pauses.{host}": 1, f"pause_us.{host}": pause_us}
        yield Record(world.arrival(rng, ms), host, f"{text}\n".encode(), 1, Fate.ROW, ms, kind, counts)


def _malformed(rng: Random, good: bytes) -> bytes:
    """A line that starts like a record but holds no time: anything else would continue the record before it."""
    return f"[2026-13-45T99:99:99.000+0900][info][gc] GC({rng.randrange(1000)}) Pause Young (Normal) 1M->1M(2M) 1.000ms".encode()


SHOP_GC = Source(
    name="shop_gc",
    hosts=_HOSTS,
    suffix=".log",
    settings='format = "jvm_gc_unified"\nzone = "Asia/Seoul"\nservice_name = "shop"\n',
    records=_records,
    malformed=_malformed,
    objects_per_hour=1,
    cut_inside_records=True,
)
