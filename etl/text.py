"""Texts of logs and names, and numbers, made fit to be shown."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

# C0, DEL and C1, marks and overrides of direction, line separators, and halves of surrogate pairs (bytes of a file name
# that are not UTF-8): what steers a terminal, begins a line, or cannot be written
CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")
NOTHING = "–"


def visible(text: str) -> str:
    """One line, with control and direction characters as escapes: log content must not steer a terminal or forge a log line."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}" if found[0] != "\n" else " ", text)


def count(value: Any) -> str:
    """10000 → ``10,000``; a float is rounded. NULL and NaN are a dash, here and below."""
    return NOTHING if _is_nothing(value) else f"{round(value):,}"


def amount(value: Any) -> str:
    """Money as it is, with separators: no digit of a DECIMAL is lost."""
    return NOTHING if _is_nothing(value) else f"{value:,}"


def size(value: Any) -> str:
    """Bytes with decimal units: 2700000000 → ``2.7 GB``."""
    if _is_nothing(value):
        return NOTHING
    scaled = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        # 999.95 would be written as 1000.0
        if abs(scaled) < 999.5:
            return f"{scaled:.0f} {unit}" if unit == "B" or abs(scaled) >= 99.95 else f"{scaled:.1f} {unit}"
        scaled /= 1000
    return f"{scaled:,.1f} TB"


def ms(value: Any) -> str:
    """Milliseconds: ``0.4 ms``, ``120 ms``, ``1,730 ms``, from ten seconds on ``12.3 s``, from two minutes on ``3.4 min``."""
    if _is_nothing(value):
        return NOTHING
    if value >= 120_000:
        return f"{value / 60_000:,.1f} min" if value < 7_200_000 else f"{value / 3_600_000:,.1f} h"
    if value >= 10_000:
        return f"{value / 1000:,.1f} s"
    return f"{value:,.0f} ms" if value >= 99.95 else f"{value:.1f} ms"


def share(part: Any, whole: Any = 1) -> str:
    """``29%``; more digits below 10 %. What is not all is never ``100%``, what is there never ``0%``."""
    if _is_nothing(part) or _is_nothing(whole) or not whole:
        return NOTHING
    percent = 100 * float(part) / float(whole)
    if 99.5 <= percent < 100:
        return "over 99%"
    if 0 < percent < 0.005:
        return "under 0.01%"
    return f"{percent:.2f}%" if 0 < percent < 0.995 else f"{percent:.1f}%" if 0 < percent < 9.95 else f"{percent:.0f}%"


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float | Decimal) and not math.isfinite(value))


FORMATS: dict[str, Callable[[Any], str]] = {"count": count, "size": size, "ms": ms, "share": share, "amount": amount}
"""The units a table or a chart may name."""
