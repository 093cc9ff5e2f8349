"""The published call over HTTP, on this machine alone."""

from __future__ import annotations

import contextlib
import hmac
import json
import re
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HEADER = "fios-session"
_PATH = re.compile(r"/jss/domains/azureblob/([A-Za-z0-9._-]{1,128})/pitrstatus")
IDLE_S = 60.0
"""A connection on which nothing comes for so long is closed."""

Answer = Callable[[str], dict[str, Any] | None]
"""Domain id -> the answer; None: no such domain. Raises TimeoutError, OSError when it cannot be had."""


class ApplianceServer:
    """Listens on 127.0.0.1 until `close`; `answer` is called in threads. Raises OSError for a taken port."""

    def __init__(
        self, port: int, session: str, answer: Answer, cert: Path | None = None, key: Path | None = None
    ) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(session, answer))
        self._server.daemon_threads = True
        scheme = "http"
        if cert is not None:
            scheme = "https"
            try:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(cert, key)
            except OSError:
                self._server.server_close()
                raise
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(session: str, answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "drdeck-training", ""
        disable_nagle_algorithm = True
        timeout = IDLE_S

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # who asked is gone
                super().handle()

        def do_GET(self) -> None:
            status, body = self._answer()
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _answer(self) -> tuple[int, dict[str, Any]]:
            path = _PATH.fullmatch(self.path)
            offered = self.headers.get(HEADER, "")
            if not hmac.compare_digest(offered.encode("utf-8", "replace"), session.encode()):
                return 401, {"message": f"the header {HEADER} holds no valid session"}
            if path is None:
                return 404, {"message": "only GET /jss/domains/azureblob/DOMAIN-ID/pitrstatus is answered"}
            try:
                body = answer(path[1])
            except (TimeoutError, OSError) as error:
                return 503, {"message": f"the training site cannot be asked now: {error}"}
            return (404, {"message": "no domain has this id"}) if body is None else (200, body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: stderr is the operator's."""

    return Handler
