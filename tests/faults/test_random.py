"""Hundreds of random lives of a source, each compared with a plain recount of its raw lines.

``FAULTS_SEED`` repeats one life, ``FAULTS_LIVES`` says how many there are; `make lives` plays 500. One that fails names its seed and
all that happened in it: ``python -m tests.faults.random_runs SEED`` plays it again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_any_order_of_arrivals_changes_runs_and_kills_ends_in_what_a_recount_of_raw_gives() -> None:
    count = int(os.environ.get("FAULTS_LIVES", "100"))
    seed = int(os.environ["FAULTS_SEED"]) if "FAULTS_SEED" in os.environ else time.time_ns() % 10**9
    ranges = _shares(seed, 1 if "FAULTS_SEED" in os.environ else count, os.cpu_count() or 1)
    print(f"lives {ranges}")
    players = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.random_runs", str(first), str(lives)],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for first, lives in ranges
    ]  # fmt: skip
    try:
        said = [player.communicate()[0] for player in players]
    finally:
        for player in players:
            player.kill()
    failed = [text for player, text in zip(players, said, strict=True) if player.returncode]
    assert not failed, "\n".join(failed)


def _shares(first: int, count: int, processes: int) -> list[tuple[int, int]]:
    """(first seed, how many) of each process."""
    bounds = [first + count * number // processes for number in range(processes + 1)]
    return [(low, high - low) for low, high in pairwise(bounds) if high > low]
