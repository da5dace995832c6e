"""What others know of a value: user agents by the lists of two packages, networks by MaxMind DB files of the user.

Looked up are distinct values only, each once; ``sql/dimensions/`` makes columns of the answers.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from importlib.metadata import version
from ipaddress import ip_network
from typing import Any

from etl.config import Settings
from etl.errors import ConfigError

LONGEST_AGENT = 512
# a network of /24 can hold that many single addresses; one of /48 in more pieces is nobody's in particular
_PIECES = 256
_AT_ONCE = 25
_GENERIC = {"http-library", "browser-automation"}


class AgentLists:
    """User agents by ua-parser-builtins (family, version, operating system) and crawler-user-agents (crawlers)."""

    value = "user_agent_original"

    @cached_property
    def versions(self) -> dict[str, str]:
        """List → its version."""
        return {name: version(name) for name in ("ua-parser-builtins", "crawler-user-agents")}

    def look_up(self, agents: Sequence[str]) -> Any:
        """An Arrow table with a row for each agent, of which at most ``LONGEST_AGENT`` characters are looked at: the
        patterns are not of the kind that takes linear time."""
        import pyarrow as pa

        text = pa.string()
        fields: list[tuple[str, Any]] = [
            (name, text) for name in (self.value, "agent_family", "agent_version", "os_name")
        ]
        fields += [("crawler_name", text), ("crawler_tags", pa.list_(text)), ("crawler_description", text), ("crawler_url", text)]  # fmt: skip
        rows = (
            {self.value: agent, **_browser(agent[:LONGEST_AGENT]), **_crawler(agent[:LONGEST_AGENT])}
            for agent in agents
        )
        return pa.Table.from_pylist(list(rows), schema=pa.schema(fields))


class NetworkLists:
    """Networks by the MaxMind DB files that ``[enrich]`` names. Raises ConfigError for one that cannot be read."""

    value = "client_network"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def versions(self) -> dict[str, str]:
        """File, as the database calls itself → day it was built and the first digits of its SHA-256."""
        found: dict[str, str] = {}
        for place, path in enumerate(self._settings.enrich.mmdb):
            with self._opened(place) as reader:
                metadata = reader.metadata()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            found[f"{place + 1}. {metadata.database_type}"] = f"{_day(metadata.build_epoch)} {digest}"
        return found

    def look_up(self, networks: Sequence[str]) -> Any:
        """An Arrow table with a row for each network and file: ``place`` of the file, JSON texts of its ``records``."""
        import pyarrow as pa

        rows: list[dict[str, Any]] = []
        for place in range(len(self._settings.enrich.mmdb)):
            with self._opened(place) as reader:
                for network in networks:
                    try:
                        records = _records(reader, network)
                    except (ValueError, RuntimeError) as error:
                        raise self._unusable(place, error) from None
                    rows.append({self.value: network, "place": place, "records": records})
        fields = [(self.value, pa.string()), ("place", pa.int32()), ("records", pa.list_(pa.string()))]
        return pa.Table.from_pylist(rows, schema=pa.schema(fields))

    def _opened(self, place: int) -> Any:
        import maxminddb

        try:
            return maxminddb.open_database(self._settings.enrich.mmdb[place])
        except (OSError, ValueError, RuntimeError) as error:
            raise self._unusable(place, error) from None

    def _unusable(self, place: int, error: Exception) -> ConfigError:
        path = self._settings.enrich.mmdb[place]
        return ConfigError(
            f"{self._settings.path}, key enrich.mmdb[{place}]",
            str(path),
            f"a whole MaxMind DB file (.mmdb) on this machine ({error}); fetch it again, or take it out of the list",
        )


Lists = AgentLists | NetworkLists


def lists_of(settings: Settings) -> dict[str, Lists]:
    """View of ``sql/dimensions/`` → the lists that its values are looked up in."""
    return {"agents": AgentLists(), "networks": NetworkLists(settings)}


def _browser(agent: str) -> dict[str, str | None]:
    from ua_parser import Domain

    found = _resolver()(agent, Domain.USER_AGENT).user_agent
    try:
        system = _resolver()(agent, Domain.OS).os
    except ValueError:
        # a pattern that takes the system's name from the agent, where the agent has an empty one
        system = None
    return {
        "agent_family": found.family if found else None,
        "agent_version": found.major if found else None,
        "os_name": system.family if system else None,
    }


@cache
def _resolver() -> Any:
    # named: which one ua_parser would take by itself depends on what else is installed
    from ua_parser import BasicResolver, load_lazy_builtins

    return BasicResolver(load_lazy_builtins())


@dataclass(frozen=True)
class _Crawler:
    pattern: re.Pattern[str]
    said: dict[str, Any]


def _crawler(agent: str) -> dict[str, Any]:
    for several, crawlers in _crawlers():
        if several.search(agent):
            for crawler in crawlers:
                if found := crawler.pattern.search(agent):
                    return {"crawler_name": found[0].strip(" /;()") or found[0], **crawler.said}
    return {}


@cache
def _crawlers() -> list[tuple[re.Pattern[str], list[_Crawler]]]:
    """Patterns by the dozen, then one by one. Of several that match, crawlers of AI come first, and libraries last: they are what
    a crawler is made of."""
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]

    def order(entry: dict[str, Any]) -> int:
        tags = set(entry["tags"])
        return 0 if "ai-crawler" in tags else 2 if tags <= _GENERIC else 1

    listed = [
        _Crawler(
            re.compile(entry["pattern"]),
            {
                "crawler_tags": entry["tags"],
                "crawler_description": entry["description"],
                "crawler_url": entry.get("url"),
            },
        )
        for entry in sorted(CRAWLER_USER_AGENTS_DATA, key=order)
    ]
    groups = [listed[first : first + _AT_ONCE] for first in range(0, len(listed), _AT_ONCE)]
    return [(re.compile("|".join(f"(?:{item.pattern.pattern})" for item in group)), group) for group in groups]


def _records(reader: Any, network: str) -> list[str] | None:
    """What a database has within a network, as JSON texts; None where it is cut into too many pieces."""
    whole = ip_network(network)
    address, found = whole.network_address, set()
    for _ in range(_PIECES):
        try:
            record, prefix = reader.get_with_prefix_len(address)
        except ValueError as error:
            if whole.version == 6 and reader.metadata().ip_version == 4:
                return ["null"]
            raise error
        found.add(json.dumps(record, sort_keys=True, default=str))
        piece = ip_network((address, prefix), strict=False)
        if int(piece.broadcast_address) >= int(whole.broadcast_address):
            return sorted(found)
        address = piece.broadcast_address + 1
    return None


def _day(epoch: int) -> str:
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d}"
