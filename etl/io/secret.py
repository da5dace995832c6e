"""The project's secret, and the keys that are derived from it; it never leaves this module."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from etl.config import Settings
from etl.errors import ConfigError

ENV_SECRET = "LOGBUCKET_SECRET"
_BLOCK = 64
_SHORTEST = 16


@dataclass(frozen=True)
class Secret:
    """Where the secret came from, and what can be made with it."""

    origin: str
    _key: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """16 hex digits that tell secrets apart and say nothing else of them."""
        return self._derive("fingerprint").hex()[:16]

    def day_pads(self, day: date) -> tuple[bytes, bytes]:
        """(inner, outer) padded key of HMAC-SHA256 for the visitors of a day (RFC 2104): SQL has sha256, but no HMAC."""
        return pads(self.day_key(day))

    def day_key(self, day: date) -> bytes:
        """The key of a day's visitors."""
        return hmac.digest(self._key, day.isoformat().encode(), "sha256")

    def subject_pads(self) -> tuple[bytes, bytes]:
        """The same for the digests of erased subjects."""
        return pads(self._derive("erasure"))

    def subject_digest(self, value: str) -> str:
        """32 hex digits of the keyed digest by which an erased value is known."""
        return hmac.digest(self._derive("erasure"), value.encode(), "sha256").hex()[:32]

    def _derive(self, purpose: str) -> bytes:
        return hmac.digest(self._key, f"logbucket {purpose}".encode(), "sha256")


def pads(key: bytes) -> tuple[bytes, bytes]:
    """A key of at most 64 bytes, xored with the inner and the outer pad of HMAC."""
    filled = key.ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in filled), bytes(byte ^ 0x5C for byte in filled)


def load_secret(settings: Settings) -> Secret:
    """``$LOGBUCKET_SECRET``, else the secret file, which is made where there is none.

    Raises ConfigError for a secret that is too short, and for a file that cannot be read or made.
    """
    given = os.environ.get(ENV_SECRET)
    if given:
        return _checked(f"environment variable {ENV_SECRET}", given.encode())
    path = settings.secret_file
    try:
        return _checked(str(path), path.read_bytes().strip())
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ConfigError(str(path), error.strerror, "a readable file with the secret") from None
    _make(path)
    return _checked(str(path), path.read_bytes().strip())


def _checked(where: str, key: bytes) -> Secret:
    if len(key) < _SHORTEST:
        raise ConfigError(
            where, f"a secret of {len(key)} bytes", f"at least {_SHORTEST}; `openssl rand -hex 32` makes one"
        )
    return Secret(where, hashlib.sha256(key).digest())


def _make(path: Path) -> None:
    """Written beside and linked: who comes at the same time finds no file or a whole one, and never replaces one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        number = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(secrets.token_hex(32).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, path)
        finally:
            temporary.unlink()
    except FileExistsError:
        return
    except OSError as error:
        raise ConfigError(
            str(path),
            error.strerror,
            f"a folder where the secret can be made on first use; else set ${ENV_SECRET}, or secret_file at the top of sources.toml",
        ) from None
