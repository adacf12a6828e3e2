"""``/metrics`` and ``/healthz`` of a process, over HTTP from a thread of its own. Knows nothing of what it reports."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

Health = Callable[[], dict[str, Any]]


def serve_status(host: str, port: int, registry: CollectorRegistry, health: Health) -> Callable[[], None]:
    """Serve until the returned function is called.

    ``health`` gives a JSON object; ``{"ok": false}`` in it answers 503. Raises ``OSError`` when the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._send(200, "text/plain; version=0.0.4; charset=utf-8", generate_latest(registry))
            elif self.path == "/healthz":
                state = health()
                self._send(200 if state.get("ok") else 503, "application/json", json.dumps(state).encode())
            else:
                self._send(404, "text/plain", b"not found\n")

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Scrapes are not news."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="status", daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return stop
