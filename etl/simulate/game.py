"""game_events: one JSON object a line with fields that vary by event, from two hosts, gzip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from random import Random
from typing import Any

from etl.simulate.world import Fate, Record, Source, World, cumulative, zipf

_HOSTS = ("game-1", "game-2")
_EVENTS = ("item_drop", "login", "logout", "level_up", "purchase", "chat")
_EVENT_WEIGHTS = cumulative((40, 20, 18, 12, 6, 4))
_ITEMS = ("iron_sword", "healing_potion", "고대의 방패", "dragon_scale", "silver_ring")
_DEVICES = (
    {"os": "Android 15", "model": "SM-S938N"},
    {"os": "iOS 18.6", "model": "iPhone17,1"},
    {"os": "Windows 11", "model": "PC"},
)
_BEYOND_FLOAT64 = 2**53


@lru_cache(maxsize=8)
def _players(world: World) -> tuple[list[int], list[float]]:
    """User ids, most frequent first, with cumulative weights; one in ten is odd and beyond 2^53, where float64 is not."""
    rng = world.rng("players")
    ids = [
        _BEYOND_FLOAT64 + 1 + 2 * rng.randrange(10**6) if rng.random() < 0.1 else rng.randrange(10**4, 10**9)
        for _ in range(max(30, world.lines_per_hour // 5))
    ]
    return ids, cumulative(zipf(len(ids), 0.7))


def _stamp(world: World, ms: int, offset_hours: int = 0) -> str:
    text = (world.time(ms) + timedelta(hours=offset_hours)).isoformat("T", "milliseconds")
    return f"{text}+{offset_hours:02}:00" if offset_hours else f"{text}Z"


def _extra(rng: Random, event: str) -> dict[str, Any]:
    match event:
        case "login":
            return {"device": rng.choice(_DEVICES), "client_version": f"2.{rng.randrange(1, 9)}.0"}
        case "logout":
            return {"duration_s": rng.randrange(5, 9_000)}
        case "level_up":
            return {"level": rng.randrange(2, 100)}
        case "purchase":
            return {"item": rng.choice(_ITEMS), "amount": f"{rng.randrange(99, 9_900) / 100:.2f}", "currency": "USD"}
        case "item_drop":
            return {"item": rng.choice(_ITEMS), "count": rng.randrange(1, 5), "rare": rng.random() < 0.05}
        case _:
            return {"channel": "guild", "text": rng.choice(("gg", '"hello" \\o/', "안녕하세요", "first line\nsecond"))}


def _records(world: World, hour: int, rng: Random) -> Iterator[Record]:
    players, weights = _players(world)
    moments = world.moments(hour, rng)
    events = rng.choices(_EVENTS, cum_weights=_EVENT_WEIGHTS, k=len(moments))
    users = rng.choices(players, cum_weights=weights, k=len(moments))
    for ms, event, user in zip(moments, events, users, strict=True):
        published_ms = world.arrival(rng, ms, rng.randrange(20, 1_500))
        fields = {
            "ts": _stamp(world, ms, 9 if rng.random() < 0.05 else 0),
            "event": event,
            "user_id": user,
            "session_id": f"{user % 997:03x}{ms // 1_800_000 & 0xFFFF:04x}",
            "app_id": "dragon_kr" if user % 3 else "dragon_global",
            "published_at": _stamp(world, published_ms),
            **_extra(rng, event),
        }
        yield Record(
            published_ms,
            rng.choice(_HOSTS),
            json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n",
            1,
            Fate.ROW,
            ms,
            event,
            {"events": 1, f"event.{event}": 1},
            (("users", str(user)),),
        )


def _malformed(rng: Random, good: bytes) -> bytes:
    """Text that is no JSON, or a line cut anywhere: no proper beginning of an object is valid."""
    if rng.random() < 0.3:
        return rng.choice((b"upstream connect error", b"<html><body>503</body></html>", b"{ts: now, event: login}"))
    return good[: rng.randrange(1, len(good) - 2)]


GAME_EVENTS = Source(
    name="game_events",
    hosts=_HOSTS,
    suffix=".jsonl.gz",
    settings=(
        'format = "json_event"\nzone = "UTC"\nservice_name = "dragon"\ndeduplicate = "objects"\n'
        "\n[sources.game_events.fields]\n"
        'event_time = "ts"\nevent_name = "event"\npublished_time = "published_at"\n'
        'user_id = "user_id"\nsession_id = "session_id"\napp_id = "app_id"\n'
    ),
    records=_records,
    malformed=_malformed,
    objects_per_hour=1,
    upload_twice=True,
)
