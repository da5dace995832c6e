"""Raw bytes to records: decompress, verify, count and cut, in one pass of bounded memory.

DuckDB never judges raw bytes. Every object is decompressed completely with its checksums verified, its lines are
counted and its content digested while records stream out as Arrow batches. One line is one record, unless the format
declares otherwise (:class:`Cut`): then the lines up to the next start belong to it, also across two objects of one
producer. Framings that are not lines, and the wrappers of containers, are in :mod:`etl.io.framing`.
"""

from __future__ import annotations

import bz2
import codecs
import contextlib
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from etl.errors import EtlError

CHUNK_BYTES = 4 << 20
_SAMPLE_STEP = 4096
LONGEST_LINE = 1 << 20
LONGEST_RECORD = 4 << 20
LONGEST_HEADING = 64 << 10
KEPT_OF_TOO_LONG = 1024
EXPANSION_CAP = 1000
EXPANSION_FREE = 64 << 20
RECORDS_PER_BYTE = 10
RECORDS_FREE = 1_000_000

INVALID_UTF8, NUL_BYTE, TOO_LONG, CONTINUATION = "invalid_utf8", "nul", "too_long", "continuation"
FIRST_LINE = "first line"
UNFINISHED, NOT_WRAPPED = "unfinished", "not_wrapped"
UTF8 = "utf-8"

HEADING = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("object_no", pa.int32()),
        ("line", pa.int64()),
        ("part", pa.int32()),
        ("lines", pa.int32()),
        ("byte_offset", pa.int64()),
        ("observed_time", pa.timestamp("us")),
        ("flag", pa.string()),
        ("heading", HEADING),
        ("stream", pa.string()),
        ("wrapper_time", pa.string()),
        ("text", pa.string()),
    ]
)
_BOMB = (
    f"decompression bomb: more than {RECORDS_PER_BYTE} records for each stored byte; expected a log. "
    "If it is one, store the object uncompressed"
)
_BOM = b"\xef\xbb\xbf"
_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "zip"),
)


class CorruptObject(EtlError):
    """An object cannot be decompressed to its end, or is a bomb; it is quarantined whole."""

    def __init__(self, number: int, problem: str) -> None:
        self.number, self.problem = number, problem
        super().__init__(f"object {number}: {problem}")


@dataclass(frozen=True)
class Cut:
    """How the bytes of an object become records; all patterns are RE2.

    ``record_start`` matches the first line of a record, or ``continues`` the lines that belong to the record before them and
    ``continued`` those that the next one belongs to; without them every line is a record. The last line that ``heading`` matched is told to each record, for formats
    whose directives give later lines their meaning; "first line" is the first of each object. ``elements`` names the key whose array elements are the records of a
    JSON document. ``octets`` accepts RFC 6587 octet counts. ``wrapper`` is cri or docker. ``encoding`` is a Python codec.
    """

    record_start: str | None = None
    continues: str | None = None
    continued: str | None = None
    heading: str | None = None
    elements: str | None = None
    octets: bool = False
    wrapper: str | None = None
    encoding: str = UTF8

    @property
    def joins_lines(self) -> bool:
        """Whether a record may have several lines."""
        return bool(self.record_start or self.continues)

    @property
    def text_encoding(self) -> str:
        """What the text is in once :func:`as_utf8` has passed it."""
        return UTF8 if self.encoding.replace("_", "-").lower().startswith("utf-16") else self.encoding


@dataclass(frozen=True)
class RawInput:
    """One object to read: ``observed`` is its modification time (naive UTC), ``producer`` who wrote it."""

    number: int
    path: Path
    observed: datetime
    producer: str


@dataclass
class Reading:
    """What was found in one object. ``digest`` is SHA-256 of the decompressed bytes, complete at the object's end."""

    codec: str = ""
    lines: int = 0
    size: int = 0
    joined_in: int = 0
    joined_out: int = 0
    digest: str = ""


@dataclass
class _Open:
    """The last record of an object, kept back because the producer's next object may complete it."""

    source: RawInput
    line: int
    lines: int
    offset: int
    data: bytes
    heading: str
    encoding: str

    def closed(self) -> pa.RecordBatch:
        """The record, complete."""
        return _single(self.source, self.line, self.lines, self.offset, self.data, None, self.heading, self.encoding)


def _single(
    source: RawInput, line: int, lines: int, offset: int, data: bytes, flag: str | None, heading: str, encoding: str
) -> pa.RecordBatch:
    bounds = np.array([0, len(data)], dtype=np.int64)
    flags = {0: flag} if flag else {}
    headings = _repeated([heading], np.zeros(1, np.int32))
    return _batch(source, data, bounds, np.array([line]), np.array([lines]), offset, flags, headings, encoding)


def codec_of(head: bytes) -> str:
    """Compression by magic bytes: gzip, zstd, bz2, xz, zip or none."""
    return next((codec for magic, codec in _MAGIC if head.startswith(magic)), "none")


def open_decompressed(path: Path) -> tuple[str, IO[bytes]]:
    """(codec, stream of decompressed bytes). Raises OSError, EOFError, ValueError as the stream is read if damaged."""
    with path.open("rb") as file:
        codec = codec_of(file.read(8))
    if codec == "gzip":
        from isal import igzip

        return codec, cast(IO[bytes], igzip.open(str(path), "rb"))
    if codec == "zstd":
        import zstandard

        return codec, cast(IO[bytes], _Zstd(zstandard.ZstdDecompressor(max_window_size=1 << 31), path))
    if codec == "bz2":
        return codec, cast(IO[bytes], bz2.open(path, "rb"))
    if codec == "xz":
        return codec, cast(IO[bytes], lzma.open(path, "rb"))
    if codec == "zip":
        archive = zipfile.ZipFile(path)
        members = [item for item in archive.infolist() if not item.is_dir()]
        if len(members) != 1:
            raise ValueError(f"a zip archive with {len(members)} members; expected exactly one log file in it")
        return codec, archive.open(members[0])
    return codec, path.open("rb")


class _Zstd(io.RawIOBase):
    """All frames of a zstd file; an unfinished last frame raises EOFError instead of ending quietly."""

    def __init__(self, decompressor: object, path: Path) -> None:
        self._factory = decompressor
        self._file = path.open("rb")
        self._frame = self._factory.decompressobj()  # type: ignore[attr-defined]
        self._fresh = True
        self._rest = b""
        self._out = bytearray()

    def read(self, size: int = -1, /) -> bytes:
        while len(self._out) < size:
            # a few bytes can be a block of 128 KiB: little at a time keeps a bomb from filling the memory
            data = self._rest or self._file.read(1 << 10)
            self._rest = b""
            if not data:
                if not self._fresh:
                    raise EOFError("the zstd stream ends before its last frame does")
                break
            self._out += self._frame.decompress(data)
            self._fresh = False
            if self._frame.eof:
                self._rest = self._frame.unused_data
                self._frame = self._factory.decompressobj()  # type: ignore[attr-defined]
                self._fresh = True
        taken = bytes(self._out[:size])
        del self._out[:size]
        return taken

    def close(self) -> None:
        self._file.close()
        super().close()


def chunks(path: Path, number: int, reading: Reading) -> Iterator[bytes]:
    """Decompressed chunks of exactly CHUNK_BYTES but for the last; books codec, size and digest in ``reading``.

    Raises CorruptObject when a checksum fails, the stream is cut, or it expands without end.
    """
    digest = hashlib.sha256()
    stored = path.stat().st_size
    try:
        reading.codec, stream = open_decompressed(path)
        with stream:
            while chunk := _exactly(stream, CHUNK_BYTES):
                digest.update(chunk)
                reading.size += len(chunk)
                if reading.size > EXPANSION_FREE + stored * EXPANSION_CAP:
                    raise ValueError(f"it expands to more than {EXPANSION_CAP} times its size")
                yield chunk
    except (
        OSError,
        EOFError,
        ValueError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        NotImplementedError,
    ) as error:
        raise CorruptObject(number, f"corrupt {reading.codec or 'compressed'} data: {error}") from None
    except Exception as error:  # isal and zstandard raise classes of their own
        if type(error).__module__.split(".")[0] in ("igzip_lib", "zstd", "zstandard"):
            raise CorruptObject(number, f"corrupt {reading.codec} data: {error}") from None
        raise
    reading.digest = digest.hexdigest()


def _exactly(stream: IO[bytes], size: int) -> bytes:
    """Up to ``size`` bytes, fewer only at the end: chunk borders must not depend on the decompressor."""
    first = stream.read(size)
    if not first or len(first) == size:
        return first
    parts, have = [first], len(first)
    while have < size and (part := stream.read(size - have)):
        parts.append(part)
        have += len(part)
    return b"".join(parts)


def sample(path: Path, lines: int = 200, size: int = 256 * 1024) -> bytes:
    """The first whole lines of an object, decompressed; what can be read of it where it is damaged."""
    data = b""
    # what is damaged is said by the full read, not by the sample
    with contextlib.suppress(Exception):
        _, stream = open_decompressed(path)
        with stream:
            while len(data) < size and (part := stream.read(min(_SAMPLE_STEP, size - len(data)))):
                data += part
    cut = (data[: data.rfind(b"\n") + 1] or data) if len(data) >= size else data
    return b"".join(cut.splitlines(keepends=True)[:lines]) if b"\n" in cut else cut


ONE_LINE = Cut()


class RecordReader:
    """Streams the records of several objects as Arrow batches of :data:`SCHEMA`.

    ``readings`` is complete once the batches are exhausted. ``failed`` holds the CorruptObject that ended them.
    """

    def __init__(self, inputs: Sequence[RawInput], cut: Cut = ONE_LINE) -> None:
        self._inputs = inputs
        self._cut = cut
        self.readings = {item.number: Reading() for item in inputs}
        self.failed: CorruptObject | None = None

    def reader(self) -> pa.RecordBatchReader:
        """The batches as a stream DuckDB can scan once."""
        return pa.RecordBatchReader.from_batches(SCHEMA, self.batches())

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Record batches in the order of the inputs. Raises CorruptObject."""
        records = dict.fromkeys(self.readings, 0)
        allowed = {item.number: RECORDS_FREE + item.path.stat().st_size * RECORDS_PER_BYTE for item in self._inputs}
        try:
            for batch in self._cut_all():
                for number, count in zip(*np.unique(batch["object_no"].to_numpy(), return_counts=True), strict=True):
                    records[number] += count
                    # a kilobyte of gzip holds half a million line ends, and each record takes scratch space
                    if records[number] > allowed[number]:
                        raise CorruptObject(int(number), _BOMB)
                yield batch
        except CorruptObject as error:
            self.failed = error
            raise

    def _cut_all(self) -> Iterator[pa.RecordBatch]:
        if self._cut.wrapper or self._cut.elements or self._cut.octets:
            from etl.io.framing import framed

            return framed(self._inputs, self._cut, self.readings)
        return self._cut_lines()

    def _cut_lines(self) -> Iterator[pa.RecordBatch]:
        waiting: _Open | None = None
        heading = ""
        producer = None
        for item in self._inputs:
            if producer != item.producer:
                if waiting:
                    yield waiting.closed()
                waiting, heading, producer = None, "", item.producer
            cutter = _Cutter(item, self.readings[item.number], self._cut, heading)
            yield from cutter.run(waiting, self.readings)
            waiting, heading = cutter.open, cutter.heading
        if waiting:
            yield waiting.closed()


class _Cutter:
    """Cuts one object. Between chunks it holds the unfinished line or record, never more than LONGEST_RECORD."""

    def __init__(self, source: RawInput, reading: Reading, cut: Cut, heading: str) -> None:
        self._source, self._reading, self._cut = source, reading, cut
        self.heading = heading
        self._carry = b""
        self._line = 1
        self._offset = 0
        self._too_long: tuple[bytes, int] | None = None
        self.open: _Open | None = None

    def run(self, waiting: _Open | None, readings: dict[int, Reading]) -> Iterator[pa.RecordBatch]:
        first = True
        for chunk in as_utf8(chunks(self._source.path, self._source.number, self._reading), self._cut.encoding):
            data = chunk
            if first:
                first = False
                if data.startswith(_BOM):
                    data = data[len(_BOM) :]
                    self._offset = len(_BOM)
                if self._cut.heading == FIRST_LINE:
                    head = data[: _line_end(data, 0)][:LONGEST_LINE]
                    self.heading = decoded(head, self._cut.text_encoding)[0].rstrip("\r\n")[:LONGEST_HEADING]
                if waiting:
                    data = self._join(waiting, data, len(chunk) < CHUNK_BYTES, readings)
                    yield waiting.closed()
                    waiting = None
            yield from self._feed(data)
        if waiting:
            yield waiting.closed()
        yield from self._finish()
        self._reading.lines = self._line - 1

    def _join(self, waiting: _Open, data: bytes, last: bool, readings: dict[int, Reading]) -> bytes:
        """Move the lines before this object's first record start to the record that waits for them."""
        bounds = _line_bounds(data, last=last)
        starts = self._start_mask(data, bounds)
        count = int(np.argmax(starts)) if starts.any() else len(starts)
        if count == 0 or not self._cut.joins_lines:
            return data
        head = data[: int(bounds[count])]
        waiting.data += (b"" if waiting.data.endswith(b"\n") else b"\n") + head
        waiting.lines += count
        readings[waiting.source.number].joined_in += count
        self._reading.joined_out += count
        self._line += count
        self._offset += len(head)
        return data[len(head) :]

    def _feed(self, chunk: bytes) -> Iterator[pa.RecordBatch]:
        if self._too_long is not None:
            end = chunk.find(b"\n")
            if end < 0:
                self._too_long = (self._too_long[0], self._too_long[1] + len(chunk))
                return
            yield self._end_too_long(end + 1)
            chunk = chunk[end + 1 :]
        data = self._carry + chunk if self._carry else chunk
        bounds = _line_bounds(data, last=False)
        if len(bounds) > 1:
            if not self._cut.joins_lines:
                yield self._lines(data, bounds)
                self._carry = data[int(bounds[-1]) :]
            else:
                yield from self._records(data, bounds)
        else:
            self._carry = data
        unfinished = len(self._carry) - (self._carry.rfind(b"\n") + 1)
        if unfinished > LONGEST_LINE:
            cut = len(self._carry) - unfinished
            if cut:
                yield self._piece(self._carry[:cut])
            self._too_long = (self._carry[cut : cut + KEPT_OF_TOO_LONG], unfinished)
            self._carry = b""
        elif len(self._carry) > LONGEST_RECORD:
            cut = len(self._carry) - unfinished
            yield self._piece(self._carry[:cut])
            self._carry = self._carry[cut:]

    def _finish(self) -> Iterator[pa.RecordBatch]:
        if self._too_long is not None:
            yield self._end_too_long(0)
        if not self._carry:
            return
        if not self._cut.joins_lines:
            yield self._piece(self._carry)
            return
        bounds = _line_bounds(self._carry, last=True)
        starts = self._start_mask(self._carry, bounds)
        if starts.any() and not starts[0]:
            # the carry always begins with a start or holds none; both in one come only from an end without newline
            cut = int(bounds[int(np.argmax(starts))])
            yield self._piece(self._carry[:cut])
            self._carry = self._carry[cut:]
            bounds = _line_bounds(self._carry, last=True)
            starts = self._start_mask(self._carry, bounds)
        inner = np.flatnonzero(starts)
        last = int(bounds[int(inner[-1])]) if len(inner) > 1 else 0
        if last:
            yield self._piece(self._carry[:last])
            self._carry = self._carry[last:]
        if starts.any():
            lines = len(_line_bounds(self._carry, last=True)) - 1
            heading = self._headings(self._carry, np.array([0], dtype=np.int64))[0].as_py() or ""
            self.open = _Open(
                self._source, self._line, lines, self._offset, self._carry, heading, self._cut.text_encoding
            )
            self._advance(lines, len(self._carry))
        else:
            yield self._piece(self._carry)
        self._carry = b""

    def _end_too_long(self, end: int) -> pa.RecordBatch:
        assert self._too_long is not None
        head, size = self._too_long
        self._too_long = None
        batch = _single(
            self._source, self._line, 1, self._offset, head, TOO_LONG, self.heading, self._cut.text_encoding
        )
        self._advance(1, size + end)
        return batch

    def _piece(self, data: bytes) -> pa.RecordBatch:
        """One record of all of ``data``; a continuation where it does not begin with a record start."""
        bounds = _line_bounds(data, last=True)
        flag = None
        if self._cut.joins_lines:
            flag = None if self._start_mask(data, bounds[:2])[0] else CONTINUATION
        if int(np.diff(bounds).max()) > LONGEST_LINE + 1:
            flag = TOO_LONG
        lines = len(bounds) - 1
        heading = self._headings(data, np.array([0], dtype=np.int64))[0].as_py() or ""
        batch = _single(self._source, self._line, lines, self._offset, data, flag, heading, self._cut.text_encoding)
        self._advance(lines, len(data))
        return batch

    def _lines(self, data: bytes, bounds: np.ndarray) -> pa.RecordBatch:
        count = len(bounds) - 1
        numbers = np.arange(self._line, self._line + count)
        flags = _too_long_flags(np.diff(bounds))
        ones = np.ones(count, np.int32)
        headings = self._headings(data, bounds[:-1])
        batch = _batch(
            self._source, data, bounds, numbers, ones, self._offset, flags, headings, self._cut.text_encoding
        )
        self._advance(count, int(bounds[-1]))
        return batch

    def _records(self, data: bytes, bounds: np.ndarray) -> Iterator[pa.RecordBatch]:
        """All records that are complete in ``data``; from the last start on it is carried over."""
        starts = np.flatnonzero(self._start_mask(data, bounds))
        if len(starts) == 0 or (len(starts) == 1 and starts[0] == 0):
            self._carry = data
            return
        first = [] if starts[0] == 0 else [0]
        edges = np.concatenate([np.array(first, dtype=np.int64), starts]).astype(np.int64)
        lines = np.diff(edges)
        record_bounds = bounds[edges]
        numbers = self._line + edges[:-1]
        flags = _too_long_flags(np.maximum.reduceat(np.diff(bounds[: int(edges[-1]) + 1]), edges[:-1]))
        if first and 0 not in flags:
            flags[0] = CONTINUATION
        headings = self._headings(data, record_bounds[:-1])
        yield _batch(
            self._source, data, record_bounds, numbers, lines, self._offset, flags, headings, self._cut.text_encoding
        )
        self._advance(int(edges[-1]), int(record_bounds[-1]))
        self._carry = data[int(record_bounds[-1]) :]

    def _advance(self, lines: int, size: int) -> None:
        self._line += lines
        self._offset += size

    def _start_mask(self, data: bytes, bounds: np.ndarray) -> np.ndarray:
        if not self._cut.joins_lines:
            return np.ones(len(bounds) - 1, dtype=bool)
        texts, _ = _strings(data, bounds, {}, self._cut.text_encoding)
        if self._cut.record_start:
            return _matching(texts, self._cut.record_start)
        texts = pc.ascii_rtrim(texts, characters="\r\n")
        starts = ~_matching(texts, self._cut.continues or "")
        if self._cut.continued:
            starts[1:] &= ~_matching(texts, self._cut.continued)[:-1]
        return starts

    def _headings(self, data: bytes, starts: np.ndarray) -> pa.Array:
        """For the records that begin at ``starts``: the last line, up to its own first, that the heading pattern matched."""
        if self._cut.heading is None:
            return pa.nulls(len(starts), HEADING)
        if self._cut.heading == FIRST_LINE:
            return _repeated([self.heading], np.zeros(len(starts), np.int32))
        lines = [data[int(start) : _line_end(data, int(start))] for start in starts]
        texts = pa.array([line.decode(self._cut.text_encoding, errors="replace").rstrip("\r\n") for line in lines])
        found = _matching(texts, self._cut.heading)
        known = [self.heading, *(texts[int(place)].as_py()[:LONGEST_HEADING] for place in np.flatnonzero(found))]
        self.heading = known[-1]
        return _repeated(known, np.cumsum(found))


def _repeated(values: list[str], places: np.ndarray) -> pa.DictionaryArray:
    """A long text stands once in memory, however many records it goes with."""
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(values, pa.string()))


def _matching(texts: pa.Array, pattern: str) -> np.ndarray:
    mask: np.ndarray = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return mask


def _line_end(data: bytes, start: int) -> int:
    end = data.find(b"\n", start)
    return len(data) if end < 0 else end + 1


def as_utf8(parts: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The chunks, with UTF-16 made UTF-8; encodings that contain ASCII pass as they are."""
    is_utf16 = encoding.replace("_", "-").lower().startswith("utf-16")
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace") if is_utf16 else None
    for part in parts:
        yield decoder.decode(part).encode() if decoder else part
    if decoder and (rest := decoder.decode(b"", final=True)):
        yield rest.encode()


def _line_bounds(data: bytes, *, last: bool) -> np.ndarray:
    """Offsets 0, after each newline, and with ``last`` the end of an unfinished line."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 10) + 1
    parts: list[np.ndarray] = [np.zeros(1, dtype=np.int64), ends]
    if last and data and not data.endswith(b"\n"):
        parts.append(np.array([len(data)]))
    return np.concatenate(parts).astype(np.int64)


def _too_long_flags(lengths: np.ndarray) -> dict[int, str]:
    return {int(index): TOO_LONG for index in np.flatnonzero(lengths > LONGEST_LINE + 1)}


def _batch(
    source: RawInput,
    data: bytes,
    bounds: np.ndarray,
    line: np.ndarray,
    lines: np.ndarray,
    offset: int,
    flags: dict[int, str],
    headings: pa.Array,
    encoding: str,
) -> pa.RecordBatch:
    count = len(bounds) - 1
    texts, marks = _strings(data, bounds, flags, encoding)
    flag = pa.nulls(count, pa.string()) if not marks else pa.array([marks.get(i) for i in range(count)], pa.string())
    observed = pa.array(np.full(count, np.datetime64(source.observed, "us")))
    return pa.record_batch(
        [
            pa.array(np.full(count, source.number, np.int32)),
            pa.array(line.astype(np.int64)),
            pa.array(np.zeros(count, np.int32)),
            pa.array(lines.astype(np.int32)),
            pa.array(bounds[:-1] + offset),
            observed,
            flag,
            headings,
            pa.nulls(count, pa.string()),
            pa.nulls(count, pa.string()),
            pc.ascii_rtrim(texts, characters="\r\n"),
        ],
        schema=SCHEMA,
    )


def _strings(
    data: bytes, bounds: np.ndarray, flags: dict[int, str], encoding: str
) -> tuple[pa.StringArray, dict[int, str]]:
    """The pieces between ``bounds`` as text; undecodable bytes and NUL become U+FFFD and are flagged."""
    end = int(bounds[-1])
    if not flags and _clean(data, end, encoding):
        return pa.StringArray.from_buffers(
            len(bounds) - 1, pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(data)
        ), {}
    marks = dict(flags)
    texts = []
    for index in range(len(bounds) - 1):
        piece = data[int(bounds[index]) : int(bounds[index + 1])]
        if marks.get(index) == TOO_LONG:
            piece = piece[:KEPT_OF_TOO_LONG]
        text, mark = decoded(piece, encoding)
        if mark:
            marks.setdefault(index, mark)
        texts.append(text)
    return pa.array(texts, pa.string()), marks


def decoded(piece: bytes | bytearray, encoding: str) -> tuple[str, str | None]:
    """(text, flag): undecodable bytes and NUL become U+FFFD."""
    flag = None
    try:
        text = piece.decode(encoding)
    except UnicodeDecodeError:
        text = piece.decode(encoding, errors="replace")
        flag = INVALID_UTF8
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
        flag = flag or NUL_BYTE
    return text, flag


def _clean(data: bytes, end: int, encoding: str) -> bool:
    """Whether the first ``end`` bytes are UTF-8 without NUL; looks at all of ``data`` first, to spare a copy."""
    if data.isascii() and b"\0" not in data:
        return True
    if encoding != UTF8:
        return False
    view = data[:end]
    if b"\0" in view:
        return False
    try:
        view.decode()
    except UnicodeDecodeError:
        return False
    return True
