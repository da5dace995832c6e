"""Reading raw bytes: every line is counted once, nothing is lost, and a damaged object is recognised."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import time
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from etl.io import raw
from etl.io.raw import CorruptObject, Cut, RawInput, Reading, RecordReader, codec_of, sample

OBSERVED = datetime(2026, 11, 22, 14)
START = r"^\d{4}-"
BOM = b"\xef\xbb\xbf"
MIB = 1 << 20


def counted(data: bytes) -> int:
    """Lines by the house rule, counted another way: a last line without newline counts, so does a blank one."""
    data = data.removeprefix(BOM)
    return len(data.split(b"\n")) - (1 if data.endswith(b"\n") or not data else 0)


def read(
    *paths: Path, start: str | None = None, producers: list[str] | None = None
) -> tuple[list[dict[str, Any]], list[Reading]]:
    inputs = [RawInput(i, path, OBSERVED, producers[i] if producers else "p") for i, path in enumerate(paths)]
    reader = RecordReader(inputs, Cut(record_start=start))
    records = [row for batch in reader.batches() for row in batch.to_pylist()]
    return records, [reader.readings[item.number] for item in inputs]


def put(folder: Path, data: bytes, name: str = "a.log") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def brief(records: list[dict[str, Any]]) -> list[tuple[int, int, int, str, str | None]]:
    return [(item["object_no"], item["line"], item["lines"], item["text"], item["flag"]) for item in records]


LINES = {
    "nothing": b"",
    "one newline": b"\n",
    "one line": b"a\n",
    "no final newline": b"a\nb",
    "blank lines": b"\n\na\n\n",
    "blank at the end without newline": b"a\n ",
    "carriage returns are no line ends": b"a\rb\rc\n",
    "crlf": b"a\r\nb\r\n",
    "crlf without the last": b"a\r\nb\r",
    "nul": b"a\0b\nc\n",
    "nul only": b"\0" * 10,
    "bom": BOM + b"a\nb\n",
    "bom only": BOM,
    "bom and newline": BOM + b"\n",
    "bom in the middle": b"a\n" + BOM + b"b\n",
    "invalid utf-8": b"\xff\xfe\n\xc3\n",
    "cut utf-8 at a line end": b"\xe3\x81\n\x82\n",
    "form feed and vertical tab": b"a\x0bb\x0cc\x1cd\n",
    "unicode line separators": "a\u2028b\u2029c\u0085d\n".encode(),
    "line of exactly 1 MiB": b"x" * MIB + b"\ny\n",
    "line of 1 MiB + 1": b"x" * (MIB + 1) + b"\ny\n",
    "line of 10 MiB": b"x" * (10 * MIB) + b"\ny\n",
    "line of 10 MiB at the end": b"y\n" + b"x" * (10 * MIB),
    "two lines of 5 MiB": b"x" * (5 * MIB) + b"\n" + b"z" * (5 * MIB) + b"\n",
    "many lines": b"".join(b"%d\n" % i for i in range(20_000)),
}


@pytest.mark.parametrize("start", [None, START], ids=["line by line", "with a record start"])
@pytest.mark.parametrize("data", LINES.values(), ids=LINES)
def test_lines_are_counted_like_an_independent_count(tmp_path: Path, data: bytes, start: str | None) -> None:
    records, (reading,) = read(put(tmp_path, data), start=start)
    assert reading.lines == counted(data)
    assert sum(item["lines"] for item in records) == reading.lines
    assert reading.size == len(data)
    assert reading.digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("size", "flag"), [(MIB - 1, None), (MIB, None), (MIB + 1, "too_long"), (10 * MIB, "too_long")], ids=str
)
@pytest.mark.parametrize("chunk", [4 << 20, 1 << 16, MIB + 7], ids=lambda size: f"chunks of {size}")
@pytest.mark.parametrize("end", [b"\n", b""], ids=["newline", "end of file"])
def test_a_line_of_more_than_a_mebibyte_is_flagged_and_its_head_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, flag: str | None, chunk: int, end: bytes
) -> None:
    monkeypatch.setattr(raw, "CHUNK_BYTES", chunk)
    records, _ = read(put(tmp_path, b"before\n" + b"x" * size + end))
    assert [(item["line"], item["flag"]) for item in records] == [(1, None), (2, flag)]
    kept = len(records[1]["text"])
    assert kept == (size if flag is None else raw.KEPT_OF_TOO_LONG)


def test_invalid_bytes_and_nul_become_replacement_characters_and_are_flagged(tmp_path: Path) -> None:
    records, _ = read(put(tmp_path, b"ok\n\xff\na\0b\nk\xc3\xa9\n"))
    assert [(item["text"], item["flag"]) for item in records] == [
        ("ok", None),
        ("\ufffd", "invalid_utf8"),
        ("a\ufffdb", "nul"),
        ("ké", None),
    ]


def zipped(data: bytes, members: int = 1) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(members):
            archive.writestr(f"{number}.log", data)
    return buffer.getvalue()


TEXT = b"".join(b"2026-11-22 line %d\n" % i for i in range(3000))
CODECS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "plain": ("none", bytes),
    "gzip": ("gzip", gzip.compress),
    "gzip of many members": (
        "gzip",
        lambda data: b"".join(gzip.compress(data[i : i + 997]) for i in range(0, len(data), 997)),
    ),
    "gzip with an empty member": ("gzip", lambda data: gzip.compress(b"") + gzip.compress(data) + gzip.compress(b"")),
    "gzip with zero padding": ("gzip", lambda data: gzip.compress(data) + b"\0" * 512),
    "zstd": ("zstd", lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data)),
    "zstd of many frames": (
        "zstd",
        lambda data: b"".join(zstandard.compress(data[i : i + 9973]) for i in range(0, len(data), 9973)),
    ),
    "bz2": ("bz2", bz2.compress),
    "bz2 of two streams": ("bz2", lambda data: bz2.compress(data[:99]) + bz2.compress(data[99:])),
    "xz": ("xz", lzma.compress),
    "zip": ("zip", zipped),
}


@pytest.mark.parametrize(("codec", "compress"), CODECS.values(), ids=CODECS)
def test_a_compressed_object_reads_like_the_plain_one(
    tmp_path: Path, codec: str, compress: Callable[[bytes], bytes]
) -> None:
    plain, (first,) = read(put(tmp_path, TEXT))
    packed, (second,) = read(put(tmp_path, compress(TEXT), "packed"))
    assert packed == plain
    assert (second.codec, second.lines, second.digest) == (codec, first.lines, first.digest)
    assert sample(tmp_path / "packed") == b"".join(TEXT.splitlines(keepends=True)[:200])


@pytest.mark.parametrize(("codec", "compress"), CODECS.values(), ids=CODECS)
def test_an_empty_compressed_object_has_no_lines(
    tmp_path: Path, codec: str, compress: Callable[[bytes], bytes]
) -> None:
    records, (reading,) = read(put(tmp_path, compress(b"") or b""))
    assert (records, reading.lines, reading.size) == ([], 0, 0)


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]


GZIP = gzip.compress(TEXT, mtime=0)
DAMAGED = {
    "gzip truncated": GZIP[: len(GZIP) // 2],
    "gzip without its last byte": GZIP[:-1],
    "gzip without its trailer": GZIP[:-8],
    "gzip with a flipped byte": flipped(GZIP, len(GZIP) // 2),
    "gzip with a wrong checksum": flipped(GZIP, len(GZIP) - 8),
    "gzip with a wrong length": flipped(GZIP, len(GZIP) - 1),
    "gzip with garbage after it": GZIP + b"garbage",
    "second gzip member truncated": GZIP + GZIP[:-20],
    "gzip header only": GZIP[:10],
    "gzip magic only": b"\x1f\x8b",
    "zstd truncated": zstandard.compress(TEXT)[:-5],
    "zstd with a flipped byte": flipped(zstandard.ZstdCompressor(write_checksum=True).compress(TEXT), 60),
    "zstd magic only": b"\x28\xb5\x2f\xfd",
    "zstd with garbage after it": zstandard.compress(TEXT) + b"garbage",
    "bz2 truncated": bz2.compress(TEXT)[:-5],
    "bz2 with a flipped byte": flipped(bz2.compress(TEXT), 60),
    "xz truncated": lzma.compress(TEXT)[:-5],
    "xz with a flipped byte": flipped(lzma.compress(TEXT), 60),
    "zip truncated": zipped(TEXT)[:-30],
    "zip of two members": zipped(TEXT, 2),
    "zip with a flipped byte": flipped(zipped(TEXT), 100),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_object_is_refused_whole(tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path, data)
    reader = RecordReader([RawInput(3, path, OBSERVED, "p")])
    with pytest.raises(CorruptObject, match="corrupt") as error:
        list(reader.batches())
    assert error.value.number == 3
    assert reader.failed is error.value
    sample(path)


@pytest.mark.parametrize(
    "compressed", [GZIP, zstandard.ZstdCompressor(write_checksum=True).compress(TEXT)], ids=["gzip", "zstd"]
)
def test_any_flipped_bit_is_damage_or_harmless(tmp_path: Path, compressed: bytes) -> None:
    for place in range(2, min(len(compressed), 400)):
        path = put(tmp_path, flipped(compressed, place))
        try:
            content = b"".join(raw.chunks(path, 0, Reading()))
        except CorruptObject:
            continue
        # what the header tells besides, such as a time, is not content
        assert content in (TEXT, flipped(compressed, place)), place


def test_an_object_that_expands_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "EXPANSION_FREE", 1 << 16)
    with pytest.raises(CorruptObject, match="expands"):
        read(put(tmp_path, gzip.compress(gzip.compress(b"\0" * (64 << 20)) and b"\0" * (64 << 20))))


@pytest.mark.parametrize(
    ("unit", "cut"), [(b"\n", Cut()), (b"a\n", Cut()), (b'{"a":1}', Cut(elements="all")), (b"3 <1>", Cut(octets=True))]
)
def test_an_object_of_more_records_than_a_log_can_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: bytes, cut: Cut
) -> None:
    monkeypatch.setattr(raw, "RECORDS_FREE", 1000)
    text = unit * 100_000
    with pytest.raises(CorruptObject, match="more than 10 records for each stored byte"):
        list(RecordReader([RawInput(0, put(tmp_path, gzip.compress(text)), OBSERVED, "p")], cut).batches())
    assert list(RecordReader([RawInput(0, put(tmp_path, text), OBSERVED, "p")], cut).batches())


@pytest.mark.parametrize("name", ["", "x", "\x1f", "PK", "BZ", "{"])
def test_short_heads_are_plain(name: str) -> None:
    assert codec_of(name.encode("latin-1")) == "none"


MIXED = (
    b"  continued from before\n\n2026-01 first\n at a\n\n2026-02 second\r\n2026-03 \xff third\n at \0 b\n at c\n"
    + b"".join(b"2026-%04d record\n at frame %d\n" % (i, i) for i in range(200))
    + b"2026-99 last\n at end"
)


@pytest.mark.parametrize("start", [None, START], ids=["line by line", "with a record start"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 64, 1000])
def test_chunk_borders_do_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, start: str | None
) -> None:
    path = put(tmp_path, BOM * (size >= 3) + MIXED)
    whole, (first,) = read(path, start=start)
    monkeypatch.setattr(raw, "CHUNK_BYTES", size)
    cut, (second,) = read(path, start=start)
    assert cut == whole
    assert first == second


def test_a_record_goes_on_to_the_next_start(tmp_path: Path) -> None:
    records, _ = read(put(tmp_path, b"2026-1 a\n at x\n\n at y\n2026-2 b\n"), start=START)
    assert brief(records) == [(0, 1, 4, "2026-1 a\n at x\n\n at y", None), (0, 5, 1, "2026-2 b", None)]


def test_a_continuation_at_the_start_is_a_record_of_its_own(tmp_path: Path) -> None:
    records, _ = read(put(tmp_path, b" at x\n at y\n2026-2 b\n"), start=START)
    assert brief(records) == [(0, 1, 2, " at x\n at y", "continuation"), (0, 3, 1, "2026-2 b", None)]


def test_an_object_of_continuations_only(tmp_path: Path) -> None:
    records, (reading,) = read(put(tmp_path, b" at x\n at y"), start=START)
    assert brief(records) == [(0, 1, 2, " at x\n at y", "continuation")]
    assert reading.lines == 2


def test_a_record_is_joined_across_two_objects_of_one_producer(tmp_path: Path) -> None:
    one, two = put(tmp_path, b"2026-1 a\n at x\n", "1"), put(tmp_path, b" at y\n at z\n2026-2 b\n", "2")
    records, readings = read(one, two, start=START)
    assert brief(records) == [(0, 1, 4, "2026-1 a\n at x\n at y\n at z", None), (1, 3, 1, "2026-2 b", None)]
    assert [(item.lines, item.joined_in, item.joined_out) for item in readings] == [(2, 2, 0), (3, 0, 2)]
    assert records[1]["byte_offset"] == len(b" at y\n at z\n")


def test_a_record_is_not_joined_across_producers(tmp_path: Path) -> None:
    one, two = put(tmp_path, b"2026-1 a\n", "1"), put(tmp_path, b" at y\n2026-2 b\n", "2")
    records, readings = read(one, two, start=START, producers=["a", "b"])
    assert brief(records) == [
        (0, 1, 1, "2026-1 a", None),
        (1, 1, 1, " at y", "continuation"),
        (1, 2, 1, "2026-2 b", None),
    ]
    assert [(item.joined_in, item.joined_out) for item in readings] == [(0, 0), (0, 0)]


def test_objects_without_a_record_start_are_never_joined(tmp_path: Path) -> None:
    records, _ = read(put(tmp_path, b"a", "1"), put(tmp_path, b"b\n", "2"))
    assert brief(records) == [(0, 1, 1, "a", None), (1, 1, 1, "b", None)]


@pytest.mark.parametrize("middle", [b"", b" at y\n", b" at y"], ids=["empty", "continuation", "cut continuation"])
def test_a_record_may_span_three_objects_and_the_books_close(tmp_path: Path, middle: bytes) -> None:
    paths = [put(tmp_path, data, str(i)) for i, data in enumerate([b"2026-1 a\n", middle, b" at z\n2026-2 b\n"])]
    records, readings = read(*paths, start=START)
    for number, reading in enumerate(readings):
        own = sum(item["lines"] for item in records if item["object_no"] == number)
        assert reading.lines + reading.joined_in == own + reading.joined_out
    assert sum(item["lines"] for item in records) == sum(item.lines for item in readings)


def test_a_trace_of_ten_thousand_frames_is_one_record(tmp_path: Path) -> None:
    data = b"2026-1 a\n" + b"".join(b"\tat com.example.Deep.call%05d(Deep.java:7)\n" % i for i in range(10_000))
    began = time.monotonic()
    records, _ = read(put(tmp_path, data + b"2026-2 b\n"), start=START)
    assert [(item["lines"], len(item["text"])) for item in records] == [(10_001, len(data) - 1), (1, 8)]
    assert time.monotonic() - began < 5


def test_a_record_without_end_is_cut_into_pieces_of_bounded_size(tmp_path: Path) -> None:
    data = b"2026-1 a\n" + b" at somewhere\n" * 1_500_000
    records, (reading,) = read(put(tmp_path, data), start=START)
    assert max(len(item["text"]) for item in records) <= raw.LONGEST_RECORD + raw.CHUNK_BYTES
    assert sum(item["lines"] for item in records) == reading.lines == counted(data)


PIECES = st.lists(
    st.one_of(
        st.sampled_from([b"\n", b"\r\n", b"\0", BOM, b"2026-", b"\n2026-1 a", b" at x\n", b"x" * 40, b"\n\n", b"\xff"]),
        st.binary(max_size=12),
    ),
    max_size=30,
).map(b"".join)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=PIECES, start=st.sampled_from([None, START]), chunk=st.sampled_from([3, 8, 50, 4 << 20]))
def test_any_bytes_are_cut_into_records_that_cover_them(
    tmp_path: Path, data: bytes, start: str | None, chunk: int
) -> None:
    assume(codec_of(data) == "none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw, "CHUNK_BYTES", chunk)
        patch.setattr(raw, "LONGEST_LINE", 64)
        patch.setattr(raw, "LONGEST_RECORD", 200)
        records, (reading,) = read(put(tmp_path, data), start=start)
    assert sum(item["lines"] for item in records) == reading.lines == counted(data)
    offsets = [item["byte_offset"] for item in records]
    head = len(BOM) if data.startswith(BOM) else 0
    assert offsets == sorted(set(offsets)) and offsets[:1] in ([], [head])
    line = 1
    for item, end in zip(records, [*offsets, len(data)][1:], strict=len(records) > 0):
        piece = data[item["byte_offset"] : end]
        assert item["line"] == line and item["lines"] == counted(b"x" + piece)
        line += item["lines"]
        if item["flag"] != "too_long":
            assert item["text"] == piece.decode(errors="replace").replace("\0", "\ufffd").rstrip("\r\n")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(PIECES, min_size=1, max_size=4), same=st.booleans())
def test_the_books_of_several_objects_close(tmp_path: Path, parts: list[bytes], same: bool) -> None:
    assume(all(codec_of(part) == "none" for part in parts))
    paths = [put(tmp_path, part, f"{number}") for number, part in enumerate(parts)]
    records, readings = read(*paths, start=START, producers=["p" if same else f"p{n}" for n in range(len(parts))])
    for number, (part, reading) in enumerate(zip(parts, readings, strict=True)):
        own = sum(item["lines"] for item in records if item["object_no"] == number)
        assert reading.lines == counted(part)
        assert reading.lines + reading.joined_in == own + reading.joined_out
