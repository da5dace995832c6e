"""Channels: where messages go, through Apprise. Text only, one message each, whatever the channel would make of it."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from etl.config import REFERENCE, Notify
from etl.text import visible

_KINDS = {"info": "info", "warning": "warning", "critical": "failure"}
_LONGEST_PROBLEM = 200


@dataclass(frozen=True)
class Channel:
    """One Apprise URL as it stands in ``sources.toml``, secrets not filled in."""

    url: str

    @property
    def identity(self) -> str:
        """By what it is known in the lake: no secret can be read from it."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """How logs call it: the kind of channel, or the variable it stands in."""
        scheme, separator, _ = self.url.partition("://")
        return f"{scheme}://…" if separator else self.url

    def send(self, title: str, body: str, severity: str, environ: Mapping[str, str] | None = None) -> str | None:
        """Send one message; returns None, or why it was not taken, without secrets."""
        values = os.environ if environ is None else environ
        names = REFERENCE.findall(self.url)
        if missing := [name for name in names if not values.get(name)]:
            return f"{self.name}: environment variable {missing[0]} is not set"
        secrets = [values[name] for name in names]
        is_whole = REFERENCE.fullmatch(self.url) is not None
        url = REFERENCE.sub(lambda found: values[found[1]] if is_whole else quote(values[found[1]], safe=""), self.url)
        problem = _send(url, title, body, severity)
        for secret in (url, *secrets, *(quote(item, safe="") for item in secrets)):
            problem = problem.replace(secret, "…") if problem else problem
        return f"{self.name}: {visible(problem)[:_LONGEST_PROBLEM]}" if problem is not None else None


def channels(notify: Notify) -> list[Channel]:
    """The channels of a source, each once."""
    return [Channel(url) for url in dict.fromkeys(notify.urls)]


def _send(url: str, title: str, body: str, severity: str) -> str | None:
    import apprise

    asset = apprise.AppriseAsset(app_id="logbucket", app_desc="logbucket", app_url="", async_mode=False)
    # of two settings of one name in a URL the last counts
    separator = "&" if "?" in url else "?"
    said = _Said()
    logger = logging.getLogger("apprise")
    logger.addHandler(said)
    passes_on, logger.propagate = logger.propagate, False
    try:
        service = apprise.Apprise.instantiate(f"{url}{separator}format=text&overflow=truncate&emojis=no", asset=asset)
        if service is None:
            return "Apprise does not understand this URL"
        sender = apprise.Apprise(asset=asset)
        sender.add(service)
        kind = apprise.NotifyType(_KINDS[severity])
        sent = sender.notify(body=body, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT)
    except Exception as error:
        # a plugin for any of a hundred services: whatever it raises must not keep the others from being told
        return f"{type(error).__name__}: {error}"
    finally:
        logger.removeHandler(said)
        logger.propagate = passes_on
    return None if sent else said.last or "not delivered"


class _Said(logging.Handler):
    """Remembers the last warning."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()
