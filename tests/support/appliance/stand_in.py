"""A stand-in for the appliance: a small HTTPS server that checks the header, and misbehaves when told to."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CERTIFICATE, KEY = HERE / "certificate.pem", HERE / "key.pem"
"""Of 127.0.0.1, signed by itself, for tests alone."""
SESSION = "52a1b2c3-canary-session-9f3e-0011"
PIECE = b"x" * 65536


class Reply:
    """One way to answer: JSON of `body`, or bytes as they are, with a status and headers.

    `declared`: tell this length instead of the true one. `pieces`: sent one after another until the client
    goes. `waits`: an event that is waited for before anything is sent, and between pieces.
    """

    def __init__(
        self,
        body: Any = None,
        status: int = 200,
        headers: dict[str, str] | None = None,
        pieces: Iterable[bytes] | None = None,
        waits: threading.Event | None = None,
    ) -> None:
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status, self.headers, self.pieces, self.waits = status, headers or {}, pieces, waits


class StandIn:
    """Answers for each domain id out of `replies`: the last one again and again. Ends with `stop`."""

    def __init__(self, tls: bool = True, port: int = 0) -> None:
        self.replies: dict[str, list[Reply]] = {}
        self.accepts: Callable[[str], bool] = lambda session: session == SESSION
        self.instead: Reply | None = None
        """given to whatever is asked"""
        self.requests: list[tuple[str, str]] = []
        """path and session id of each request"""
        self.at_once = self.most_at_once = 0
        self.hold = threading.Event()
        self.hold.set()
        """cleared: no answer leaves"""
        self.connections = 0
        self._lock = threading.Lock()
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE, KEY)
            # the handshake is made where the request is read: a client that gives up must not stop others
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = int(self._server.server_address[1])
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def say(self, ident: str, *replies: Reply | dict[str, Any]) -> None:
        """From now on these are the answers about a domain, one after another; the last one stays."""
        with self._lock:
            self.replies[ident] = [r if isinstance(r, Reply) else Reply(r) for r in replies]

    def count(self, ident: str = "") -> int:
        """How often was asked, about one domain or all."""
        return sum(ident in path for path, _ in self.requests)

    def stop(self) -> None:
        self.ended.set()
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _reply(self, path: str, session: str) -> Reply:
        with self._lock:
            self.requests.append((path, session))
            if self.instead is not None:
                return self.instead
            if not self.accepts(session):
                return Reply({"message": "the session is not valid"}, 401)
            begin, end = "/jss/domains/azureblob/", "/pitrstatus"
            ident = path.removeprefix(begin).removesuffix(end)
            if path != f"{begin}{ident}{end}" or ident not in self.replies:
                return Reply({"message": "not found"}, 404)
            its = self.replies[ident]
            return its.pop(0) if len(its) > 1 else its[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle(self) -> None:
                with stand_in._lock:
                    stand_in.connections += 1
                with contextlib.suppress(OSError):
                    super().handle()

            def do_GET(self) -> None:
                if stand_in.ended.is_set():  # on a connection that was kept
                    self.close_connection = True
                    return
                with stand_in._lock:
                    stand_in.at_once += 1
                    stand_in.most_at_once = max(stand_in.most_at_once, stand_in.at_once)
                try:
                    reply = stand_in._reply(self.path, self.headers.get("fios-session", ""))
                    stand_in.hold.wait()
                    self._send(reply)
                finally:
                    with stand_in._lock:
                        stand_in.at_once -= 1

            def _send(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                if reply.pieces is None:
                    self.send_header("Content-Length", str(len(reply.body)))
                else:
                    self.send_header("Connection", "close")
                    self.close_connection = True
                self.end_headers()
                if reply.pieces is None:
                    self.wfile.write(reply.body)
                    return
                for piece in reply.pieces:
                    self.wfile.write(piece)
                    if reply.waits is not None and reply.waits.wait(0.05):
                        return
                    if stand_in.ended.is_set():
                        return

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: what was asked stands in `asked`."""

        return Handler


def endless() -> Iterable[bytes]:
    """An answer that has no end in sight: more than 50 MB, which is not told before."""
    for _ in range(800):
        yield PIECE


def trickle() -> Iterable[bytes]:
    """A byte at a time."""
    while True:
        yield b" "
