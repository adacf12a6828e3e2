"""The engine's numbers for Prometheus, read from the centre when they are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cti.bus.base import Bus
from cti.services.engine import Engine
from cti.switches.base import Queued


class EngineCollector(Collector):
    def __init__(self, engine: Engine, bus: Bus, queued: Sequence[Queued]) -> None:
        self._engine = engine
        self._bus = bus
        self._queued = queued

    def collect(self) -> Iterator[Metric]:
        centre = self._engine.centre
        yield GaugeMetricFamily("callyard_calls", "Calls alive", value=len(centre.calls))
        waiting = GaugeMetricFamily("callyard_queue_waiting", "Calls waiting", labels=["queue"])
        for queue in list(centre.queues.values()):
            waiting.add_metric([queue.config.number], len(queue))
        yield waiting
        agents = GaugeMetricFamily("callyard_agents", "Agents by state", labels=["state"])
        for state, count in Counter(str(a.state) for a in list(centre.agents.values())).items():
            agents.add_metric([state], count)
        yield agents
        up = GaugeMetricFamily("callyard_switch_up", "Whether the switch is connected", labels=["switch"])
        for name, status in centre.switches.items():
            up.add_metric([name], float(status.up and status.reconciled))
        yield up
        waits = GaugeMetricFamily("callyard_switch_events_waiting", "Events read, not told yet", labels=["switch"])
        most = GaugeMetricFamily("callyard_switch_events_waiting_most", "Since the connect", labels=["switch"])
        for switch in self._queued:
            for family, value in zip((waits, most), switch.backlog(), strict=True):
                family.add_metric([switch.name], value)
        yield waits
        yield most
        counts = CounterMetricFamily("callyard_engine_events", "What the engine counted", labels=["kind"])
        for kind, count in list(centre.counters.items()):
            counts.add_metric([kind], count)
        yield counts
        for name in ("events_dropped", "durable_stored", "durable_dropped"):
            yield CounterMetricFamily(f"callyard_bus_{name}", "Bus messages", value=getattr(self._bus.stats, name))
        yield GaugeMetricFamily("callyard_bus_outbox", "Durable messages not stored yet", value=self._bus.stats.outbox)


def registry_of(engine: Engine, bus: Bus, queued: Sequence[Queued] = ()) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(EngineCollector(engine, bus, queued))
    return registry


def health_of(engine: Engine, bus: Bus) -> dict[str, Any]:
    switches = {name: s.up and s.reconciled for name, s in engine.centre.switches.items()}
    return {"ok": bus.connected and all(switches.values()), "bus": bus.connected, "switches": switches}
