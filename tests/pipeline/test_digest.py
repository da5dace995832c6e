"""The digest against a real mail server and a real HTTP receiver: what is told, how often, and what it must not do."""

from __future__ import annotations

import email
import json
import shutil
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from etl.errors import NotDelivered, ObjectCorrupt
from etl.io.channels import Channel
from etl.stages.notify import digest, tell_stale
from etl.stages.watch import watch
from tests.pipeline.conftest import World
from tests.support.servers import free_port

NOW = datetime(2026, 11, 22, 13)
HOSTILE = (
    "\x1b[31mred\x1b[0m <!channel> @here @everyone <b>bold</b> <https://evil.example|bill> [click](https://evil.example) "
    "![](//evil.example/x.png) `code` &amp; www.evil.example \u202egnp"
)
# true while the newest hour has more than three lines: an alert of the project's own
BUSY = """-- title: many lines
-- severity: warning
-- reads: ledger
-- resolved: few lines again
SELECT 'lines' AS key, 'Many lines: ' || sum(lines) AS headline, 'more than 3' AS detail, 'etl status' AS check_sql
FROM ledger WHERE landing_hour = getvariable('landing_hour') HAVING sum(lines) > 3
"""


class Hook:
    """An HTTP receiver that keeps what it is sent, or answers 500."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.fails = False
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not hook.fails:
                    hook.messages.append(body)
                self.send_response(500 if hook.fails else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


class Mails:
    """A mail server's inbox."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.port = free_port()
        self.url = f"mailto://127.0.0.1:{self.port}?from=logbucket@example.com&to=ops@example.com"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.messages.append(email.message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def mails() -> Iterator[Mails]:
    inbox = Mails()
    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port)
    controller.start()
    yield inbox
    controller.stop()


def text_of(message: Message) -> str:
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def configure(world: World, *urls: str, source: str = "", minimum: str = "info") -> None:
    world.configure(
        f"""
sql = ["my-sql"]

[notify]
urls = {json.dumps(list(urls))}
minimum_severity = "{minimum}"

[sources.app]
raw = "raw/app/%Y/%m/%d/%H/"
format = "logback"
service_name = "shop"
shards = 1
start = "2026-11-01T00"
{source}
"""
    )
    folder = world.root / "my-sql" / "alerts"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "busy.sql").write_text(BUSY)


def land(world: World, hour: datetime, *messages: str, severity: str = "INFO ") -> None:
    lines = [
        f"{hour:%Y-%m-%d %H}:00:{number:02} [main] {severity} com.shop.Pay - {text}"
        for number, text in enumerate(messages)
    ]
    world.land(f"app/{hour:%Y/%m/%d/%H}/app-1.log", lines, f"{hour + timedelta(minutes=59):%Y-%m-%dT%H:%M:%S}")


def run(world: World, hour: datetime, lines: int) -> str:
    land(world, hour, *["fine"] * lines)
    text = f"{hour:%Y-%m-%dT%H}"
    world.run("app", text)
    return text


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Hours from 13 on, run: busy, busy, quiet, quiet, busy."""
    world = World(tmp_path_factory.mktemp("digest"))
    configure(world)
    for number, lines in enumerate((9, 8, 1, 2, 7)):
        run(world, NOW + timedelta(hours=number), lines)
    return world


@pytest.fixture
def busy(lake: World, world: World) -> World:
    shutil.copytree(lake.root, world.root, dirs_exist_ok=True)
    return world


def after(world: World, hour: int, **options: Any) -> dict[str, Any]:
    return digest(world.settings, "app", f"2026-11-22T{hour}", **options)


def kinds(found: dict[str, Any]) -> list[str]:
    return [item["kind"] for item in found["told"]]


def test_a_condition_is_told_once_while_it_lasts_and_resolved_once(busy: World, hook: Hook, mails: Mails) -> None:
    configure(busy, hook.url, mails.url)
    assert [kinds(after(busy, hour)) for hour in (13, 14, 15, 16, 17)] == [["new"], [], ["resolved"], [], ["new"]]
    assert [message["title"] for message in hook.messages] == [
        "logbucket app: 1 new",
        "logbucket app: 1 resolved",
        "logbucket app: 1 new",
    ]
    assert [str(message["Subject"]) for message in mails.messages] == [message["title"] for message in hook.messages]
    assert "WARNING  Many lines: 9\n    more than 3\n    check: etl status" in hook.messages[0]["message"]
    assert "RESOLVED  Many lines: 9\n    few lines again" in text_of(mails.messages[1]).replace("\r\n", "\n")
    assert mails.messages[0].get_content_type() == "text/plain"


def test_a_rerun_of_an_hour_or_of_an_older_one_tells_nothing(busy: World, hook: Hook) -> None:
    configure(busy, hook.url)
    assert kinds(after(busy, 14)) == ["new"]
    before = busy.objects()
    assert [kinds(after(busy, hour)) for hour in (14, 14, 13)] == [[], [], []]
    assert len(hook.messages) == 1
    assert busy.objects() == before


def test_a_run_that_catches_up_with_hours_of_long_ago_tells_nothing(busy: World, hook: Hook) -> None:
    configure(busy, hook.url)
    before = busy.objects()
    assert kinds(after(busy, 13, now=NOW + timedelta(hours=26))) == []
    assert (hook.messages, busy.objects()) == ([], before)
    assert kinds(after(busy, 14, now=NOW + timedelta(hours=26))) == ["new"]


def test_a_run_by_hand_for_an_hour_to_come_does_not_silence_those_before_it(busy: World, hook: Hook) -> None:
    configure(busy, hook.url)
    assert kinds(after(busy, 17, now=NOW + timedelta(hours=1))) == []
    assert kinds(after(busy, 13, now=NOW + timedelta(hours=1))) == ["new"]


def test_a_dry_run_sends_and_stores_nothing(busy: World, hook: Hook) -> None:
    configure(busy, hook.url)
    before = busy.objects()
    assert kinds(after(busy, 13, dry_run=True)) == kinds(after(busy, 13, dry_run=True)) == ["new"]
    assert (hook.messages, busy.objects()) == ([], before)


def test_several_conditions_of_a_run_are_one_message_worst_first(busy: World, hook: Hook) -> None:
    configure(busy, hook.url)
    for severity in ("info", "critical"):
        text = BUSY.replace("severity: warning", f"severity: {severity}").replace("Many lines", severity)
        (busy.root / "my-sql" / "alerts" / f"busy_{severity}.sql").write_text(text)
    after(busy, 13)
    (message,) = hook.messages
    heads = [line for line in message["message"].splitlines() if line and not line.startswith(" ")]
    assert heads == ["CRITICAL  critical: 9", "WARNING  Many lines: 9", "INFO  info: 9"]
    assert (message["title"], message["type"]) == ("logbucket app: 3 new", "failure")


def test_a_channel_that_fails_keeps_no_other_from_being_told_and_gets_it_with_the_next_message(
    busy: World, hook: Hook, mails: Mails
) -> None:
    configure(busy, hook.url, mails.url)
    hook.fails = True
    with pytest.raises(NotDelivered, match=r"json://…: .*remembered"):
        after(busy, 13)
    assert (len(hook.messages), len(mails.messages)) == (0, 1)
    with pytest.raises(NotDelivered):
        after(busy, 14)
    hook.fails = False
    after(busy, 15)
    assert [message["title"] for message in hook.messages] == ["logbucket app: 1 new, 1 resolved"]
    assert [str(message["Subject"]) for message in mails.messages] == [
        "logbucket app: 1 new",
        "logbucket app: 1 resolved",
    ]


def test_a_process_that_dies_while_it_sends_repeats_a_message_at_most_once(
    busy: World, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(busy, hook.url)
    send = Channel.send

    def send_and_die(self: Channel, *arguments: Any) -> str | None:
        send(self, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Channel, "send", send_and_die)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                after(busy, 13)
            if len(hook.messages) == 2:
                break
    after(busy, 13)
    after(busy, 14)
    assert [message["title"] for message in hook.messages] == ["logbucket app: 1 new"] * 2


def test_backfilled_hours_are_told_by_one_summary_when_no_more_are_added(busy: World, hook: Hook) -> None:
    configure(busy, hook.url)
    for hour in (13, 14):
        after(busy, hour, is_backfill=True)
    assert hook.messages == []
    assert kinds(after(busy, 15)) == []
    assert kinds(after(busy, 16)) == ["summary"]
    assert (
        "2 hours were backfilled\n    landing hours from 2026-11-22T13 to 2026-11-22T14" in hook.messages[0]["message"]
    )
    assert kinds(after(busy, 17)) == ["new"]
    assert len(hook.messages) == 2
    assert not list(busy.lake.glob("alerts/app/backfilled/*"))


def test_while_a_backfill_goes_on_scheduled_runs_do_not_tell_of_it(busy: World, hook: Hook) -> None:
    configure(busy, hook.url)
    told = []
    for hour in (13, 14, 15):
        after(busy, hour - 3, is_backfill=True)
        told += [item for item in after(busy, hour)["told"] if item["kind"] == "summary"]
    assert told == []
    assert kinds(after(busy, 16)) == ["summary"]
    assert "3 hours were backfilled" in hook.messages[-1]["message"]


def test_a_source_has_channels_of_its_own_or_none_and_a_least_severity(busy: World, hook: Hook) -> None:
    configure(busy, hook.url, source="notify = false")
    after(busy, 13)
    configure(busy, hook.url, minimum="critical")
    after(busy, 15)
    after(busy, 17)
    assert hook.messages == []
    configure(busy, source=f'notify = {{ urls = ["{hook.url}"], minimum_severity = "warning" }}')
    after(busy, 18)
    assert [message["title"] for message in hook.messages] == ["logbucket app: 1 resolved"]


def test_a_secret_stands_in_the_environment_and_in_no_log_and_no_object(busy: World, hook: Hook) -> None:
    configure(busy, hook.url.replace("/hook", "/${TOKEN}?+X-Key=${TOKEN}"), "${WHOLE}")
    with pytest.raises(NotDelivered, match="environment variable WHOLE is not set"):
        after(busy, 13, environ={"TOKEN": "p@ss/word"})
    assert len(hook.messages) == 1
    hook.fails = True
    with pytest.raises(NotDelivered) as raised:
        after(busy, 15, environ={"TOKEN": "p@ss/word", "WHOLE": hook.url + "/p@ss/word"})
    stored = b"".join(path.read_bytes() for path in busy.lake.glob("alerts/**/*.json"))
    for shown in (str(raised.value), stored.decode()):
        assert not [form for form in ("p@ss", "p%40ss") if form in shown]


def test_log_content_cannot_mention_link_or_steer_and_is_bounded(world: World, hook: Hook, mails: Mails) -> None:
    configure(world, hook.url, mails.url)
    for days in range(7, 0, -1):
        run(world, NOW - timedelta(days=days), 1)
    land(world, NOW, *[f"{HOSTILE} {chr(97 + number) * 9} {'x' * 3000}" for number in range(26)], severity="ERROR")
    world.run("app", f"{NOW:%Y-%m-%dT%H}")
    assert len(after(world, 13)["told"]) > 20
    (message,), (mail,) = hook.messages, mails.messages
    for body in (message["message"], text_of(mail)):
        assert "New error in shop" in body and "check: etl sql" in body
        assert "more: see 'etl digest --all --dry-run'" in body
        assert len(body) < 3500
        for active in ("<", ">", "@", "`", "](", "://", "www.e", "\x1b", "\u202e", "&"):
            assert active not in body, repr(active)


def test_the_watchdog_tells_of_all_sources_in_one_message_and_when_they_run_again(world: World, hook: Hook) -> None:
    world.configure(
        f'[notify]\nurls = ["{hook.url}"]\n'
        + "".join(
            f'[sources.{name}]\nraw = "raw/{name}/%Y/%m/%d/%H/"\nformat = "logback"\nstart = "2026-11-22T00"\nshards = 1\n'
            for name in ("app", "jobs")
        )
    )
    for name in ("app", "jobs"):
        (world.root / "raw" / name).mkdir(parents=True)
    at = NOW + timedelta(minutes=30)
    state = world.lake / "alerts/app/watchdog.json"
    state.parent.mkdir(parents=True)
    state.write_text("{")
    with pytest.raises(ObjectCorrupt, match="alerts/app/watchdog"):
        tell_stale(world.settings, watch(world.settings, at, 3))
    assert [message["title"] for message in hook.messages] == ["logbucket jobs: 1 new"]
    shutil.rmtree(world.lake / "alerts")
    hook.messages.clear()
    for _ in range(2):
        assert tell_stale(world.settings, watch(world.settings, at, 3)) == []
    assert [message["title"] for message in hook.messages] == ["logbucket app, jobs: 2 new"]
    assert "CRITICAL  Source app is not run" in hook.messages[0]["message"]
    # a run of the watchdog that is repeated or backfilled
    assert tell_stale(world.settings, watch(world.settings, at - timedelta(hours=11), 3)) == []
    assert len(hook.messages) == 1
    land(world, NOW - timedelta(hours=1), "fine")
    world.run("app", "2026-11-22T12")
    tell_stale(world.settings, watch(world.settings, at, 3))
    assert [message["title"] for message in hook.messages[1:]] == ["logbucket app: 1 resolved"]
