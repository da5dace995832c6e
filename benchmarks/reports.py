"""Seconds, CPU and memory of each report over a month of a busy site, from metrics and books alone.

    python -m benchmarks.reports [--days 30] [--rows 1e6] [--report traffic] [--keep FOLDER]

The lake is that of ``benchmarks.month``: it has no events, so a report that read some would find none.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from benchmarks.month import LAST_DAY
from benchmarks.throughput import measure
from etl.model.hours import HOUR, format_hour

REPORTS = ("traffic", "errors", "jvm", "quality")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; the exit code is 1 where a page does not say how many lines there were."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reports", description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rows", type=float, default=1e6, help="lines a day of each source (default: 1e6)")
    parser.add_argument("--report", choices=REPORTS, nargs="*", default=REPORTS, help="default: all")
    parser.add_argument("--keep", type=Path, help="folder for lake and pages; a lake that is there is used again")
    options = parser.parse_args(arguments)
    rows = int(options.rows) // 480 * 480
    with tempfile.TemporaryDirectory(prefix="logbucket-reports-") as scratch:
        folder = options.keep or Path(scratch)
        if not (folder / "lake").exists():
            _make(folder / "lake", rows, options.days)
        first, last = LAST_DAY - timedelta(days=options.days - 1), LAST_DAY + 23 * HOUR
        print(f"\n{options.days} days × {rows:,} lines{'':10}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'page kB':>9}")
        wrong = []
        for name in options.report:
            page = folder / f"{name}.html"
            found = measure("report", str(folder / "lake"), name, format_hour(first), format_hour(last), str(page))
            print(f"{name:34}{found.wall:9.1f}{found.cpu:9.1f}{found.peak / 1e6:9.0f}{page.stat().st_size / 1e3:9.0f}")
            if f"{rows * options.days * (3 if name == 'quality' else 1):,}" not in page.read_text():
                wrong.append(name)
    for name in wrong:
        print(f"{name}: the page does not say how many lines there were", file=sys.stderr)
    return 1 if wrong else 0


def _make(lake: Path, rows: int, days: int) -> None:
    made = measure("month", str(lake), str(rows), str(days))
    print(f"{'metric':34}{'rows a day':>12}{'kB a day':>10}")
    for metric, (count, size) in made.result.items():
        print(f"{metric:34}{count:12,}{size / 1e3:10,.0f}")
    print(f"made in {made.wall:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
