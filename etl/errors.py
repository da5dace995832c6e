"""Every error logbucket raises.

    EtlError                       exit code 1
    ├── ConfigError                exit code 2   sources.toml, an option or a name is wrong; a retry cannot help
    ├── StatementError             exit code 2   a file under sql/ breaks its contract
    ├── StoreError
    │   ├── StoreUnavailable       retried       the store did not answer, or answered with a passing failure
    │   │   └── ContentDamaged     retried       what it sent is not what was written
    │   ├── StoreRefused           not retried   credentials (retried where they expired), permissions, a missing bucket or folder
    │   ├── ObjectMissing          not retried   the named object does not exist
    │   ├── ObjectChanged          retried       the object was replaced while it was read
    │   └── ObjectCorrupt          not retried   an object of the lake is not what was written there
    ├── ScratchUnavailable         retried       the scratch folder is full or its disk fails
    ├── QuarantineLimitExceeded    exit code 3   too many lines of a shard were rejected; nothing was written
    ├── BooksDoNotClose            not retried   lines or rows are missing, or are there twice
    ├── CheckFailed                not retried   a statement of sql/checks returned violations
    └── NotDelivered               not retried   a channel took no message; the next digest sends it again

A rejected line is a value, never an exception: it lands in quarantine with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from etl.text import visible


class EtlError(Exception):
    """Base of all errors. The message says what happened, where, what was expected and what to do next.

    It may quote logs and names of objects, and goes to terminals and logs: as text it is one line without control characters.
    """

    exit_code = 1
    retryable = False

    def __str__(self) -> str:
        return visible(super().__str__())


class ConfigError(EtlError):
    """A setting is wrong.

    ``where`` names file and key, ``value`` is what stands there, ``expected`` what is allowed.
    """

    exit_code = 2

    def __init__(self, where: str, value: object, expected: str) -> None:
        self.where, self.value, self.expected = where, value, expected
        super().__init__(f"{where}: {value!r} is not usable; expected {expected}")


class StatementError(EtlError):
    """A SQL file does not keep the contract of its folder."""

    exit_code = 2


class StoreError(EtlError):
    """Something about the object store."""


class StoreUnavailable(StoreError):
    """The store failed in a way that may pass; the task is retried."""

    retryable = True


class ContentDamaged(StoreUnavailable):
    """The bytes that arrived are not those that were written, on their way or in the store."""


class StoreRefused(StoreError):
    """The store answered, and the answer is no: credentials, permission, or no such bucket or folder."""


class ObjectMissing(StoreError):
    """The named object does not exist."""


class ObjectChanged(StoreError):
    """An object was replaced between listing and reading; the next attempt reads the new one."""

    retryable = True


class ObjectCorrupt(StoreError):
    """An object of the lake does not hold what its own digest says; the audit repairs it."""

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(
            f"{uri}: {problem}; expected the bytes that logbucket wrote. Run `etl audit --repair`: it is computed again."
        )


class ScratchUnavailable(EtlError):
    """The folder of scratch files cannot be written; the task is retried."""

    retryable = True

    def __init__(self, path: object, problem: object) -> None:
        super().__init__(
            f"{path}: cannot write a scratch file: {problem}. Nothing of this step was stored. Make space there, or set "
            "LOGBUCKET_TMP to a larger folder, and run again."
        )


class QuarantineLimitExceeded(EtlError):
    """More lines of a shard were rejected than its source allows; nothing of the shard was written."""

    exit_code = 3

    def __init__(
        self, where: str, quarantined: int, lines: int, limit: str, reasons: Sequence[tuple[str, int, str]]
    ) -> None:
        self.where, self.quarantined, self.lines, self.reasons = where, quarantined, lines, tuple(reasons)
        listed = "; ".join(f"{count} x {reason} (first: {sample})" for reason, count, sample in reasons)
        super().__init__(
            f"{where}: {quarantined} of {lines} lines were rejected, more than quarantine_limit {limit}. "
            f"Nothing of this shard was written. Reasons: {listed}. "
            "Look at them with `etl parse --rejects FILE <object>`, then correct the format or the setting that a reason names "
            "in sources.toml, or raise quarantine_limit, and run again."
        )


class BooksDoNotClose(EtlError):
    """The numbers of an object or a partition do not add up."""


class CheckFailed(EtlError):
    """A check returned violations."""


class NotDelivered(EtlError):
    """Some channels took no message; what they missed is remembered."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            f"source {source}: {'; '.join(problems)}. What these channels missed is remembered and sent by the next digest; "
            "the others have it. Correct [notify] of sources.toml or the channel."
        )
