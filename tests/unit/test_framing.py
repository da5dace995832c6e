"""Records that are not lines: whatever the framing, each newline is booked with exactly one record."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from etl.io import framing, raw
from etl.io.framing import wrapper_of
from etl.io.raw import Cut, RawInput, Reading, RecordReader

OBSERVED = datetime(2026, 11, 22, 14)
OCTETS, ELEMENTS = Cut(octets=True), Cut(elements="Records|records")


def read(folder: Path, cut: Cut, *contents: bytes, producers: str = "") -> tuple[list[dict[str, Any]], list[Reading]]:
    inputs = []
    for number, data in enumerate(contents):
        path = folder / f"{number}.log"
        path.write_bytes(data)
        inputs.append(RawInput(number, path, OBSERVED, producers[number] if producers else "p"))
    reader = RecordReader(inputs, cut)
    records = [row for batch in reader.batches() for row in batch.to_pylist()]
    readings = [reader.readings[item.number] for item in inputs]
    for item, reading, data in zip(inputs, readings, contents, strict=True):
        own = sum(record["lines"] for record in records if record["object_no"] == item.number)
        text = data.removeprefix(b"\xef\xbb\xbf")
        assert reading.lines == text.count(b"\n") + (text != b"" and not text.endswith(b"\n")), (
            "lines as wc counts them"
        )
        assert reading.lines + reading.joined_in == own + reading.joined_out, "the books close"
    places = [(record["object_no"], record["line"], record["part"]) for record in records]
    assert len(set(places)) == len(places), "a place names one record"
    return records, readings


def brief(records: list[dict[str, Any]]) -> list[tuple[int, int, int, str]]:
    return [(item["line"], item["part"], item["lines"], item["text"]) for item in records]


FRAMES: dict[str, tuple[Cut, bytes, list[tuple[int, int, int, str]]]] = {
    "octets: messages on one line": (OCTETS, b"5 <1>ab6 <2>abc", [(1, 0, 0, "<1>ab"), (1, 1, 1, "<2>abc")]),
    "octets: a message of two lines": (OCTETS, b"7 <1>a\nbc6 <2>abc\n", [(1, 0, 1, "<1>a\nbc"), (2, 0, 1, "<2>abc")]),
    "octets: a newline after each": (OCTETS, b"5 <1>ab\n6 <2>abc\n", [(1, 0, 1, "<1>ab"), (2, 0, 1, "<2>abc")]),
    "octets: lines without a count": (OCTETS, b"<1>ab\n5 <2>ab\n", [(1, 0, 1, "<1>ab"), (2, 0, 1, "<2>ab")]),
    "octets: a number that is no count": (OCTETS, b"12 monkeys\n", [(1, 0, 1, "12 monkeys")]),
    "octets: cut at the end": (OCTETS, b"5 <1>ab99 <2>ab", [(1, 0, 0, "<1>ab"), (1, 1, 1, "<2>ab")]),
    "octets: the count is of bytes": (OCTETS, "6 <1>é€".encode()[:8] + b"5 <1>ab", [(1, 0, 0, "<1>é\N{REPLACEMENT CHARACTER}"), (1, 1, 1, "<1>ab")]),
    "elements: of a document on one line": (ELEMENTS, b'{"Records":[{"a":1},{"a":2}]}', [(1, 0, 0, '{"a":1}'), (1, 1, 1, '{"a":2}')]),
    "elements: spread over lines": (ELEMENTS, b'{\n "Records": [\n  {"a":1},\n  {\n"a":2}\n ]\n}\n', [(3, 0, 3, '{"a":1}'), (4, 0, 4, '{\n"a":2}')]),
    "elements: of an array": (ELEMENTS, b'[{"a":1},\n{"a":{"b":[{"c":2}]}}]\n', [(1, 0, 1, '{"a":1}'), (2, 0, 1, '{"a":{"b":[{"c":2}]}}')]),
    "elements: brackets and quotes in texts": (ELEMENTS, rb'{"Records":[{"a":"}]\"{"},{"b":"\\"}]}', [(1, 0, 0, r'{"a":"}]\"{"}'), (1, 1, 1, r'{"b":"\\"}')]),
    "elements: an object without the key is one": (ELEMENTS, b'{"resources":[{"a":1}]}\n{"b":2}\n', [(1, 0, 1, '{"resources":[{"a":1}]}'), (2, 0, 1, '{"b":2}')]),
    "elements: pretty-printed": (ELEMENTS, b'{\n"a": 1\n}\n{\n"a": 2\n}\n', [(1, 0, 3, '{\n"a": 1\n}'), (4, 0, 3, '{\n"a": 2\n}')]),
    "elements: several documents": (ELEMENTS, b'{"Records":[{"a":1}]}\n{"records":[{"a":2}]}\n', [(1, 0, 1, '{"a":1}'), (2, 0, 1, '{"a":2}')]),
    "elements: none in it": (ELEMENTS, b'{"Records":[]}\n', [(1, 0, 1, '{"Records":[]}')]),
    "elements: what is no JSON is a line": (ELEMENTS, b'hello {\n{"a":1}\n', [(1, 0, 1, "hello {"), (2, 0, 1, '{"a":1}')]),
    "elements: a line that was cut spoils no other": (ELEMENTS, b'{"a":"x\n{"b":2}\n', [(1, 0, 1, '{"a":"x'), (2, 0, 1, '{"b":2}')]),
    "elements: an element that was not closed spoils no other": (ELEMENTS, b'[{"a":{"x":1},\n{"b":2}]\n', [(1, 0, 1, '{"a":{"x":1},'), (2, 0, 1, '{"b":2}')]),
    "elements: brackets too many": (ELEMENTS, b'{"Records":[{"a":1}}},\n{"b":2}]}\n', [(1, 0, 1, '{"a":1}'), (2, 0, 1, '{"b":2}')]),
    "elements: a line that begins with a bracket": (ELEMENTS, b'[oops\n{"a":1}\n{"b":2}\n', [(2, 0, 2, '{"a":1}'), (3, 0, 1, '{"b":2}')]),
    "octets: blank lines between": (OCTETS, b"5 <1>ab\r\n\r\n\n 6 <2>abc\n", [(1, 0, 3, "<1>ab"), (4, 0, 1, "<2>abc")]),
    "elements: line ends around a string": (ELEMENTS, b'{"Records":[{"a":[\n"x{y"\n]},{"b":1}]}', [(1, 0, 2, '{"a":[\n"x{y"\n]}'), (3, 0, 1, '{"b":1}')]),
    "elements: a document that was cut": (ELEMENTS, b'{"Records":[{"a":1},{"b', [(1, 0, 0, '{"a":1}'), (1, 1, 1, '{"b')]),
    "blank": (ELEMENTS, b" \n\n", [(1, 0, 2, "")]),
    "nothing": (ELEMENTS, b"", []),
}  # fmt: skip


@pytest.mark.parametrize(("cut", "data", "expected"), FRAMES.values(), ids=FRAMES)
def test_frames(tmp_path: Path, cut: Cut, data: bytes, expected: list[tuple[int, int, int, str]]) -> None:
    records, _ = read(tmp_path, cut, data)
    assert brief(records) == expected


@pytest.mark.parametrize(("cut", "data", "expected"), FRAMES.values(), ids=FRAMES)
def test_frames_do_not_depend_on_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Cut, data: bytes, expected: list[tuple[int, int, int, str]]
) -> None:
    monkeypatch.setattr(raw, "CHUNK_BYTES", 3)
    records, _ = read(tmp_path, cut, data)
    assert brief(records) == expected


def test_the_offset_of_an_element_is_where_it_stands(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbf{"Records":[{"a":1}, {"a":2}]}'
    records, _ = read(tmp_path, ELEMENTS, data)
    assert [data[item["byte_offset"] :][:7] for item in records] == [b'{"a":1}', b'{"a":2}']


def test_an_endless_document_is_cut_and_memory_stays_flat(tmp_path: Path) -> None:
    tracemalloc.start()
    records, _ = read(tmp_path, ELEMENTS, b'{"a":"' + b"x" * 30_000_000 + b'"}\n{"b":1}\n')
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(item["line"], item["lines"], item["flag"]) for item in records] == [(1, 1, "too_long"), (2, 1, None)]
    assert peak < 120_000_000


@pytest.mark.parametrize("cut", [ELEMENTS, OCTETS], ids=["elements", "octets"])
def test_a_line_without_end_is_one_record_and_memory_stays_flat(tmp_path: Path, cut: Cut) -> None:
    data = b"x" * 60_000_000 + b"\n" + b"<1>next\n"
    tracemalloc.start()
    records, _ = read(tmp_path, cut, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(item["line"], item["lines"], item["flag"]) for item in records] == [(1, 1, "too_long"), (2, 1, None)]
    assert len(records[0]["text"]) == raw.KEPT_OF_TOO_LONG
    assert peak < 60_000_000


def test_a_long_heading_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"h" * 300_000 + b"\n" + b"1\n" * 5_000)
    reader = RecordReader([RawInput(0, path, OBSERVED, "p")], Cut(heading=raw.FIRST_LINE))
    (batch,) = reader.batches()
    assert batch.num_rows == 5_001
    assert batch.nbytes < 1_000_000


def docker(text: str, stream: str = "stdout", time: str = "2026-11-22T13:04:05.123456789Z") -> bytes:
    return json.dumps({"log": text, "stream": stream, "time": time}).encode() + b"\n"


def cri(text: str, stream: str = "stdout", tag: str = "F") -> bytes:
    return f"2026-11-22T13:04:05.123456789+09:00 {stream} {tag} {text}\n".encode()


DATED = r"^\d{4}-"
WRAPPED: dict[str, tuple[Cut, bytes, list[tuple[str, int, int, str]]]] = {
    "docker: one line each": (
        Cut(wrapper="docker"),
        docker("a\n") + docker("b\r\n", "stderr"),
        [("stdout", 1, 1, "a"), ("stderr", 2, 1, "b")],
    ),
    "docker: parts of a line join within their stream": (
        Cut(wrapper="docker"),
        docker("a") + docker("x\n", "stderr") + docker("b\n"),
        [("stderr", 2, 1, "x"), ("stdout", 1, 2, "ab")],
    ),
    "docker: an unfinished part is kept": (Cut(wrapper="docker"), docker("a"), [("stdout", 1, 1, "a")]),
    "cri: parts of a line join within their stream": (
        Cut(wrapper="cri"),
        cri("a", tag="P") + cri("x", "stderr") + cri("b", tag="F"),
        [("stderr", 2, 1, "x"), ("stdout", 1, 2, "ab")],
    ),
    "cri: further tags": (Cut(wrapper="cri"), cri("a", tag="P:x") + cri("b", tag="F:y:z"), [("stdout", 1, 2, "ab")]),
    "cri: an empty line": (Cut(wrapper="cri"), cri(""), [("stdout", 1, 1, "")]),
    "records join within their stream": (
        Cut(wrapper="docker", record_start=DATED),
        docker("2026-1 a\n", "stderr")
        + docker("2026-2 b\n")
        + docker(" at x\n", "stderr")
        + docker("2026-3 c\n", "stderr"),
        [("stderr", 1, 2, "2026-1 a\n at x"), ("stdout", 2, 1, "2026-2 b"), ("stderr", 4, 1, "2026-3 c")],
    ),
    "lines that continue join": (
        Cut(wrapper="cri", continues=r"^\s"),
        cri("a") + cri("  b") + cri("c"),
        [("stdout", 1, 2, "a\n  b"), ("stdout", 3, 1, "c")],
    ),
}


@pytest.mark.parametrize(("cut", "data", "expected"), WRAPPED.values(), ids=WRAPPED)
def test_wrapped(tmp_path: Path, cut: Cut, data: bytes, expected: list[tuple[str, int, int, str]]) -> None:
    records, _ = read(tmp_path, cut, data)
    assert [(item["stream"], item["line"], item["lines"], item["text"]) for item in records] == expected
    assert all(item["wrapper_time"].startswith("2026-11-22T13:04:05.123456789") for item in records)


def test_a_wrapped_trace_is_joined_across_two_objects_of_one_producer(tmp_path: Path) -> None:
    cut = Cut(wrapper="docker", record_start=DATED)
    one = docker("2026-1 a\n") + docker(" at x\n") + docker(" at ")
    two = docker("y\n") + docker("2026-2 b\n")
    records, readings = read(tmp_path, cut, one, two)
    assert [(item["object_no"], item["lines"], item["text"]) for item in records] == [
        (0, 4, "2026-1 a\n at x\n at y"),
        (1, 1, "2026-2 b"),
    ]
    assert [(item.joined_in, item.joined_out) for item in readings] == [(1, 0), (0, 1)]


def test_a_wrapped_trace_is_not_joined_across_producers(tmp_path: Path) -> None:
    cut = Cut(wrapper="cri", record_start=DATED)
    records, _ = read(tmp_path, cut, cri("2026-1 a"), cri(" at x") + cri("2026-2 b"), producers="ab")
    assert [(item["object_no"], item["text"], item["flag"]) for item in records] == [
        (0, "2026-1 a", None),
        (1, " at x", "continuation"),
        (1, "2026-2 b", None),
    ]


def test_a_line_that_is_not_wrapped_is_flagged_and_kept(tmp_path: Path) -> None:
    records, _ = read(tmp_path, Cut(wrapper="docker"), docker("a\n") + b"hello\n" + b'{"log":\n\n')
    flags = {item["line"]: (item["flag"], item["text"]) for item in records}
    assert flags == {1: (None, "a"), 2: ("not_wrapped", "hello"), 3: ("not_wrapped", '{"log":'), 4: (None, "")}


def test_a_deeply_nested_line_is_not_wrapped(tmp_path: Path) -> None:
    line = b'{"log":"x\\n","stream":"stdout","a":' + b"[" * 100_000 + b"\n"
    records, _ = read(tmp_path, Cut(wrapper="docker"), line + docker("a\n"))
    assert [item["flag"] for item in records] == ["not_wrapped", None]


def test_wrapped_text_in_another_encoding(tmp_path: Path) -> None:
    line = '{"log":"Grüße\\n","stream":"stdout","time":"2026-11-22T13:04:05.123456789Z"}\n'.encode("latin-1")
    records, _ = read(tmp_path, Cut(wrapper="docker", encoding="latin-1"), line)
    assert [item["text"] for item in records] == ["Grüße"]
    records, _ = read(tmp_path, Cut(wrapper="docker"), line)
    assert [item["text"] for item in records] == ["Gr\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}e"]


def test_the_first_wrapped_line_is_a_heading(tmp_path: Path) -> None:
    records, _ = read(tmp_path, Cut(wrapper="docker", heading=raw.FIRST_LINE), docker("a,b\n") + docker("1,2\n"))
    assert [item["heading"] for item in records] == ["a,b", "a,b"]


def test_patterns_of_re2_mean_the_same_behind_a_wrapper(tmp_path: Path) -> None:
    cut = Cut(wrapper="cri", record_start=r"^\d\x{00e9}")
    records, _ = read(tmp_path, cut, cri("1é") + cri("\N{ARABIC-INDIC DIGIT ONE}é") + cri("2é"))
    assert [item["text"] for item in records] == ["1é\n\N{ARABIC-INDIC DIGIT ONE}é", "2é"]


def test_a_wrapped_trace_of_ten_thousand_frames_is_one_record(tmp_path: Path) -> None:
    frames = b"".join(docker(f"\tat com.example.Deep.call{number:05d}(Deep.java:7)\n") for number in range(10_000))
    cut = Cut(wrapper="docker", record_start=DATED)
    records, _ = read(tmp_path, cut, docker("2026-1 a\n") + frames + docker("2026-2 b\n"))
    assert [(item["line"], item["lines"]) for item in records] == [(1, 10_001), (10_002, 1)]


def test_a_wrapped_trace_without_end_is_cut_into_pieces(tmp_path: Path) -> None:
    cut = Cut(wrapper="cri", record_start=DATED)
    records, _ = read(tmp_path, cut, cri("2026-1 a") + cri(" at " + "x" * 2000) * 6000)
    assert [item["flag"] for item in records] == [None, "continuation", "continuation"]
    assert max(len(item["text"]) for item in records) <= raw.LONGEST_RECORD


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (docker("a\n") * 3, "docker"),
        (cri("a") * 3, "cri"),
        (docker("a\n") * 3 + b"broken\n", "docker"),
        (b'{"message":"the log: x"}\n', None),
        (b'{"log":{"level":"info"},"time":"2026-11-22T13:04:05Z"}\n', None),
        (b'{"log":"a line"}\n', None),
        (b"2026-11-22T13:04:05Z INFO stdout F\n", None),
        (b"", None),
    ],
)
def test_wrapper_of(data: bytes, expected: str | None) -> None:
    assert wrapper_of(data) == expected


CONTINUED = Cut(continues=r"^\s", continued=r"\\$|^Oops:$")


@pytest.mark.parametrize("chunk", [3, 4 << 20])
def test_a_line_may_say_that_the_next_one_belongs_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(raw, "CHUNK_BYTES", chunk)
    lines = ["a \\", "b", "c", "Oops:", "it", " at x", "d"]
    expected = ["a \\\nb", "c", "Oops:\nit\n at x", "d"]
    records, _ = read(tmp_path, CONTINUED, "\n".join(lines).encode())
    assert [item["text"] for item in records] == expected
    records, _ = read(tmp_path, replace(CONTINUED, wrapper="cri"), b"".join(cri(line) for line in lines))
    assert [item["text"] for item in records] == expected


HEADED = Cut(heading="^#Fields:")


def test_each_record_knows_the_directive_before_it(tmp_path: Path) -> None:
    records, _ = read(tmp_path, HEADED, b"x\n#Fields: a b\n1 2\n#Fields: b a\n3 4\n", b"5 6\n", producers="pp")
    assert [(item["text"], item["heading"]) for item in records] == [
        ("x", ""),
        ("#Fields: a b", "#Fields: a b"),
        ("1 2", "#Fields: a b"),
        ("#Fields: b a", "#Fields: b a"),
        ("3 4", "#Fields: b a"),
        ("5 6", "#Fields: b a"),
    ]


def test_a_directive_ends_with_its_producer(tmp_path: Path) -> None:
    records, _ = read(tmp_path, HEADED, b"#Fields: a\n1\n", b"2\n", producers="pq")
    assert records[-1]["heading"] == ""


def test_the_first_line_of_each_object_is_its_heading(tmp_path: Path) -> None:
    records, _ = read(tmp_path, Cut(heading=raw.FIRST_LINE), b"a,b\r\n1,2\r\n", b"c\n3\n")
    assert [item["heading"] for item in records] == ["a,b", "a,b", "c", "c"]


def test_headings_survive_chunk_borders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "CHUNK_BYTES", 5)
    records, _ = read(tmp_path, HEADED, b"#Fields: a b\n1 2\n3 4\n")
    assert [item["heading"] for item in records] == ["#Fields: a b"] * 3


ENCODED = {
    "latin-1": "Grüße\nabc\n",
    "big5": "測試\nabc\n",
    "euc-kr": "시험\nabc\n",
    "shift_jis": "テスト\nabc\n",
    "utf-16": "Grüße\nabc\n",
    "utf-16-le": "測試\nabc\n",
}


@pytest.mark.parametrize("encoding", ENCODED)
@pytest.mark.parametrize("chunk", [1, 2, 5, 4 << 20])
def test_declared_encodings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, chunk: int) -> None:
    monkeypatch.setattr(raw, "CHUNK_BYTES", chunk)
    path = tmp_path / "a.log"
    path.write_bytes(ENCODED[encoding].encode(encoding))
    reader = RecordReader([RawInput(0, path, OBSERVED, "p")], Cut(encoding=encoding))
    records = [row for batch in reader.batches() for row in batch.to_pylist()]
    assert [(item["text"], item["flag"]) for item in records] == [(text, None) for text in ENCODED[encoding].split()]
    assert reader.readings[0].lines == 2


CUTS = {
    "lines": Cut(),
    "record start": Cut(record_start="^a"),
    "continues": Cut(continues="^ "),
    "heading": Cut(heading="^#"),
    "first line": Cut(heading=raw.FIRST_LINE),
    "octets": OCTETS,
    "elements": ELEMENTS,
    "docker": Cut(wrapper="docker", record_start="^a"),
    "cri": Cut(wrapper="cri", continues="^ "),
}
PIECES = [b"\n", b"\r\n", b" ", b"a", b"#", b"5 <1>ab", b"{", b"}", b"[", b"]", b'"', b"\\", b'{"Records":[', b'{"a":1},', b"\0", b"\xff",
          docker("a\n"), docker("b"), docker(" c\n", "stderr"), cri("a"), cri(" b", tag="P"), cri("c", "stderr")]  # fmt: skip


@pytest.mark.parametrize("name", CUTS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    contents=st.lists(
        st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=12).map(b"".join), min_size=1, max_size=3
    ),
    chunk=st.integers(3, 40),
)
def test_whatever_the_bytes_every_line_has_one_record(
    tmp_path: Path, name: str, contents: list[bytes], chunk: int
) -> None:
    assume(all(raw.codec_of(data) == "none" for data in contents))
    whole, _ = read(tmp_path, CUTS[name], *contents)
    with pytest.MonkeyPatch.context() as patch:
        # a first line, and what joins the object before, have to stand in the first chunk (4 MiB)
        patch.setattr(
            raw, "CHUNK_BYTES", chunk + (10_000 if name in ("first line", "record start", "continues") else 0)
        )
        patch.setattr(framing, "_BATCH_ROWS", 2)
        pieces, _ = read(tmp_path, CUTS[name], *contents)
    assert pieces == whole, "chunk borders do not show"
