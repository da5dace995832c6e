"""All stages of a landing hour one after the other: what a DAG run does, without Airflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etl.config import Settings
from etl.stages.aggregate import aggregate
from etl.stages.check import check
from etl.stages.land import land
from etl.stages.normalize import normalize
from etl.stages.publish import publish


def run(
    settings: Settings,
    source_name: str,
    landing_hour: str,
    *,
    reprocess: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> dict[str, Any]:
    """Run land → normalize → publish → aggregate → check for one landing hour; returns its books.

    With ``reprocess`` every object of the window is read again and every touched partition built again.
    """
    progress("land")
    work = land(settings, source_name, landing_hour)
    touched: set[str] = set()
    for shard in range(settings.source(source_name).shards):
        progress(f"normalize shard {shard + 1}")
        touched |= set(normalize(settings, source_name, work, shard, reprocess))
    progress("publish")
    published = publish(settings, source_name, touched, force=reprocess)
    progress("aggregate")
    aggregate(settings, source_name, published)
    progress("check")
    return check(settings, source_name, landing_hour, published)
