"""Can these stores do what logbucket relies on?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from etl.config import Settings
from etl.errors import ConfigError
from etl.io.lists import lists_of
from etl.io.probes import Finding, probe_lake, probe_raw
from etl.io.store import open_store
from etl.stages.declared import check_declared


def doctor(settings: Settings | None, uri: str | None = None) -> list[dict[str, Any]]:
    """Probe the store at ``uri``, else the lake, without writing the raw root of every source, and the lists.

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
    if settings and not uri:
        found += _lists(settings)
    return [asdict(item) for item in found]


def _lists(settings: Settings) -> list[Finding]:
    meaning = {"agents": "what user agents are looked up in", "networks": "what networks are looked up in"}
    found = []
    for name, lists in lists_of(settings).items():
        try:
            versions = lists.versions
        except ConfigError as error:
            found.append(Finding("lists", name, str(error), False, True, meaning[name]))
        else:
            found += [Finding("lists", item, version, True, True, meaning[name]) for item, version in versions.items()]
    return found
