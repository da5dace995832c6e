"""Runs other parsers' own test cases through our formats, and the corpus files through the books.

    python -m benchmarks.conformance [PEER …] [--corpus FOLDER] [-v] [--files]

``peers/<case file>.toml`` maps a peer's fields to SQL over our rows. Values are compared after normalisation: numbers as
numbers, times as instants, and nothing, "" and "-" as one. Exit code 1 where agreement is below 98 %, a field of a peer is
neither mapped nor left out by a rule, a difference has no explanation, or the books of a corpus file do not close.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.conformance.peers import PEERS, Case, Peer, load, read_cases
from etl.config import Settings, Source
from etl.io import engine
from etl.io.raw import RawInput
from etl.io.workspace import Workspace, workspace
from etl.model.worklist import RawObject
from etl.schema import DATASETS, columns
from etl.stages.parse import UNKNOWN, Object, Parsed, detect, parse

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
ENOUGH = 0.98
_AGES, _END = timedelta(days=365 * 2000), datetime(9999, 1, 1)
_STATUS = "$status"


@dataclass
class Difference:
    """A compared value that differs, with the rule that explains it, if there is one."""

    case: Case
    name: str
    theirs: object
    ours: object
    reason: str | None


@dataclass
class Result:
    """The outcome of one case file."""

    peer: Peer
    cases: int = 0
    left_out: int = 0
    compared: int = 0
    agreed: int = 0
    differing: int = 0
    differences: list[Difference] = field(default_factory=list)
    unmapped: set[str] = field(default_factory=set)

    @property
    def explained(self) -> int:
        """Differences of which a rule says that ours is right."""
        return sum(1 for item in self.differences if item.reason)

    @property
    def agreement(self) -> float:
        """Share of the compared values, of those where ours is not right, that agree."""
        judged = self.compared - self.explained
        return self.agreed / judged if judged else 1.0

    @property
    def passed(self) -> bool:
        """Agreement high enough, nothing unmapped."""
        return self.agreement >= ENOUGH and not self.unmapped


def run(space: Workspace, peer: Peer, cases: list[Case]) -> Result:
    """Compare all cases of a peer."""
    result = Result(peer, cases=len(cases))
    groups: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in cases:
        name = peer.format_of(case.raw)
        if name is None or not case.text:
            result.left_out += 1
            if name is None and not peer.is_explained(case.raw):
                result.unmapped.add(f"format {case.raw['format']}")
        else:
            groups[
                name, json.dumps([peer.zone_of(case.raw), peer.options_of(case.raw), peer.fields_of(case.raw)])
            ].append(case)
    for (name, _), members in groups.items():
        for case, rows in zip(members, _rows_of(space, peer, name, members), strict=True):
            _compare(result, case, rows)
    return result


def _rows_of(space: Workspace, peer: Peer, name: str, cases: list[Case]) -> list[list[dict[str, Any]]]:
    """For each case our rows in the order of their lines: peer field → our value."""
    source = Source(
        name="conformance",
        raw="./",
        format=name,
        zone=peer.zone_of(cases[0].raw),
        fields=tuple(peer.fields_of(cases[0].raw).items()),
        options=tuple(peer.options_of(cases[0].raw).items()),
        dataset=peer.settings.get("dataset"),
        encoding=peer.settings.get("encoding", "utf-8"),
    )
    objects = []
    for number, case in enumerate(cases):
        path = space.folder / f"case-{number}"
        path.write_bytes(case.text.encode(errors="surrogatepass"))
        listed = RawObject(str(number), "", path.stat().st_size, peer.arrived.isoformat())
        objects.append(Object(RawInput(number, path, peer.arrived, str(number)), str(number), listed))
    parsed = parse(space, source, objects, peer.arrived, _AGES, _END)
    found: list[list[dict[str, Any]]] = [[] for _ in cases]
    for row in _evaluated(space, parsed, peer, cases):
        found[int(row.pop("source_uri"))].append(row)
    return found


def _evaluated(space: Workspace, parsed: Parsed, peer: Peer, cases: list[Case]) -> list[dict[str, Any]]:
    if not parsed.files:
        return []
    known = {column.name: column.type for dataset in DATASETS for column in columns(dataset)}
    every = ", ".join(f"NULL::{kind} AS {engine.name(name)}" for name, kind in known.items())
    parts = [f"({parsed.rows_sql(space, dataset)})" for dataset in sorted(parsed.files)]
    union = " UNION ALL BY NAME ".join([*parts, f"(SELECT {every} WHERE false)"])
    mapped = peer.expressions(name for case in cases for record in case.records for name in record)
    values = [f"{expression} AS {engine.name(name)}" for name, expression in mapped.items()]
    space.connection.execute(f"CREATE OR REPLACE TEMP TABLE conformance AS {union}")
    shown = ", ".join(["source_uri", f"parse_status AS {engine.name(_STATUS)}", *values])
    try:
        query = f"SELECT {shown} FROM conformance ORDER BY source_uri, source_offset, event_id"
        return engine.rows(space.connection, space.provide(query))
    except Exception as error:
        raise SystemExit(f"{peer.name}.toml: {error}\ncolumns: {', '.join(sorted(known))}") from None


def _compare(result: Result, case: Case, rows: list[dict[str, Any]]) -> None:
    before = len(result.differences)
    whole = [row for row in rows if row[_STATUS] == "ok"]
    if case.rejected or not case.records:
        _judge(result, case, "record", "rejected" if case.rejected else None, f"{len(rows)} rows", not whole)
    else:
        if result.peer.settings.get("first_row_only", False):
            rows = rows[:1]
        equal = len(rows) == len(case.records)
        _judge(result, case, "record", f"{len(case.records)} records", f"{len(rows)} rows", equal)
        # with a record too many or too few, which belongs to which is a guess
        for record, row in zip(case.records, rows, strict=True) if equal else []:
            for name, theirs in record.items():
                silent = theirs is None and result.peer.settings.get("null_says_nothing", False)
                if silent or result.peer.is_left_out(name) or (isinstance(theirs, dict) and "$expr" in theirs):
                    continue
                if name not in row:
                    result.unmapped.add(name)
                    continue
                _judge(
                    result,
                    case,
                    name,
                    theirs,
                    row[name],
                    same(theirs, row[name], result.peer.arrived.year, result.peer.zone_of(case.raw)),
                )
    result.differing += len(result.differences) > before


def _judge(result: Result, case: Case, name: str, theirs: object, ours: object, same: bool) -> None:
    result.compared += 1
    if same:
        result.agreed += 1
    else:
        result.differences.append(Difference(case, name, theirs, ours, result.peer.explanation(name)))


def same(theirs: object, ours: object, year: int, zone: str) -> bool:
    """Whether two values say the same: nothing, numbers, instants, lists, else text without the line end.

    A peer's time without a year is in ``year``, one without an offset in ``zone``.
    """
    left, right = _normal(theirs), _normal(ours)
    if left is None or right is None:
        return left is right
    if isinstance(left, list) or isinstance(right, list):
        lefts, rights = (item if isinstance(item, list) else [item] for item in (left, right))
        return len(lefts) == len(rights) and all(same(a, b, year, zone) for a, b in zip(lefts, rights, strict=True))
    if isinstance(right, datetime):
        moment = _instant(str(left), year, zone)
        return moment is not None and moment == right
    if isinstance(left, bool) or isinstance(right, bool):
        return str(left).lower() == str(right).lower()
    number = (_number(left), _number(right))
    if number[0] is not None and number[1] is not None and not (isinstance(left, str) and isinstance(right, str)):
        return number[0] == number[1] or math.isclose(number[0], number[1], rel_tol=1e-9)
    return str(left).rstrip("\n") == str(right).rstrip("\n")


def _normal(value: object) -> Any:
    if isinstance(value, datetime):
        return value
    if isinstance(value, dict):
        if "$ts" in value:
            return value["$ts"]
        return json.dumps(value, sort_keys=True) if value else None
    if isinstance(value, list):
        items = [_normal(item) for item in value]
        return None if not items else items[0] if len(items) == 1 else items
    return None if value in ("", "-", None) else value


def _number(value: object) -> Decimal | None:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _instant(text: str, year: int, zone: str) -> datetime | None:
    """A peer's time as naive UTC; ``{}`` and ``{current_year}`` stand for the year."""
    text = text.replace("{current_year}", str(year)).replace("{}", str(year))
    if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
        return datetime.fromtimestamp(0, UTC).replace(tzinfo=None) + timedelta(
            microseconds=int(Decimal(text) * 1_000_000)
        )
    if re.fullmatch(r"\d{13}|\d{16}|\d{19}", text):
        scale = {13: Decimal(1000), 16: Decimal(1), 19: Decimal("0.001")}[len(text)]
        return datetime(1970, 1, 1) + timedelta(microseconds=int(Decimal(text) * scale))
    text = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
    return aware.astimezone(UTC).replace(tzinfo=None)


def show(results: Iterable[Result], verbose: bool) -> None:
    """The table of case files; with ``verbose`` each difference."""
    line = "{:<28} {:>6} {:>8} {:>7} {:>7} {:>9} {:>7} {:>7} {:>8}  {}"
    print(
        line.format("peer", "cases", "left out", "agree", "differ", "fields", "agree", "differ", "ours is", "agreement")
    )
    print(line.format("", "", "", "", "", "", "", "", "right", ""))
    for item in results:
        tried = item.cases - item.left_out
        differing = len(item.differences)
        note = (
            ""
            if item.passed
            else "  <-- " + (f"unmapped: {', '.join(sorted(item.unmapped)[:5])}" if item.unmapped else "too low")
        )
        print(line.format(item.peer.name, item.cases, item.left_out, tried - item.differing, item.differing,
                          item.compared, item.agreed, differing, item.explained, f"{item.agreement:.1%}{note}"))  # fmt: skip
        reasons: dict[tuple[str, str], int] = defaultdict(int)
        for difference in item.differences:
            reasons[difference.name, difference.reason or "UNEXPLAINED"] += 1
        for (name, reason), count in sorted(reasons.items()):
            print(f"    {count:>4} × {name}: {reason}")
        for difference in item.differences if verbose else []:
            print(f"      {difference.name} [{'explained' if difference.reason else 'OPEN'}] {difference.case.source}")
            print(
                f"        theirs {difference.theirs!r}\n        ours   {difference.ours!r}\n        line   {difference.case.text[:300]!r}"
            )


def show_mapping(names: Iterable[str]) -> None:
    """One table: peer, its field, where ours is, or the rule that leaves it out or says why ours is right."""
    print("peer | field | ours | rule")
    for name in names:
        peer = load(name)
        rows = [(key, value, "") for key, value in peer.formats.items()]
        rows += [(key, "", f"no format of ours: {reason}") for key, reason in peer.unsupported.items()]
        rows += [(key, expression, "") for key, expression in peer.fields.items()]
        rows += [(key, "", f"left out: {reason}") for key, reason in peer.left_out.items()]
        rows += [(key, "", f"ours is right: {reason}") for key, reason in peer.ours_is_right.items()]
        for row in rows:
            print(" | ".join([name, *(" ".join(cell.split()) for cell in row)]))


def check_files(corpus: Path) -> bool:
    """Parse every corpus file: detection, and rows + quarantined + ignored = lines counted by Python; True if all close."""
    print(f"\n{'file':<90} {'format':<22} {'lines':>7} {'rows':>7} {'partial':>7} {'quar.':>6} {'ignored':>7}")
    closed = True
    settings = Settings(tempfile.gettempdir(), {}, Path("sources.toml"))
    for path in sorted(item for item in corpus.glob("*/*") if item.is_file() and item.parent.name != "cases"):
        with workspace(settings) as space:
            source = Source(name="corpus", raw="./")
            name = detect(space, source, path)
            data = path.read_bytes()
            lines = data.count(b"\n") + (data != b"" and not data.endswith(b"\n"))
            if name == UNKNOWN:
                print(f"{path.parent.name + '/' + path.name:<90.90} {name:<22} {lines:>7}")
                continue
            listed = RawObject(path.name, "", len(data), "2026-01-01T00:00:00")
            member = Object(RawInput(0, path, datetime(2026, 1, 1), ""), path.name, listed)
            parsed = parse(
                space, Source(name="corpus", raw="./", format=name), [member], datetime(2026, 1, 1), _AGES, _END
            )
            found = parsed.counts(space.connection).get(0, {})
            booked = sum(found.get(key, 0) for key in ("row_lines", "quarantined", "ignored"))
            ok = booked == lines == parsed.readings[0].lines
            closed = closed and ok
            counts = [found.get(key, 0) for key in ("row_lines", "partial", "quarantined", "ignored")]
            print(f"{path.parent.name + '/' + path.name:<90.90} {name:<22} {lines:>7} {counts[0]:>7} {counts[1]:>7} {counts[2]:>6} {counts[3]:>7}"
                  + ("" if ok else f"  <-- booked {booked}"))  # fmt: skip
    return closed


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conformance", description=__doc__)
    parser.add_argument("peers", nargs="*", help="names of case files (default: all)")
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--files", action="store_true", help="also run the corpus files")
    parser.add_argument("--mapping", action="store_true", help="only show the table of all mappings and rules")
    parser.add_argument("-v", "--verbose", action="store_true", help="show each difference")
    options = parser.parse_args(arguments)
    if options.mapping:
        show_mapping(options.peers or sorted(path.stem for path in PEERS.glob("*.toml")))
        return 0
    if not options.corpus.is_dir():
        print(f"{options.corpus}: no such folder; the corpus of other parsers' test cases is needed", file=sys.stderr)
        return 2
    names = options.peers or sorted(path.stem for path in PEERS.glob("*.toml"))
    results = []
    for name in names:
        peer = load(name)
        with workspace(Settings(tempfile.gettempdir(), {}, Path("sources.toml"))) as space:
            results.append(run(space, peer, read_cases(options.corpus / "cases" / f"{name}.jsonl", peer)))
    show(results, options.verbose)
    closed = check_files(options.corpus) if options.files else True
    return 0 if closed and all(item.passed for item in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
