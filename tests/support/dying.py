"""Work that dies at a step, as a process does that is killed: nothing after it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest


@contextmanager
def dying(module: ModuleType, step: str, *, after: bool = False) -> Iterator[None]:
    """What is done within has to die where it calls this function of the module, or ``after`` that is done."""
    function = getattr(module, step)

    def die(*arguments: Any, **options: Any) -> None:
        if after:
            function(*arguments, **options)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, step, die)
        yield
