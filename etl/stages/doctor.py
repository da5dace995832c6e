"""Can these stores do what logbucket relies on?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from etl.config import Settings
from etl.io.probes import probe_lake, probe_raw
from etl.io.store import open_store
from etl.stages.declared import check_declared


def doctor(settings: Settings | None, uri: str | None = None) -> list[dict[str, Any]]:
    """Probe the store at ``uri``, else the lake and, without writing, the raw root of every source.

    One record per probe: ``store``, ``probe``, ``found``, ``ok``, ``needed`` and what it means. A probe that is needed and
    not ok means that runs there fail or lose data. Raises ConfigError for a declared report that cannot be made.
    """
    if settings and not uri:
        check_declared(settings)
    lake = uri or (settings.lake if settings else "")
    found = probe_lake(open_store(lake))
    roots = {source.raw_root for source in settings.sources.values()} if settings and not uri else set()
    for root in sorted(roots):
        found += probe_raw(open_store(root))
    return [asdict(item) for item in found]
