"""The PNG with a palette that keeps the pictures in docs/images small."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from deploy.screenshots import with_palette


def test_few_colours_are_kept_and_of_many_the_rarest_become_the_nearest() -> None:
    few = np.array([[[1, 2, 3], [250, 0, 0]], [[1, 2, 3], [0, 0, 250]], [[9, 9, 9], [1, 2, 3]]], np.uint8)
    assert (decoded(with_palette(few)) == few).all()
    greys = np.repeat(np.arange(256, dtype=np.uint8), 2).reshape(16, 32, 1).repeat(3, axis=2)
    greys[0, 0] = [255, 255, 250]
    shown = decoded(with_palette(greys))
    assert shown[0, 0].tolist() == [253, 253, 253]
    assert (shown[0, 1:] == greys[0, 1:]).all() and (shown[1:] == greys[1:]).all()


def test_a_small_coloured_dot_keeps_its_colour_among_hundreds_of_greys() -> None:
    shades = np.array([[value, value, min(255, value + tint)] for value in range(256) for tint in range(3)], np.uint8)
    picture = np.vstack([np.repeat(shades, 9, axis=0), [[200, 30, 20]]]).astype(np.uint8).reshape(1, -1, 3)
    assert decoded(with_palette(picture))[0, -1].tolist() == [200, 30, 20]


def decoded(png: bytes) -> np.ndarray:
    """The pixels of a PNG that has a palette and no filters."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, rest = {}, png[8:]
    while rest:
        length, kind = struct.unpack(">I4s", rest[:8])
        data = rest[8 : 8 + length]
        assert struct.unpack(">I", rest[8 + length : 12 + length])[0] == zlib.crc32(kind + data)
        chunks[kind], rest = data, rest[12 + length :]
    width, height, *kind_of_pixels = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert kind_of_pixels == [8, 3, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    return np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)[rows[:, 1:]]
