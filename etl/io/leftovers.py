"""What writers and readers that were killed left in the folder of a lake, where no listing shows it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from etl.io.snapshot import remove_abandoned
from etl.io.store import LocalStore, Store

# no object takes an hour to be copied, no query of another machine a week
_WRITTEN_SECONDS, _READ_SECONDS = 3600, 7 * 24 * 3600


def remove_leftovers(lake: Store) -> None:
    """Remove temporary files of writers, and snapshots of readers, that are there no more; nothing happens on S3, which has none."""
    if not isinstance(lake, LocalStore):
        return
    root = Path(lake.root)
    for path in root.rglob(".*.tmp"):
        if _is_older(path, _WRITTEN_SECONDS):
            path.unlink(missing_ok=True)
    hidden = root / ".snapshots"
    if hidden.is_dir():
        remove_abandoned(hidden)
        for folder in hidden.iterdir():
            if _is_older(folder, _READ_SECONDS):
                shutil.rmtree(folder, ignore_errors=True)


def _is_older(path: Path, seconds: float) -> bool:
    try:
        return path.lstat().st_mtime < time.time() - seconds
    except FileNotFoundError:
        # its owner was faster
        return False
