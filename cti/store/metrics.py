"""What the worker counts, for ``/metrics``: numbers only, no names of people or calls."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


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
