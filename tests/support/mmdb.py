"""A small writer of MaxMind DB files, version 2.0 of the format: search tree, data, metadata."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

_MARKER = b"\xab\xcd\xefMaxMind.com"
_BUILT = 1_795_132_800  # 2026-11-20


def write_mmdb(path: Path, kind: str, records: dict[str, Any], ip_version: int = 6, built: int = _BUILT) -> Path:
    """Write ``records`` (network → what is said of it, text, number, list or table); networks must not overlap."""
    data = b""
    # each node is [record for bit 0, record for bit 1]; a record is a node, the place of data, or nothing
    tree: list[list[int | bytes | None]] = [[None, None]]
    for network, said in sorted(records.items()):
        parsed = ip_network(network)
        bits = f"{int(parsed.network_address):0{parsed.max_prefixlen}b}"[: parsed.prefixlen]
        if parsed.version == 4 and ip_version == 6:
            bits = "0" * 96 + bits
        node = 0
        for bit in map(int, bits[:-1]):
            below = tree[node][bit]
            if not isinstance(below, int):
                tree.append([None, None])
                below = tree[node][bit] = len(tree) - 1
            node = below
        tree[node][int(bits[-1])] = len(data).to_bytes(8, "big")
        data += _encoded(said)
    metadata = {
        "node_count": _number(6, len(tree)), "record_size": _number(5, 32), "ip_version": _number(5, ip_version),
        "binary_format_major_version": _number(5, 2), "binary_format_minor_version": _number(5, 0), "build_epoch": _number(9, built),
        "database_type": kind, "languages": ["en"], "description": {"en": "test"},
    }  # fmt: skip
    nodes = b"".join(_record(side, len(tree)) for node in tree for side in node)
    path.write_bytes(nodes + bytes(16) + data + _MARKER + _encoded(metadata))
    return path


def _record(side: int | bytes | None, nodes: int) -> bytes:
    value = nodes if side is None else side if isinstance(side, int) else nodes + 16 + int.from_bytes(side, "big")
    return value.to_bytes(4, "big")


def _encoded(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        text = value.encode()
        return _control(2, len(text)) + text
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(_encoded(key) + _encoded(item) for key, item in value.items())
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(_encoded, value))
    return _number(6, value)


def _number(kind: int, value: int) -> bytes:
    """Kind 5, 6 or 9: unsigned of 2, 4 or 8 bytes, without leading zeros."""
    number = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _control(kind, len(number)) + number


def _control(kind: int, size: int) -> bytes:
    if size >= 29:
        head, more = 29, bytes([size - 29])
    else:
        head, more = size, b""
    return (bytes([kind << 5 | head]) if kind <= 7 else bytes([head, kind - 7])) + more
