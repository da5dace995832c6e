"""A reverse HTTP proxy of the loopback interface that damages what its plan names and passes on the rest.

The Host header is left as it came, so signatures made for the proxy's address stay valid behind it.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "date", "server")
_SECONDS_BETWEEN_BYTES = 0.1

Kind = Literal["answer", "reset", "hang", "trickle", "truncate", "flip", "lost", "silent", "empty"]


@dataclass
class Fault:
    """What happens to the requests that ``match``, a regular expression over ``"GET /bucket/key?query"``.

    The first ``after`` of them pass, the next ``times`` (None: all) have the fault:

    =========  ========================================================================================
    answer     ``status`` with an S3 error document of ``code``, without asking the server
    reset      the connection is reset before the server is asked
    hang       nothing is answered until the proxy stops
    trickle    the server's answer, ten bytes a second
    truncate   the first half of the body, then the connection ends
    flip       one bit of the body, at its middle (``at``: at this place from its end), is another
    silent     the server does what was asked, and nothing is answered until the proxy stops
    lost       the server does what was asked, then the connection is reset
    empty      success, without the body
    =========  ========================================================================================
    """

    kind: Kind
    match: str
    times: int | None = None
    after: int = 0
    status: int = 503
    code: str = "SlowDown"
    at: int | None = None
    seen: int = 0
    injected: int = 0
    held: threading.Event = field(default_factory=threading.Event, repr=False)

    def takes(self, request: str) -> bool:
        """Count a request; whether it is one to damage."""
        if not re.search(self.match, request):
            return False
        self.seen += 1
        hit = self.seen > self.after and (self.times is None or self.injected < self.times)
        self.injected += hit
        return hit


@dataclass
class FaultProxy:
    """A running proxy: ``faults`` may be changed at any time, ``requests`` are all that came."""

    endpoint_url: str
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def fault_of(self, request: str) -> Fault | None:
        """The first fault of the plan that takes the request."""
        with self._lock:
            self.requests.append(request)
            return next((fault for fault in self.faults if fault.takes(request)), None)

    @contextlib.contextmanager
    def injecting(self, *faults: Fault) -> Iterator[None]:
        """The plan for the time of the block. At least one request must have been damaged, or the test proves nothing."""
        self.faults = list(faults)
        try:
            yield
        finally:
            self.faults = []
        for fault in faults:
            assert fault.injected, f"no request matched {fault}: there were {self.requests}"


@contextlib.contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """A proxy for the server at ``upstream`` (``http://host:port``), on a free port, in threads of this process."""
    target = urlsplit(upstream)

    class Handler(_Handler):
        server_address = (target.hostname or LOOPBACK, target.port or 80)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that give up are part of the plan."""

    server = Server((LOOPBACK, 0), Handler)
    proxy = FaultProxy(f"http://{LOOPBACK}:{server.server_port}")
    Handler.proxy = proxy
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy._stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server_address: tuple[str, int]
    proxy: FaultProxy

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def handle_request(self) -> None:
        fault = self.proxy.fault_of(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = fault.kind if fault else None
        if fault and kind == "answer":
            text = f"<Error><Code>{fault.code}</Code><Message>injected</Message></Error>".encode()
            self._answer(fault.status, [("Content-Type", "application/xml")], text)
        elif kind == "reset":
            self._reset()
        elif fault and kind == "hang":
            self._hold(fault)
        else:
            status, headers, answer = self._ask(body)
            if fault and kind == "silent":
                self._hold(fault)
            elif kind == "lost":
                self._reset()
            elif kind == "trickle":
                self._trickle(status, headers, answer)
            elif kind == "truncate":
                self._answer(status, headers, answer, sent=len(answer) // 2)
                self.close_connection = True
            elif kind == "empty":
                self._answer(status, headers, b"")
            elif fault and kind == "flip":
                self._answer(status, headers, _flipped(answer, fault.at))
            else:
                self._answer(status, headers, answer)

    def handle_expect_100(self) -> bool:
        super().handle_expect_100()
        # boto3 waits a second for it
        self.wfile.flush()
        return True

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_request

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(*self.server_address)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("connection", "expect"):
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            headers = [item for item in answer.getheaders() if item[0].lower() not in _HOP_BY_HOP]
            if self.command == "HEAD":
                headers.append(("Content-Length", answer.headers.get("Content-Length", "0")))
            return answer.status, headers, answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, sent: int | None = None) -> None:
        self._head(status, headers, len(body))
        if self.command != "HEAD":
            self.wfile.write(body[:sent])
        self.wfile.flush()

    def _head(self, status: int, headers: list[tuple[str, str]], length: int) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD" or not any(name == "Content-Length" for name, _ in headers):
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _trickle(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self._head(status, headers, len(body))
        self.wfile.flush()
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.proxy._stopped.wait(_SECONDS_BETWEEN_BYTES):
                break
        self.close_connection = True

    def _hold(self, fault: Fault) -> None:
        fault.held.set()
        self.proxy._stopped.wait()
        self.close_connection = True

    def _reset(self) -> None:
        # no lingering: the kernel sends RST instead of FIN
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


def _flipped(body: bytes, at: int | None) -> bytes:
    place = len(body) // 2 if at is None else len(body) - at
    return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
