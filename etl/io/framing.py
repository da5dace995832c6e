"""Records that are not lines: octet-counted syslog, elements of a JSON document, lines inside a container's wrapper.

Every newline of an object is booked with exactly one record, so the books close as they do for lines: a record that
shares its line with the one before has ``lines`` 0 and a ``part`` above 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from etl.io.raw import (
    CONTINUATION,
    FIRST_LINE,
    KEPT_OF_TOO_LONG,
    LONGEST_HEADING,
    LONGEST_LINE,
    LONGEST_RECORD,
    NOT_WRAPPED,
    SCHEMA,
    TOO_LONG,
    UNFINISHED,
    UTF8,
    Cut,
    RawInput,
    Reading,
    as_utf8,
    chunks,
    decoded,
)

CRI, DOCKER = "cri", "docker"
_BOM = b"\xef\xbb\xbf"
_BATCH_ROWS, _BATCH_BYTES = 8192, 4 << 20
_CRI = re.compile(rb"(\d{4}-\d\d-\d\dT\S+) (stdout|stderr) ([A-Z])(?::\S*)?(?: (.*))?", re.DOTALL)
_DOCKER = re.compile(rb'\s*\{(?=.*"log"\s*:\s*")(?=.*"(?:stream|time)"\s*:\s*")', re.DOTALL)
_COUNT = re.compile(rb" *+(\d{1,9}) (?=<)")
_BLANK = re.compile(rb"[\r\n]*+")
_BETWEEN = re.compile(rb"[\s,\]}]*")
_REST_OF_STRING = re.compile(rb'(?:[^"\\\n]++|\\.)*+("|\n)?', re.DOTALL)
_TOKEN = re.compile(rb'"(?:[^"\\\n]++|\\.)*+"|["{}\[\]]')
_ENOUGH_WRAPPED = 0.6


def framed(inputs: Sequence[RawInput], cut: Cut, readings: dict[int, Reading]) -> Iterator[pa.RecordBatch]:
    """Record batches of the inputs, cut as ``cut`` says. Raises CorruptObject."""
    # what docker wrapped is text once its JSON is read
    rows = _Rows(UTF8 if cut.wrapper == DOCKER else cut.text_encoding)
    unwrapper: _Unwrapper | None = None
    producer = None
    for item in inputs:
        if cut.wrapper:
            if unwrapper is None or producer != item.producer:
                if unwrapper:
                    unwrapper.flush()
                unwrapper, producer = _Unwrapper(rows, cut, readings), item.producer
            steps = unwrapper.read(item)
        else:
            steps = _read_spans(_octets if cut.octets else _elements, item, cut, readings[item.number], rows)
        for _ in steps:
            yield from rows.batches()
        yield from rows.batches()
    if unwrapper:
        unwrapper.flush()
    yield from rows.batches(last=True)


def as_python(pattern: str) -> re.Pattern[str]:
    """A pattern of RE2 for Python: classes are those of ASCII, and a code point has another notation."""
    return re.compile(
        re.sub(r"\\x\{([0-9a-fA-F]+)\}", lambda found: re.escape(chr(int(found[1], 16))), pattern), re.ASCII
    )


def wrapper_of(sample: bytes) -> str | None:
    """cri or docker where most lines are wrapped so, else None."""
    lines = [line for line in sample.splitlines() if line.strip()]
    for wrapper, pattern in ((CRI, _CRI), (DOCKER, _DOCKER)):
        matching = sum(1 for line in lines if pattern.match(line))
        if lines and matching >= _ENOUGH_WRAPPED * len(lines):
            return wrapper
    return None


@dataclass
class _Record:
    source: RawInput
    line: int
    part: int
    lines: int
    offset: int
    flag: str | None
    data: bytes | bytearray
    heading: str | None = None
    stream: str | None = None
    time: str | None = None


class _Rows:
    """Collects records and hands them out as batches."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._waiting: list[_Record] = []
        self._bytes = 0

    def add(self, record: _Record) -> None:
        self._waiting.append(record)
        self._bytes += len(record.data)

    def batches(self, *, last: bool = False) -> Iterator[pa.RecordBatch]:
        full = len(self._waiting) >= _BATCH_ROWS or self._bytes >= _BATCH_BYTES
        if self._waiting and (full or last):
            found, self._waiting, self._bytes = self._waiting, [], 0
            yield self._batch(found)

    def _batch(self, records: list[_Record]) -> pa.RecordBatch:
        texts, flags = [], []
        for record in records:
            data = record.data[:KEPT_OF_TOO_LONG] if record.flag == TOO_LONG else record.data
            text, mark = decoded(data, self._encoding)
            texts.append(text.rstrip("\r\n"))
            flags.append(record.flag or mark)
        columns = [
            pa.array([record.source.number for record in records], pa.int32()),
            pa.array([record.line for record in records], pa.int64()),
            pa.array([record.part for record in records], pa.int32()),
            pa.array([record.lines for record in records], pa.int32()),
            pa.array([record.offset for record in records], pa.int64()),
            pa.array([np.datetime64(record.source.observed, "us") for record in records], pa.timestamp("us")),
            pa.array(flags, pa.string()),
            pa.array([record.heading for record in records], pa.string()).dictionary_encode(),
            pa.array([record.stream for record in records], pa.string()),
            pa.array([record.time for record in records], pa.string()),
            pa.array(texts, pa.string()),
        ]
        return pa.record_batch(columns, schema=SCHEMA)


def _parts(item: RawInput, cut: Cut, reading: Reading) -> Iterator[tuple[int, bytes]]:
    """(bytes before it, chunk) of an object as UTF-8 or an encoding that contains ASCII, without byte order mark."""
    offset = 0
    for part in as_utf8(chunks(item.path, item.number, reading), cut.encoding):
        data = part.removeprefix(_BOM) if offset == 0 else part
        offset += len(part) - len(data)
        yield offset, data
        offset += len(data)


@dataclass
class _Span:
    """A record: its first byte in the object, the line that is on, what is odd about it, and its text."""

    offset: int
    line: int
    flag: str | None
    text: bytes


class _Buffer:
    """The bytes not yet given out; positions count from its beginning, and lines are counted up to where one asks."""

    def __init__(self) -> None:
        self.data = b""
        self.base = 0
        self._counted, self._line = 0, 1

    def line_at(self, position: int) -> int:
        """The line of a position, not before the one asked for last."""
        self._line += self.data.count(b"\n", self._counted, position)
        self._counted = max(self._counted, position)
        return self._line

    def drop(self, size: int) -> None:
        """Forget the first ``size`` bytes."""
        self.line_at(size)
        self.data = self.data[size:]
        self.base += size
        self._counted -= size

    def span(self, begin: int, end: int, flag: str | None = None) -> _Span:
        """The record from ``begin`` to ``end``."""
        return _Span(self.base + begin, self.line_at(begin), flag, self.data[begin:end])


def _octets(buffer: _Buffer, more: Iterator[bytes | None], _cut: Cut) -> Iterator[_Span]:
    """RFC 6587: ``LENGTH SPACE MESSAGE``; what has no count before it is a line."""
    last = skipping = False
    while True:
        position = 0
        while position < len(buffer.data):
            if skipping:
                end = buffer.data.find(b"\n", position)
                skipping, position = end < 0, len(buffer.data) if end < 0 else end + 1
                continue
            position = _BLANK.match(buffer.data, position).end()  # type: ignore[union-attr]
            if position == len(buffer.data):
                break
            counted = _COUNT.match(buffer.data, position)
            if counted and int(counted[1]) <= LONGEST_RECORD:
                begin, end = counted.end(), counted.end() + int(counted[1])
                if end > len(buffer.data) and not last:
                    break
                yield buffer.span(begin, end, UNFINISHED if end > len(buffer.data) else None)
                position = min(end, len(buffer.data))
            else:
                end = buffer.data.find(b"\n", position)
                if end < 0 and not last and len(buffer.data) - position <= LONGEST_LINE:
                    break
                skipping = end < 0 and not last
                end = len(buffer.data) if end < 0 else end
                if buffer.data[position:end].strip():
                    yield buffer.span(position, end, TOO_LONG if end - position > LONGEST_LINE else None)
                position = end + 1
        buffer.drop(min(position, len(buffer.data)))
        if last:
            return
        last = not _filled(buffer, more)


def _elements(buffer: _Buffer, more: Iterator[bytes | None], cut: Cut) -> Iterator[_Span]:
    """The objects in the array under a key of a JSON document; a document without it is one record, as is each of
    several documents after one another. What is no JSON is a record by line."""
    key = re.compile(cut.elements or "")
    scan = _Scan()
    last = skipping = False
    position = 0
    while True:
        while position < len(buffer.data):
            if skipping:
                end = buffer.data.find(b"\n", position)
                skipping, position = end < 0, len(buffer.data) if end < 0 else end
                continue
            if not scan.stack:
                position = _BETWEEN.match(buffer.data, position).end()  # type: ignore[union-attr]
                if buffer.data[position : position + 1] not in (b"{", b"["):
                    end = buffer.data.find(b"\n", position)
                    is_long = (end if end >= 0 else len(buffer.data)) - position > LONGEST_LINE
                    if (end < 0 and not last and not is_long) or position == len(buffer.data):
                        break
                    skipping = end < 0 and not last
                    end = len(buffer.data) if end < 0 else end
                    yield buffer.span(position, end, TOO_LONG if is_long else None)
                    position = end
                    continue
            if scan.in_long_string:
                rest = _REST_OF_STRING.match(buffer.data, position)
                assert rest is not None
                position, scan.in_long_string = rest.end(), rest[1] is None
                if scan.in_long_string:
                    break
            token = _TOKEN.search(buffer.data, position)
            if token is None:
                position = len(buffer.data)
            elif token[0] == b'"' and not last and buffer.data.find(b"\n", token.start()) < 0:
                # the string goes on in the next chunk
                scan.in_long_string = len(buffer.data) - scan.begin > LONGEST_RECORD
                position = token.end() if scan.in_long_string else token.start()
                if scan.in_long_string:
                    continue
                break
            else:
                here, position = token.start(), token.end()
                if scan.is_broken_before(buffer.data, here):
                    if scan.is_in_record:
                        yield buffer.span(scan.begin, here, UNFINISHED)
                    scan.restart()
                if scan.step(token[0], here, key):
                    yield buffer.span(scan.begin, position)
        if last:
            if scan.stack and scan.is_in_record:
                yield buffer.span(scan.begin, len(buffer.data), UNFINISHED)
            return
        if scan.stack and scan.is_in_record and position - scan.begin > LONGEST_RECORD:
            yield buffer.span(scan.begin, position, TOO_LONG)
            scan.given = True
        kept = min(position, scan.begin) if scan.stack and scan.is_in_record else position
        buffer.drop(kept)
        position, scan.begin = position - kept, scan.begin - kept
        last = not _filled(buffer, more)


@dataclass
class _Scan:
    """Where in a JSON document one is: open brackets, the begin of the present record, whether it was given out."""

    stack: list[bytes] = field(default_factory=list)
    begin: int = 0
    name: bytes = b""
    selected: bool = False
    element: bool = False
    seen: bool = False
    given: bool = False
    in_long_string: bool = False

    @property
    def is_in_record(self) -> bool:
        """Whether the present position belongs to a record that has not been given out."""
        return not self.given and (self.element or not self.seen)

    def is_broken_before(self, data: bytes, here: int) -> bool:
        """Whether an object begins at ``here`` where none can: the one around it was never closed."""
        if not self.stack or self.stack[-1] != b"{" or data[here : here + 1] != b"{":
            return False
        before = here - 1
        while before >= 0 and data[before] in b" \t\r\n":
            before -= 1
        return before >= 0 and data[before] != ord(":")

    def restart(self) -> None:
        """Go on as if the record had been closed."""
        self.stack = self.stack[: 1 if self.stack[0] == b"[" else 2] if self.element else []
        self.element = False

    def step(self, token: bytes, here: int, key: re.Pattern[str]) -> bool:
        """Take a token; True where it ends a record."""
        if token in (b"{", b"["):
            if not self.stack:
                self.begin, self.seen, self.selected, self.given = here, False, False, False
            elif token == b"[" and self.stack == [b"{"]:
                self.selected = bool(key.fullmatch(self.name.decode(errors="replace")))
            if token == b"{" and self._holds_elements():
                self.begin, self.element, self.given = here, True, False
            self.stack.append(token)
            return False
        if token not in (b"}", b"]"):
            if len(self.stack) == 1:
                self.name = token[1:-1]
            return False
        if not self.stack or (self.stack[-1] == b"[") != (token == b"]"):
            # a bracket too many closes nothing
            return False
        self.stack.pop()
        if self.element and self._holds_elements():
            self.element, self.seen = False, True
            return not self.given
        return not self.stack and not self.seen and not self.given

    def _holds_elements(self) -> bool:
        return self.stack == [b"["] or (self.selected and self.stack == [b"{", b"["])


def _filled(buffer: _Buffer, more: Iterator[bytes | None]) -> bool:
    piece = next(more, None)
    if piece is None:
        return False
    buffer.data += piece
    return True


def _read_spans(
    spans: Callable[[_Buffer, Iterator[bytes | None], Cut], Iterator[_Span]],
    item: RawInput,
    cut: Cut,
    reading: Reading,
    rows: _Rows,
) -> Iterator[None]:
    """Adds the object's records to ``rows``; a newline belongs to the record that began before it."""
    total, tail, start = 0, b"", 0

    def counted() -> Iterator[bytes | None]:
        nonlocal total, tail, start
        for number, (offset, piece) in enumerate(_parts(item, cut, reading)):
            start = start if number else offset
            total += piece.count(b"\n")
            tail = piece[-1:] or tail
            yield piece

    held: _Record | None = None
    part, booked = 0, 1
    for span in spans(_Buffer(), counted(), cut):
        if held:
            part = part + 1 if held.line == span.line else 0
            held.lines, booked = span.line - booked, span.line
            rows.add(held)
            yield None
        held = _Record(item, span.line, part, 0, start + span.offset, span.flag, span.text)
    lines = total + (tail not in (b"", b"\n"))
    if held or lines:
        last = held or _Record(item, 1, 0, 0, 0, None, b"")
        last.lines = lines + 1 - booked
        rows.add(last)
    reading.lines = lines


# --- wrappers -------------------------------------------------------------------------------------------------------


@dataclass
class _Logical:
    """A line as its program wrote it: put together of the parts that the container runtime cut it into."""

    source: RawInput
    line: int
    lines: int
    offset: int
    time: str
    parts: list[bytes]
    size: int


@dataclass
class _Stream:
    """What one stream (stdout, stderr) of a producer has not finished yet."""

    partial: _Logical | None = None
    record: _Record | None = None
    heading: str | None = None
    is_continued: bool = False


class _Unwrapper:
    """Takes the wrapper off the lines of one producer's objects and cuts records of what was in it, stream by stream."""

    def __init__(self, rows: _Rows, cut: Cut, readings: dict[int, Reading]) -> None:
        self._rows, self._cut, self._readings = rows, cut, readings
        self._start = as_python(cut.record_start or cut.continues or "")
        self._continued = as_python(cut.continued) if cut.continued else None
        self._heading = as_python(cut.heading) if cut.heading and cut.heading != FIRST_LINE else None
        self._streams: dict[str, _Stream] = {}

    def read(self, item: RawInput) -> Iterator[None]:
        """Add the object's complete records to the rows."""
        reading = self._readings[item.number]
        number, carry, overlong = 0, b"", 0
        position = 0
        for offset, piece in _parts(item, self._cut, reading):
            if not carry and not overlong:
                position = offset
            data = carry + piece
            begin = 0
            while (end := data.find(b"\n", begin)) >= 0:
                number += 1
                self._line(item, number, position, data[begin:end], overlong > 0 or end - begin > LONGEST_LINE)
                position += overlong + end + 1 - begin
                begin, overlong = end + 1, 0
            carry = data[begin:]
            if len(carry) > LONGEST_LINE:
                overlong += len(carry) - KEPT_OF_TOO_LONG
                carry = carry[:KEPT_OF_TOO_LONG]
            yield None
        if carry:
            number += 1
            self._line(item, number, position, carry, overlong > 0)
        reading.lines = number

    def flush(self) -> None:
        """Give out what waited for more; no more will come."""
        for name, stream in self._streams.items():
            if stream.partial:
                self._complete(name, stream, stream.partial)
        waiting = [stream.record for stream in self._streams.values() if stream.record]
        for record in sorted(waiting, key=lambda item: (item.source.number, item.line)):
            self._rows.add(record)
        self._streams.clear()

    def _line(self, item: RawInput, number: int, offset: int, raw: bytes, too_long: bool) -> None:
        found = None if too_long else self._unwrap(raw)
        if found is None:
            flag = TOO_LONG if too_long else NOT_WRAPPED if raw.strip() else None
            self._rows.add(_Record(item, number, 0, 1, offset, flag, raw))
            return
        name, time, text, complete = found
        stream = self._streams.setdefault(name, _Stream())
        logical = stream.partial or _Logical(item, number, 0, offset, time, [], 0)
        self._take(logical.source, item, 1)
        logical.lines += 1
        if text:
            logical.parts.append(text)
        logical.size += len(text)
        if complete or logical.size > LONGEST_LINE:
            stream.partial = None
            self._complete(name, stream, logical)
        else:
            stream.partial = logical

    def _take(self, owner: RawInput, item: RawInput, lines: int) -> None:
        """Book lines of one object to a record that began in another."""
        if owner.number != item.number:
            self._readings[owner.number].joined_in += lines
            self._readings[item.number].joined_out += lines

    def _complete(self, name: str, stream: _Stream, logical: _Logical) -> None:
        data = b"".join(logical.parts)
        encoding = UTF8 if self._cut.wrapper == DOCKER else self._cut.text_encoding
        text = data.decode(encoding, errors="replace").rstrip("\r\n")
        is_first = self._cut.heading == FIRST_LINE and stream.heading is None
        if is_first or (self._heading and self._heading.search(text)):
            stream.heading = text[:LONGEST_HEADING]
        starts = self._starts(text) and not stream.is_continued
        stream.is_continued = bool(self._continued and self._continued.search(text))
        if stream.record and not starts and len(stream.record.data) + len(data) <= LONGEST_RECORD:
            self._take(stream.record.source, logical.source, logical.lines)
            stream.record.lines += logical.lines
            stream.record.data += b"\n" + data
            return
        flag = None if starts else CONTINUATION
        record = _Record(
            logical.source,
            logical.line,
            0,
            logical.lines,
            logical.offset,
            flag,
            bytearray(data),  # grows line by line
            stream.heading,
            name,
            logical.time or None,
        )
        if stream.record:
            self._rows.add(stream.record)
        stream.record = record if self._cut.joins_lines else None
        if not self._cut.joins_lines:
            self._rows.add(record)

    def _starts(self, text: str) -> bool:
        if not self._cut.joins_lines:
            return True
        found = bool(self._start.search(text))
        return found if self._cut.record_start else not found

    def _unwrap(self, raw: bytes) -> tuple[str, str, bytes, bool] | None:
        """(stream, time, text, whether it ends a line); None where the line is not wrapped as declared."""
        if self._cut.wrapper == CRI:
            found = _CRI.fullmatch(raw.rstrip(b"\r"))
            if not found:
                return None
            return found[2].decode(), found[1].decode(errors="replace"), found[4] or b"", found[3] != b"P"
        try:
            entry = json.loads(raw.decode(self._cut.text_encoding, errors="replace"))
        except (ValueError, RecursionError):
            return None
        if not isinstance(entry, dict) or not isinstance(entry.get("log"), str):
            return None
        text = entry["log"].encode(errors="replace")
        name, time = str(entry.get("stream") or ""), str(entry.get("time") or "")
        return name, time, text.removesuffix(b"\n"), text.endswith(b"\n")
