"""A disk that is full or failing: an error that names the place, nothing half-written, and a retry succeeds."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.cli import main
from tests.faults.situations import Situation, assert_whole, run_over_changes
from tests.faults.syscalls import calls_below, fail_at
from tests.pipeline.conftest import World


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> Situation:
    return run_over_changes(World(tmp_path_factory.mktemp("changes")))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def _fill(folder: Path) -> Path:
    """Take all the space that is left."""
    ballast = folder / ".ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    return ballast


def _run(situation: Situation) -> int:
    hour = situation.hour
    return main(["--config", str(situation.world.root / "sources.toml"), "run", "web", "--from", hour, "--to", hour])


def test_scratch_disk_full(
    changes: Situation, small_disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changes.rewind("land")
    before = changes.world.objects()
    monkeypatch.setenv("LOGBUCKET_TMP", str(small_disk))
    ballast = _fill(small_disk)
    assert _run(changes) == 1
    said = capsys.readouterr().err
    assert str(small_disk) in said and "No space left on device" in said and "LOGBUCKET_TMP" in said
    assert _without_work(changes.world.objects()) == _without_work(before)
    ballast.unlink()
    assert list(small_disk.iterdir()) == []
    changes.assert_made_good_by(changes.hour)


def _without_work(objects: dict[str, tuple[int, bytes]]) -> dict[str, tuple[int, bytes]]:
    return {key: found for key, found in objects.items() if not key.startswith("work/")}


def test_disk_of_the_lake_full(
    changes: Situation, small_disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changes.rewind("land")
    lake = changes.world.lake
    shutil.move(lake, small_disk / "lake")
    lake.symlink_to(small_disk / "lake")
    ballast = _fill(small_disk)
    assert _run(changes) == 1
    said = capsys.readouterr().err
    assert f"{lake}/" in said and "No space left on device" in said
    assert_whole(small_disk / "lake")
    ballast.unlink()
    assert not list(lake.rglob(".*.tmp"))
    try:
        changes.assert_made_good_by(changes.hour)
    finally:
        lake.unlink()


_FAILURES = [
    ("normalize", "write", "staged/", "ENOSPC"),
    ("normalize", "fsync", "ledger/", "EIO"),
    ("publish", "write", "events/", "EIO"),
    ("publish", "fsync", "events/", "ENOSPC"),
    ("aggregate", "rename", "metrics/", "EIO"),
]


@pytest.mark.parametrize(("stage", "call", "prefix", "error"), _FAILURES)
def test_a_call_on_the_lake_that_fails(changes: Situation, stage: str, call: str, prefix: str, error: str) -> None:
    before = changes.rewind(stage)
    lake = changes.world.lake
    job = before.work, changes.settings, *before.arguments
    [*_, last] = [point for point in calls_below(lake, [call], *job) if point.path.startswith(f"{lake}/{prefix}")]
    changes.rewind(stage)
    assert fail_at(last, error, *job) == 1
    assert_whole(lake)
    assert not list(lake.rglob(".*.tmp"))
    changes.assert_made_good_by(changes.next_hour)
