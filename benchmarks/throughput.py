"""Seconds, CPU and memory of the pipeline on a large access log, beside DuckDB alone on the same file.

    python -m benchmarks.throughput [--bytes 1e9] [--log FILE] [--cache FOLDER] [--profile]

The log is grown from a real one (see ``benchmarks.grow``). On a shared machine compare CPU seconds and their ratio: wall
time depends on the neighbours.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.grow import is_combined

ENV_LOG = "LOGBUCKET_BENCH_LOG"
CORPUS = Path("../shared/corpus/access")
_SAMPLED_LINES = 200
_SOURCES = """lake = "lake"
[sources.web]
raw = "raw/"
format = "combined"
shards = 1
look_back_hours = 0
max_lateness_days = 36500
"""


@dataclass(frozen=True)
class Measured:
    """A finished child: seconds, peak resident bytes, and the JSON it printed."""

    wall: float
    cpu: float
    peak: int
    result: dict[str, Any]


def measure(*work: str) -> Measured:
    """Run ``benchmarks.worker`` with these arguments and account for it. Raises SystemExit with its error where it fails.

    This process stays small: the kernel counts the memory of the parent at the fork as the child's.
    """
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-m", "benchmarks.worker", *work], stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"benchmarks.worker {' '.join(work)} ended with exit code {child.returncode}")
        out.seek(0)
        return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, json.loads(out.read()))


def source_log(asked: Path | None, cache: Path) -> Path:
    """The log to grow: the one asked for, else the largest combined log of the corpus, else the simulator's."""
    if asked is not None:
        return asked
    if CORPUS.is_dir():
        known = [path for path in CORPUS.iterdir() if path.is_file() and _is_combined(path)]
        if known:
            return max(known, key=lambda path: path.stat().st_size)
    target = cache / "simulated.log"
    if not target.exists():
        measure("simulated", str(cache / "simulated"), str(target))
    return target


def _is_combined(path: Path) -> bool:
    with path.open("rb") as file:
        lines = [line for _, line in zip(range(_SAMPLED_LINES), file, strict=False)]
    return bool(lines) and sum(1 for line in lines if is_combined(line)) > 0.9 * len(lines)


def grown_log(source: Path, size: int, cache: Path) -> tuple[Path, dict[str, Any]]:
    """The grown log as gzip, from the cache where it is there, and what it holds."""
    grower = Path(__file__).with_name("grow.py").read_bytes()
    name = hashlib.sha256(b"%d" % size + grower + source.read_bytes()).hexdigest()[:16]
    target = cache / f"grown-{name}.gz"
    if not target.exists() or not target.with_suffix(".json").exists():
        measure("grow", str(source), str(size), str(target))
    return target, json.loads(target.with_suffix(".json").read_text())


def counted_lines(log: Path) -> int:
    """``wc -l``, by the tools of the system."""
    with subprocess.Popen(["gzip", "-dc", str(log)], stdout=subprocess.PIPE) as unpacked:
        counted = subprocess.run(["wc", "-l"], stdin=unpacked.stdout, capture_output=True, check=True, text=True)
    return int(counted.stdout)


def project(folder: Path, log: Path, last_event: str) -> tuple[Path, str]:
    """(sources.toml, landing hour) of a project whose only raw object is the log, landed just after its last event."""
    (folder / "raw").mkdir()
    shutil.copyfile(log, folder / "raw/web.log.gz")
    landed = datetime.fromisoformat(last_event) + timedelta(hours=1)
    os.utime(folder / "raw/web.log.gz", (landed.timestamp(), landed.timestamp()))
    (folder / "sources.toml").write_text(_SOURCES)
    return folder / "sources.toml", time.strftime("%Y-%m-%dT%H", time.gmtime(landed.timestamp()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; the exit code is 1 where a count of rows is not the count of lines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description="Throughput of the pipeline.")
    parser.add_argument("--bytes", type=float, default=1e9, help="size of the grown log, decompressed (default: 1e9)")
    parser.add_argument(
        "--log", type=Path, default=os.environ.get(ENV_LOG), help=f"access log to grow (default: ${ENV_LOG})"
    )
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "logbucket-bench", help="folder of grown logs"
    )
    parser.add_argument("--profile", action="store_true", help="time per stage, and what normalize is made of")
    options = parser.parse_args(arguments)
    options.cache.mkdir(parents=True, exist_ok=True)

    source = source_log(Path(options.log) if options.log else None, options.cache)
    log, grown = grown_log(source, int(options.bytes), options.cache)
    lines = counted_lines(log)
    print(f"{source.name} grown to {grown['size'] / 1e9:.3f} GB ({log.stat().st_size / 1e6:.0f} MB gzip), {lines:,} lines, "
          f"{grown['blocks']} blocks, {', '.join(f'{count:,} {name}' for name, count in grown['distinct'].items())}")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="run-", dir=options.cache) as folder:
        config, hour = project(Path(folder), log, grown["last"])
        full = measure("pipeline", str(config), hour)
        alone = measure("straight", str(log), str(Path(folder) / "straight.parquet"))
        deep = measure("layers", str(config), str(log)) if options.profile else None

    print(f"\n{'':34}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'rows':>13}{'MB/s':>8}")
    for name, found in (("logbucket: published, aggregated", full), ("DuckDB alone, unchecked", alone)):
        speed = grown["size"] / 1e6 / found.wall
        print(
            f"{name:34}{found.wall:9.1f}{found.cpu:9.1f}{found.peak / 1e6:9.0f}{found.result['rows']:13,}{speed:8.0f}"
        )
    print(
        f"CPU ratio {full.cpu / alone.cpu:.2f}, wall ratio {full.wall / alone.wall:.2f}, {full.result['partitions']} partitions"
    )
    if options.profile and deep:
        _print_stages("stage", full.result["stages"])
        _print_stages("normalize, cumulated by layer", deep.result["stages"])
    wrong = [name for name, found in (("logbucket", full), ("DuckDB", alone)) if found.result["rows"] != lines]
    for name in wrong:
        print(f"{name}: rows differ from the {lines:,} lines that wc -l counts", file=sys.stderr)
    return 1 if wrong else 0


def _print_stages(title: str, stages: dict[str, dict[str, float]]) -> None:
    print(f"\n{title:34}{'wall s':>9}{'CPU s':>9}")
    for name, seconds in stages.items():
        print(f"{name:34}{seconds['wall']:9.1f}{seconds['cpu']:9.1f}")


if __name__ == "__main__":
    sys.exit(main())
