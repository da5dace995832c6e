"""Text of logs and names, made fit to be shown."""

from __future__ import annotations

import re

# C0, DEL and C1, marks and overrides of direction, line separators, and halves of surrogate pairs (bytes of a file name
# that are not UTF-8): what steers a terminal, begins a line, or cannot be written
CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")


def visible(text: str) -> str:
    """One line, with control and direction characters as escapes: log content must not steer a terminal or forge a log line."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}" if found[0] != "\n" else " ", text)
