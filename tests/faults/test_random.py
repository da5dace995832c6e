"""Hundreds of random lives of a source, each compared with a plain recount of its raw lines.

``FAULTS_SEED`` repeats one life, ``FAULTS_LIVES`` says how many there are; `make lives` plays 500. One that fails names its seed and
all that happened in it: ``python -m tests.faults.random_runs SEED`` plays it again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
# a run that was killed in the middle keeps its thread and what it holds: a process lives not much longer than a life
LIVES_OF_A_PROCESS = 10


def test_any_order_of_arrivals_changes_runs_and_kills_ends_in_what_a_recount_of_raw_gives() -> None:
    count = int(os.environ.get("FAULTS_LIVES", "40"))
    seed = int(os.environ["FAULTS_SEED"]) if "FAULTS_SEED" in os.environ else time.time_ns() % 10**9
    lives = range(seed, seed + (1 if "FAULTS_SEED" in os.environ else count))
    print(f"{len(lives)} lives from seed {seed}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        played = pool.map(_play, lives[::LIVES_OF_A_PROCESS], [lives.stop] * len(lives))
        failed = [said for code, said in played if code]
    assert not failed, "\n".join(failed)


def _play(first: int, end: int) -> tuple[int, str]:
    """Exit code and words of a process that plays a few lives."""
    command = [sys.executable, "-m", "tests.faults.random_runs", str(first), str(min(LIVES_OF_A_PROCESS, end - first))]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=env, text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr
