"""Other parsers' own test cases agree with our formats, but for what a rule explains (``make conformance`` shows all)."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.conformance.__main__ import CORPUS, run
from benchmarks.conformance.peers import PEERS, load, read_cases
from etl.config import Settings
from etl.io.workspace import workspace

NAMES = sorted(path.stem for path in PEERS.glob("*.toml"))
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus of other parsers' test cases at {CORPUS}")


@needs_corpus
def test_every_case_file_is_mapped() -> None:
    assert {path.stem for path in (CORPUS / "cases").glob("*.jsonl")} == set(NAMES)


@needs_corpus
@pytest.mark.parametrize("name", NAMES)
def test_agreement(name: str, tmp_path: Path) -> None:
    peer = load(name)
    with workspace(Settings(str(tmp_path), {}, tmp_path / "sources.toml")) as space:
        result = run(space, peer, read_cases(CORPUS / "cases" / f"{name}.jsonl", peer))
    unexplained = [f"{item.name}: {item.theirs!r} here {item.ours!r}" for item in result.differences if not item.reason]
    assert not result.unmapped, "fields of the peer that are neither mapped nor left out"
    assert result.passed, f"{result.agreement:.1%} agreement: " + "; ".join(unexplained)
    assert result.compared or result.left_out == result.cases
