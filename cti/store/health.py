"""The worker's ``/metrics`` and ``/healthz``, served by a small thread; numbers only, no names of people or calls."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest


@dataclass(slots=True)
class WorkerMetrics:
    """One registry a worker, so that several may live in one process."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    events: Counter = field(init=False)
    dead: Counter = field(init=False)
    batch: Histogram = field(init=False)
    waiting: Gauge = field(init=False)
    database_up: Gauge = field(init=False)
    active: Gauge = field(init=False)
    recordings: Gauge = field(init=False)
    disk_full: Gauge = field(init=False)

    def __post_init__(self) -> None:
        r = self.registry
        self.events = Counter("callyard_worker_events", "durable events stored", registry=r)
        self.dead = Counter("callyard_worker_dead_letters", "durable events that could not be stored", registry=r)
        self.batch = Histogram("callyard_worker_batch_seconds", "time to store one batch", registry=r)
        self.waiting = Gauge("callyard_worker_waiting_events", "durable events not stored yet", registry=r)
        self.database_up = Gauge("callyard_worker_database_up", "1 while the database takes writes", registry=r)
        self.active = Gauge("callyard_worker_active", "1 while this worker holds the lease", registry=r)
        self.recordings = Gauge(
            "callyard_worker_recordings", "recordings handled since the start", ["result"], registry=r
        )
        self.disk_full = Gauge("callyard_worker_disk_full", "1 while recordings wait for disk space", registry=r)


class HealthServer:
    """``healthy`` gives what ``/healthz`` says: status 200 when every value is true, else 503."""

    def __init__(
        self, host: str, port: int, registry: CollectorRegistry, healthy: Callable[[], dict[str, bool]]
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._reply(200, CONTENT_TYPE_LATEST, generate_latest(registry))
                elif self.path == "/healthz":
                    state = healthy()
                    self._reply(200 if all(state.values()) else 503, "application/json", json.dumps(state).encode())
                else:
                    self._reply(404, "text/plain", b"not here\n")

            def _reply(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Scrapes are not worth a line each."""

        Handler.timeout = 5
        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
