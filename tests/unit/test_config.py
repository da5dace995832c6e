"""``sources.toml``: what is accepted, and what every complaint says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl.config import (
    PRIVACY_OFF,
    Notify,
    Privacy,
    QuarantineLimit,
    Retention,
    Source,
    checked_zone,
    config_path,
    load,
)
from etl.errors import ConfigError

MINIMAL = 'lake = "data/lake"\n[sources.web]\nraw = "data/raw/web/%Y/%m/%d/%H/"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "sources.toml"
    path.write_text(text, encoding="utf-8")
    return path


def source(folder: Path, lines: str = "", name: str = "web") -> Source:
    return load(write(folder, MINIMAL + lines), {}).source(name)


def test_defaults(tmp_path: Path) -> None:
    found = source(tmp_path)
    assert found == Source(
        name="web",
        raw=f"{tmp_path}/data/raw/web/%Y/%m/%d/%H/",
        format="auto",
        zone="UTC",
        service_name="web",
        shards=4,
        start=datetime(2026, 1, 1, tzinfo=UTC),
        end=None,
        look_back_hours=24,
        max_lateness_days=35,
        deduplicate="none",
        quarantine_limit=QuarantineLimit(0.01, 100),
        fields=(),
        producer=None,
        privacy=Privacy(),
    )


def test_every_key(tmp_path: Path) -> None:
    text = """
        lake = "s3://bucket/lake"
        sql = ["sql", "more/sql"]
        [sources.game]
        raw = "s3://raw/game/%Y-%m-%d/%H"
        format = "json_event"
        zone = "Asia/Seoul"
        service_name = "platform"
        shards = 8
        start = "2026-11-22T00"
        end = "2026-11-23T23"
        look_back_hours = 0
        max_lateness_days = 1
        deduplicate = ["event_name", "user_id"]
        quarantine_limit = { share = 0, lines = 0 }
        producer = "game-(\\\\d+)"
        privacy = { visitor = "none", query = ["q"] }
        [sources.game.fields]
        event_time = "when"
        event_name = "what"
    """
    settings = load(write(tmp_path, text), {})
    assert (settings.lake, settings.sql) == ("s3://bucket/lake", (tmp_path / "sql", tmp_path / "more/sql"))
    assert settings.source("game") == Source(
        name="game",
        raw="s3://raw/game/%Y-%m-%d/%H",
        format="json_event",
        zone="Asia/Seoul",
        service_name="platform",
        shards=8,
        start=datetime(2026, 11, 22, tzinfo=UTC),
        end=datetime(2026, 11, 23, 23, tzinfo=UTC),
        look_back_hours=0,
        max_lateness_days=1,
        deduplicate=("event_name", "user_id"),
        quarantine_limit=QuarantineLimit(0.0, 0),
        fields=(("event_name", "what"), ("event_time", "when")),
        producer="game-(\\d+)",
        privacy=Privacy("truncate", "none", ("q",), True),
    )


@pytest.mark.parametrize(
    ("common", "own", "wanted"),
    [
        ("", "", Privacy()),
        ('privacy = "off"', "", PRIVACY_OFF),
        ('privacy = "off"', "privacy = {}", Privacy()),
        ("", 'privacy = "off"', PRIVACY_OFF),
        ('privacy = { address = "keep" }', "", Privacy(address="keep")),
        ('privacy = { address = "keep" }', "privacy = { scrub = false }", Privacy(address="keep", scrub=False)),
        ('privacy = { query = ["q"] }', "privacy = { query = [] }", Privacy(query=())),
    ],
)
def test_privacy_is_on_unless_a_source_or_the_file_says_otherwise(
    tmp_path: Path, common: str, own: str, wanted: Privacy
) -> None:
    assert load(write(tmp_path, f"{common}\n{MINIMAL}{own}"), {}).source("web").privacy == wanted


@pytest.mark.parametrize(
    ("common", "own", "wanted"),
    [
        ("", "", Retention()),
        ("retention = { events_days = 400, reports_days = 30 }", "", Retention(events_days=400, reports_days=30)),
        (
            "retention = { events_days = 400 }",
            "retention = { quarantine_days = 30 }",
            Retention(events_days=400, quarantine_days=30),
        ),
        ("retention = { events_days = 400 }", "retention = { events_days = 7 }", Retention(events_days=7)),
    ],
)
def test_everything_is_kept_unless_the_file_or_a_source_says_otherwise(
    tmp_path: Path, common: str, own: str, wanted: Retention
) -> None:
    assert load(write(tmp_path, f"{common}\n{MINIMAL}{own}"), {}).source("web").retention == wanted


BROKEN: dict[str, tuple[str, list[str]]] = {
    "privacy on": ('privacy = "on"', ["sources.web.privacy", "'on'", '"off"']),
    "privacy of an unknown kind": ("privacy = { adress = 1 }", ["sources.web.privacy.adress", "address"]),
    "address hashed": ('privacy = { address = "hash" }', ["sources.web.privacy.address", "'hash'", "truncate"]),
    "visitor unkeyed": ('privacy = { visitor = "unkeyed" }', ["sources.web.privacy.visitor", "daily"]),
    "scrub a text": ('privacy = { scrub = "no" }', ["sources.web.privacy.scrub", "'no'", "true or false"]),
    "query a text": ('privacy = { query = "page" }', ["sources.web.privacy.query", "'page'", "a list"]),
    "retention a number": ("retention = 30", ["sources.web.retention", "30", "a table such as"]),
    "retention of reports": ("retention = { reports_days = 9 }", ["sources.web.retention.reports_days", "events_days"]),
    "retention a text": (
        'retention = { events_days = "30" }',
        ["retention.events_days", "'30'", "a whole number of days"],
    ),
    "retention of no day": ("retention = { events_days = 0 }", ["retention.events_days", "0", "from 1 to 36500"]),
    "metrics go before events": (
        "retention = { events_days = 30, metrics_days = 29 }",
        ["retention.metrics_days", "29", "at least events_days"],
    ),
    "metrics go, events stay": (
        "retention = { metrics_days = 29 }",
        ["retention.metrics_days", "at least events_days"],
    ),
    "ledger goes before events": (
        "retention = { events_days = 30, quarantine_days = 1, ledger_days = 31 }",
        ["retention.ledger_days", "31", "at least events_days and 2 more"],
    ),
    "ledger goes before quarantine": (
        "retention = { events_days = 30, ledger_days = 40 }",
        ["retention.quarantine_days", "None", "at most ledger_days"],
    ),
    "ledger goes before a run has looked back": (
        "look_back_hours = 96\nretention = { events_days = 1, quarantine_days = 1, ledger_days = 4 }",
        ["retention.ledger_days", "4", "a day more than look_back_hours (96)"],
    ),
    "shards too many": ("shards = 9", ["sources.web.shards", "9", "from 1 to 8"]),
    "shards zero": ("shards = 0", ["sources.web.shards", "0", "from 1 to 8"]),
    "shards a text": ('shards = "2"', ["sources.web.shards", "'2'", "whole number"]),
    "shards true": ("shards = true", ["sources.web.shards", "True", "whole number"]),
    "shards a fraction": ("shards = 2.5", ["sources.web.shards", "2.5", "whole number"]),
    "unknown key": ("shrads = 2", ["sources.web.shrads", "2", "shards"]),
    "name is no key": ('name = "x"', ["sources.web.name", "'x'", "raw"]),
    "wrapper unknown": ('format = "k8s/logback"', ["sources.web.format", "'k8s/logback'", "cri/ or docker/"]),
    "encoding unknown": ('encoding = "latin-99"', ["sources.web.encoding", "'latin-99'", "big5"]),
    "encoding without ASCII": ('encoding = "cp037"', ["sources.web.encoding", "'cp037'", "utf-16"]),
    "encoding with states": ('encoding = "iso2022_jp"', ["sources.web.encoding", "utf-8"]),
    "dataset unknown": ('dataset = "weblog"', ["sources.web.dataset", "'weblog'", "web_access"]),
    "options a list": ('options = ["a"]', ["sources.web.options", "a table"]),
    "zone unknown": ('zone = "Asia/Soul"', ["zone", "'Asia/Soul'", "IANA"]),
    "zone an abbreviation": ('zone = "seoul"', ["zone", "'seoul'", "Asia/Seoul"]),
    "zone a path": ('zone = "../etc/passwd"', ["zone", "IANA"]),
    "zone empty": ('zone = ""', ["zone", "''", "IANA"]),
    "zone a number": ("zone = 9", ["zone", "9", "IANA"]),
    "format a number": ("format = 1", ["sources.web.format", "1", "a text"]),
    "format empty": ('format = ""', ["sources.web.format", "''", "a text"]),
    "service_name empty": ('service_name = ""', ["sources.web.service_name", "a text"]),
    "start without hour": ('start = "2026-11-22"', ["sources.web.start", "'2026-11-22'", "2026-11-22T00"]),
    "start a date": ("start = 2026-11-22", ["sources.web.start", "2026-11-22T00"]),
    "start impossible": ('start = "2026-02-30T00"', ["sources.web.start", "2026-02-30T00", "an hour in UTC"]),
    "end no hour": ('end = "later"', ["sources.web.end", "'later'", "an hour in UTC"]),
    "end before start": (
        'start = "2026-11-22T00"\nend = "2026-11-21T00"',
        ["sources.web.end", "2026-11-21T00", "start"],
    ),
    "look_back negative": ("look_back_hours = -1", ["sources.web.look_back_hours", "-1", "from 0 to 744"]),
    "look_back too long": ("look_back_hours = 745", ["sources.web.look_back_hours", "745", "from 0 to 744"]),
    "max_lateness zero": ("max_lateness_days = 0", ["sources.web.max_lateness_days", "0", "from 1"]),
    "deduplicate unknown": ('deduplicate = "yes"', ["sources.web.deduplicate", "'yes'", '"objects"']),
    "deduplicate empty": ("deduplicate = []", ["sources.web.deduplicate", "[]", "list of columns"]),
    "deduplicate no column name": ('deduplicate = ["a; DROP"]', ["sources.web.deduplicate", "list of columns"]),
    "limit a number": ("quarantine_limit = 0.5", ["sources.web.quarantine_limit", "0.5", "share"]),
    "limit share above one": ("quarantine_limit = { share = 2 }", ["quarantine_limit.share", "2", "from 0 to 1"]),
    "limit share a truth": ("quarantine_limit = { share = true }", ["quarantine_limit.share", "True"]),
    "limit share not a number": ("quarantine_limit = { share = nan }", ["quarantine_limit.share", "nan"]),
    "limit lines negative": ("quarantine_limit = { lines = -1 }", ["quarantine_limit.lines", "-1", "0 or more"]),
    "limit unknown key": ("quarantine_limit = { rate = 1 }", ["quarantine_limit.rate", "lines, share"]),
    "fields a list": ('fields = ["ts"]', ["sources.web.fields", "ts", "field of the log"]),
    "fields to a number": ("fields = { event_time = 1 }", ["sources.web.fields", "field of the log"]),
    "producer no pattern": ('producer = "("', ["sources.web.producer", "'('", "regular expression"]),
    "notify a text": ('notify = "ops"', ["sources.web.notify", "'ops'", "false, or a table"]),
    "notify unknown key": ("notify = { url = [] }", ["sources.web.notify.url", "minimum_severity, urls"]),
    "notify no list": ('notify = { urls = "x://y" }', ["sources.web.notify.urls", "a list of Apprise URLs"]),
    "notify no URL": ('notify = { urls = ["a://b", "ops"] }', ["sources.web.notify.urls[1]", "an Apprise URL"]),
    "notify variable without a name": (
        'notify = { urls = ["a://${}"] }',
        ["sources.web.notify.urls[0]", "${SLACK_URL}"],
    ),
    "notify severity unknown": ('notify = { minimum_severity = "bad" }', ["minimum_severity", "'bad'", "critical"]),
    "producer a number": ("producer = 1", ["sources.web.producer", "1", "regular expression"]),
}


@pytest.mark.parametrize(("lines", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_source_names_file_key_value_and_what_is_allowed(tmp_path: Path, lines: str, said: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        source(tmp_path, lines)
    for part in [str(tmp_path / "sources.toml"), *said]:
        assert part in str(error.value)
    assert error.value.exit_code == 2 and not error.value.retryable


BROKEN_FILES: dict[str, tuple[str, list[str]]] = {
    "empty": ("", ["lake", "None", "s3://bucket/prefix"]),
    "lake a number": ("lake = 1", ["lake", "1", "a folder"]),
    "lake empty": ('lake = ""', ["lake", "''", "a folder"]),
    "lake on another store": ('lake = "gs://bucket"', ["lake", "gs://bucket", "s3://bucket/prefix"]),
    "lake without bucket": ('lake = "s3:///x"', ["lake", "s3:///x", "s3://bucket/prefix"]),
    "lake with one slash": ('lake = "s3:/bucket"', ["lake", "s3:/bucket", "s3://bucket/prefix"]),
    "lake among raw objects": (
        'lake = "data/lake"\n[sources.web]\nraw = "data/"',
        ["sources.web.raw", "data/", "does not hold the lake"],
    ),
    "lake among raw objects of a bucket": (
        'lake = "s3://b/lake"\n[sources.web]\nraw = "s3://b/"',
        ["sources.web.raw", "s3://b/", "does not hold the lake"],
    ),
    "no sources": ('lake = "l"', ["sources", "None", "[sources.<name>]"]),
    "sources empty": ('lake = "l"\n[sources]', ["sources", "{}", "[sources.<name>]"]),
    "sources a text": ('lake = "l"\nsources = "x"', ["sources", "'x'", "[sources.<name>]"]),
    "source no table": ('lake = "l"\n[sources]\nweb = 1', ["sources.web", "1", "a table"]),
    "name with a dash": ('lake = "l"\n[sources.my-web]\nraw = "r"', ["sources.my-web", "a–z"]),
    "name in capitals": ('lake = "l"\n[sources.Web]\nraw = "r"', ["sources.Web", "a–z"]),
    "unknown top key": (
        "lakes = 1\n" + MINIMAL,
        ["lakes", "1", "enrich, lake, notify, privacy, reports, retention, secret_file, sources, sql"],
    ),
    "sql a text": ('sql = "x"\n' + MINIMAL, ["sql", "'x'", "a list of folders"]),
    "enrich a text": ('enrich = "x"\n' + MINIMAL, ["enrich", "'x'", "a table such as { mmdb"]),
    "enrich unknown key": ("enrich = { geoip = [] }\n" + MINIMAL, ["enrich.geoip", "one of the keys mmdb"]),
    "mmdb a text": (
        'enrich = { mmdb = "a.mmdb" }\n' + MINIMAL,
        ["enrich.mmdb", "'a.mmdb'", "a list of MaxMind DB files"],
    ),
    "mmdb elsewhere": (
        'enrich = { mmdb = ["a.mmdb", "s3://b/c.mmdb"] }\n' + MINIMAL,
        ["enrich.mmdb[1]", "'s3://b/c.mmdb'", "a local file"],
    ),
    "raw missing": ('lake = "l"\n[sources.web]', ["sources.web.raw", "None", "a folder"]),
    "raw other directive": ('lake = "l"\n[sources.web]\nraw = "r/%Y/%j/"', ["sources.web.raw", "%j", "%Y %m %d %H"]),
    "raw lone percent": ('lake = "l"\n[sources.web]\nraw = "r/100%"', ["sources.web.raw", "%Y %m %d %H"]),
    "raw hour without day": ('lake = "l"\n[sources.web]\nraw = "r/%Y/%H/"', ["sources.web.raw", "%Y, %m and %d"]),
    "no toml": ("lake = ", ["TOML"]),
    "twice": ('lake = "a"\nlake = "b"', ["TOML"]),
}


@pytest.mark.parametrize(("text", "said"), BROKEN_FILES.values(), ids=BROKEN_FILES)
def test_a_broken_file_names_key_value_and_what_is_allowed(tmp_path: Path, text: str, said: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load(write(tmp_path, text), {})
    for part in [str(tmp_path / "sources.toml"), *said]:
        assert part in str(error.value)


def test_a_lake_beside_dated_folders_of_raw_objects_is_not_among_them(tmp_path: Path) -> None:
    text = 'lake = "data/lake"\n[sources.web]\nraw = "data/%Y/%m/%d/%H/"\n[sources.app]\nraw = "data/lak/"'
    assert list(load(write(tmp_path, text), {}).sources) == ["web", "app"]


def test_a_source_is_told_of_as_the_file_says_unless_it_says_otherwise(tmp_path: Path) -> None:
    text = """
        lake = "l"
        notify = { urls = ["${SLACK}", "mailtos://me:${PASSWORD}@x.example"], minimum_severity = "warning" }
        [sources.web]
        raw = "r"
        [sources.quiet]
        raw = "r"
        notify = false
        [sources.loud]
        raw = "r"
        notify = { minimum_severity = "info" }
    """
    settings = load(write(tmp_path, text), {})
    urls = ("${SLACK}", "mailtos://me:${PASSWORD}@x.example")
    assert {name: source.notify for name, source in settings.sources.items()} == {
        "web": Notify(urls, "warning"),
        "quiet": Notify(),
        "loud": Notify(urls, "info"),
    }


def test_a_complaint_about_a_channel_does_not_show_its_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        source(tmp_path, 'notify = { urls = ["mailtos://me:hunter2@x.example/a b"] }')
    assert "hunter2" not in str(error.value)


def test_a_file_that_is_not_there_says_where_it_was_sought(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml.*no such file.*LOGBUCKET_CONFIG"):
        load(tmp_path / "none.toml", {})


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\0"], ids=["no UTF-8", "NUL"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "sources.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="TOML"):
        load(path, {})


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="TOML"):
        load(tmp_path, {})


def test_an_unknown_source_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'wob'.*one of web"):
        source(tmp_path, name="wob")


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL)
    environ = {
        "LOGBUCKET_LAKE": "s3://other/lake",
        "LOGBUCKET_SOURCES__WEB__SHARDS": "2",
        "LOGBUCKET_SOURCES__WEB__ZONE": "Asia/Seoul",
        "LOGBUCKET_SOURCES__WEB__DEDUPLICATE": '["event_id"]',
        "UNRELATED": "1",
    }
    settings = load(path, environ)
    found = settings.source("web")
    assert settings.lake == "s3://other/lake"
    assert (found.shards, found.zone, found.deduplicate) == (2, "Asia/Seoul", ("event_id",))


def test_an_empty_lake_variable_does_not_override(tmp_path: Path) -> None:
    assert load(write(tmp_path, MINIMAL), {"LOGBUCKET_LAKE": ""}).lake == f"{tmp_path}/data/lake"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("LOGBUCKET_SOURCES__WOB__SHARDS", "2", ["LOGBUCKET_SOURCES__WOB__SHARDS", "wob", "web"]),
        ("LOGBUCKET_SOURCES__WEB__SHRADS", "2", ["sources.web.shrads", "shards"]),
        ("LOGBUCKET_SOURCES__WEB__SHARDS", "many", ["sources.web.shards", "many"]),
        ("LOGBUCKET_LAKE", "ftp://x", ["lake", "ftp://x"]),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, variable: str, value: str, said: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load(write(tmp_path, MINIMAL), {variable: value})
    assert all(part in str(error.value) for part in said)


def test_the_config_path_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGBUCKET_CONFIG", "/etc/logbucket.toml")
    assert config_path() == Path("/etc/logbucket.toml")
    monkeypatch.delenv("LOGBUCKET_CONFIG")
    assert config_path() == Path("sources.toml")


@pytest.mark.parametrize(
    ("raw", "root", "template", "by_key"),
    [
        ("s3://b/web/%Y/%m/%d/%H/", "s3://b/web", "%Y/%m/%d/%H/", True),
        ("s3://b/web/day=%Y-%m-%d/hour=%H/", "s3://b/web", "day=%Y-%m-%d/hour=%H/", True),
        ("s3://b/web/access-%Y%m%d%H", "s3://b/web", "access-%Y%m%d%H", True),
        ("s3://b/web/%Y/%m/%d/", "s3://b/web", "%Y/%m/%d/", False),
        ("s3://b/web", "s3://b/web", "", False),
        ("s3://b/web/", "s3://b/web", "", False),
        ("s3://b", "s3://b", "", False),
    ],
)
def test_where_listing_starts(tmp_path: Path, raw: str, root: str, template: str, by_key: bool) -> None:
    settings = load(write(tmp_path, f'lake = "l"\n[sources.web]\nraw = "{raw}"\n'), {})
    found = settings.source("web")
    assert (found.raw_root, found.raw_template, found.lands_by_key) == (root, template, by_key)


@pytest.mark.parametrize(
    ("quarantined", "lines", "over"),
    [(0, 0, False), (100, 100, False), (101, 100, True), (101, 10_100, False), (102, 10_100, True), (5, 5, False)],
)
def test_a_limit_is_exceeded_only_in_share_and_lines(quarantined: int, lines: int, over: bool) -> None:
    assert QuarantineLimit(0.01, 100).exceeded(quarantined, lines) is over


def test_a_zone_that_was_nearly_right_is_suggested() -> None:
    with pytest.raises(ConfigError, match="perhaps Europe/Berlin"):
        checked_zone("--zone", "berlin")
