"""The only place where keys of the lake are built or taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from etl.model.hours import format_hour, parse_hour


@dataclass(frozen=True, order=True)
class Partition:
    """One (dataset, event hour) of a source; as text ``web_access/2026-11-22T13``."""

    dataset: str
    hour: datetime

    def __str__(self) -> str:
        return f"{self.dataset}/{format_hour(self.hour)}"

    @classmethod
    def parse(cls, text: str) -> Partition:
        """Inverse of ``str``. Raises ValueError."""
        dataset, _, hour = text.partition("/")
        return cls(dataset, parse_hour(hour))


def _landing(hour: datetime) -> str:
    # hours without a leading zero: DuckDB and Arrow then read them as integers, whatever hours there are
    return f"landing_date={hour:%Y-%m-%d}/landing_hour={hour.hour}"


def shard_name(shard: int) -> str:
    """``shard-03``."""
    return f"shard-{shard:02d}"


def slice_key(source: str, partition: Partition, landing: datetime, shard: int) -> str:
    """Key of the rows of one (landing hour, shard) that fall in one partition."""
    return f"{slice_prefix(source, partition)}landing_hour={format_hour(landing)}/{shard_name(shard)}.parquet"


def slice_prefix(source: str, partition: Partition) -> str:
    """Prefix of all slices of one partition."""
    return f"staged/{source}/{partition.dataset}/event_hour={format_hour(partition.hour)}/"


_SLICE = re.compile(
    r"staged/(?P<source>[^/]+)/(?P<dataset>[^/]+)/event_hour=(?P<hour>[^/]+)"
    r"/landing_hour=(?P<landing>[^/]+)/shard-(?P<shard>\d+)\.parquet"
)


def parse_slice_key(key: str) -> tuple[str, Partition, datetime, int]:
    """Slice key → (source, partition, landing hour, shard). Raises ValueError for a foreign key."""
    found = _SLICE.fullmatch(key)
    if not found:
        raise ValueError(f"{key!r} is not the key of a slice")
    partition = Partition(found["dataset"], parse_hour(found["hour"]))
    return found["source"], partition, parse_hour(found["landing"]), int(found["shard"])


def partition_key(source: str, partition: Partition) -> str:
    """Key of a published partition."""
    hour = partition.hour
    return f"events/{partition.dataset}/event_date={hour:%Y-%m-%d}/event_hour={hour.hour}/{source}.parquet"


def dataset_prefix(dataset: str, day: datetime | None = None) -> str:
    """Prefix of a dataset's partitions, of one event date if given."""
    return f"events/{dataset}/" + (f"event_date={day:%Y-%m-%d}/" if day else "")


_PARTITION = re.compile(
    r"events/(?P<dataset>[^/]+)/event_date=(?P<date>[^/]+)/event_hour=(?P<hour>\d|1\d|2[0-3])/(?P<source>[^/]+)\.parquet"
)


def parse_partition_key(key: str) -> tuple[str, Partition]:
    """Partition key → (source, partition). Raises ValueError for a foreign key."""
    found = _PARTITION.fullmatch(key)
    if not found:
        raise ValueError(f"{key!r} is not the key of a partition")
    return found["source"], Partition(found["dataset"], parse_hour(f"{found['date']}T{found['hour']}"))


def metric_key(metric: str, day: datetime, source: str) -> str:
    """Key of one metric's object of one event date."""
    return f"metrics/{metric}/event_date={day:%Y-%m-%d}/{source}.parquet"


def dimension_key(name: str) -> str:
    """Key of all that lists say of the values of one kind."""
    return f"dimensions/{name}.parquet"


def quarantine_key(source: str, landing: datetime, shard: int) -> str:
    """Key of the rejected lines of one shard."""
    return f"quarantine/{source}/{_landing(landing)}/{shard_name(shard)}.parquet"


def quarantine_prefix(source: str, day: date) -> str:
    """Prefix of a source's rejected lines of one landing date."""
    return f"quarantine/{source}/landing_date={day:%Y-%m-%d}/"


def ledger_key(source: str, landing: datetime, shard: int) -> str:
    """Key of the account of one shard."""
    return f"ledger/{source}/{_landing(landing)}/{shard_name(shard)}.json"


_LEDGER = re.compile(
    r"ledger/[^/]+/landing_date=(?P<date>[^/]+)/landing_hour=(?P<hour>\d\d?)/shard-(?P<shard>\d+)\.json"
)


def parse_ledger_key(key: str) -> tuple[datetime, int]:
    """Ledger key → (landing hour, shard). Raises ValueError for a foreign key."""
    found = _LEDGER.fullmatch(key)
    if not found:
        raise ValueError(f"{key!r} is not the key of a ledger")
    return parse_hour(f"{found['date']}T{found['hour']}"), int(found["shard"])


def is_ledger_key(key: str) -> bool:
    """Whether a key is that of a ledger, and no foreign one."""
    return _LEDGER.fullmatch(key) is not None


def ledger_prefix_of(source: str) -> str:
    """Prefix of all of a source's accounts."""
    return f"ledger/{source}/"


def ledger_prefix(source: str, day: date) -> str:
    """Prefix of a source's accounts of one landing date."""
    return f"ledger/{source}/landing_date={day:%Y-%m-%d}/"


def pending_key(source: str, landing: datetime, shard: int) -> str:
    """Key of the note that a shard's partitions still have to be published."""
    return f"work/{source}/pending/{format_hour(landing)}.{shard_name(shard)}.json"


def pending_prefix(source: str) -> str:
    """Prefix of all such notes of a source."""
    return f"work/{source}/pending/"


_NOTE = re.compile(r"work/[^/]+/[^/]+/(?P<hour>[^/]+)\.shard-\d+\.json")


def note_hour(key: str) -> datetime:
    """Landing hour of a note's key. Raises ValueError for a foreign key."""
    found = _NOTE.fullmatch(key)
    if not found:
        raise ValueError(f"{key!r} is not the key of a note")
    return parse_hour(found["hour"])


def refused_key(source: str, landing: datetime, shard: int) -> str:
    """Key of the note that a shard was over its quarantine limit."""
    return f"{refused_prefix(source)}{format_hour(landing)}.{shard_name(shard)}.json"


def refused_prefix(source: str) -> str:
    """Prefix of all such notes of a source."""
    return f"work/{source}/refused/"


def work_list_key(source: str, landing: datetime, alone: bool = False) -> str:
    """Key of the listing one run works from; ``alone`` for one of this landing hour without those it looks back on."""
    return f"work/{source}/{'alone/' if alone else ''}{_landing(landing)}.json.gz"


def work_list_prefix(source: str, day: date) -> str:
    """Prefix of a source's work lists of one landing date."""
    return f"work/{source}/landing_date={day:%Y-%m-%d}/"


def revision_prefix(source: str, partition: Partition) -> str:
    """Prefix of the records of how a published partition changed."""
    hour = partition.hour
    return f"revisions/{source}/{partition.dataset}/event_date={hour:%Y-%m-%d}/event_hour={hour.hour}/"


def revision_key(source: str, partition: Partition, revision: int) -> str:
    """Key of the record of one revision, from 2: the first publication has none."""
    return f"{revision_prefix(source, partition)}{revision:06d}.json"


def kept_key(source: str) -> str:
    """Key of the record of from when on a source's layers are kept."""
    return f"expired/{source}/kept.json"


def removal_key(source: str, day: date) -> str:
    """Key of the record of what was removed on a day because of its age."""
    return f"expired/{source}/{day:%Y-%m-%d}.json"


def erasure_prefix() -> str:
    """Prefix of the records of erased subjects."""
    return "erasures/subjects/"


def erasure_key(digest: str) -> str:
    """Key of the record of an erased subject, named by its keyed digest."""
    return f"{erasure_prefix()}{digest}.json"


def erasing_prefix(digest: str) -> str:
    """Prefix of what is remembered of an erasure until its certificate is written."""
    return f"erasures/begun/{digest}/"


def erasing_key(digest: str, name: str) -> str:
    """Key of one part of that."""
    return f"{erasing_prefix(digest)}{name}.json"


def certificate_key(digest: str, asked: datetime) -> str:
    """Key of the certificate of what an erasure did."""
    return f"erasures/certificates/{digest}.{asked:%Y-%m-%dT%H%M%S}.json"


def report_key(report: str, first: datetime, last: datetime) -> str:
    """Key of a rendered report over the event hours first..last (both included)."""
    return f"reports/{report}/{format_hour(first)}--{format_hour(last)}.html"


_REPORT = re.compile(r"reports/(?P<report>[^/]+)/(?P<first>[^/]+)--(?P<last>[^/]+)\.html")


def parse_report_key(key: str) -> tuple[str, datetime, datetime]:
    """Report key → (report, first hour, last hour). Raises ValueError for a foreign key."""
    found = _REPORT.fullmatch(key)
    if not found:
        raise ValueError(f"{key!r} is not the key of a report")
    return found["report"], parse_hour(found["first"]), parse_hour(found["last"])


def alerts_prefix(source: str) -> str:
    """Prefix of what is known of a source's alerts."""
    return f"alerts/{source}/"


def alerts_key(source: str, by: str) -> str:
    """Key of what is known of a source's alerts ``by`` those who raise them: digest or watchdog."""
    return f"{alerts_prefix(source)}{by}.json"


def backfilled_key(source: str, landing: datetime) -> str:
    """Key of the note that a landing hour was backfilled and nobody was told yet."""
    return f"{backfilled_prefix(source)}{format_hour(landing)}.json"


def backfilled_prefix(source: str) -> str:
    """Prefix of all such notes of a source."""
    return f"{alerts_prefix(source)}backfilled/"


def backfilled_hour(key: str) -> datetime:
    """Landing hour of such a note. Raises ValueError for a foreign key."""
    return parse_hour(key.rpartition("/")[2].removesuffix(".json"))


_DAY = re.compile(
    r"/(?:event|landing)_date=(\d{4}-\d\d-\d\d)[/.]|/event_hour=(\d{4}-\d\d-\d\d)T\d\d/"
    r"|/(?:refused|pending|backfilled)/(\d{4}-\d\d-\d\d)T\d\d\."
)


def day_of_key(key: str) -> date | None:
    """The event date of rows and metrics, the landing date of other objects of a source; None where a key has none."""
    found = _DAY.search(key)
    return date.fromisoformat(next(part for part in found.groups() if part)) if found else None


def name_of_key(key: str) -> str:
    """The dataset or metric of an object, empty for those of none."""
    layer, first, second = key.split("/")[:3]
    return first if layer in ("events", "metrics") else second if layer in ("staged", "revisions") else ""


_EVENT_DATE = re.compile(r"/(?:event|landing)_date=(\d{4}-\d\d-\d\d)(?:/(?:event|landing)_hour=(\d\d?))?[/.]")


def hours_of_key(key: str) -> tuple[datetime, datetime] | None:
    """First and last hour a lake object can hold by its key, or None where the key carries no date."""
    found = _EVENT_DATE.search(key)
    if not found:
        return None
    if found[2]:
        hour = parse_hour(f"{found[1]}T{found[2]}")
        return hour, hour
    return parse_hour(f"{found[1]}T00"), parse_hour(f"{found[1]}T23")


CATALOG = "catalog.duckdb"
_GLOBS = {
    "events": "events/{name}/event_date=*/event_hour=*/*.parquet",
    "metrics": "metrics/{name}/event_date=*/*.parquet",
    "quarantine": "quarantine/*/landing_date=*/landing_hour=*/*.parquet",
    "ledger": "ledger/*/landing_date=*/landing_hour=*/*.json",
    "dimensions": "dimensions/{name}.parquet",
    "revisions": "revisions/*/*/event_date=*/event_hour=*/*.json",
}


def glob_of(layer: str, name: str = "*") -> str:
    """Glob that matches the objects of a layer (events, metrics, …), of one dataset or metric if given."""
    return _GLOBS[layer].format(name=name)
