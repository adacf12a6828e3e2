"""The engine's numbers for Prometheus."""

from __future__ import annotations

from prometheus_client import generate_latest

from cti.bus.memory import MemoryBroker, MemoryBus
from cti.engine.metrics import registry_of
from cti.services.engine import Engine
from cti.switches.base import Queued
from cti.switches.freeswitch import FreeSwitch


class _Busy:
    name = "freeswitch"

    def backlog(self) -> tuple[int, int]:
        return 3, 41


async def test_events_that_wait_in_a_driver_are_told() -> None:
    text = generate_latest(registry_of(Engine(["freeswitch"]), MemoryBus(MemoryBroker()), [_Busy()])).decode()
    assert 'callyard_switch_events_waiting{switch="freeswitch"} 3.0' in text
    assert 'callyard_switch_events_waiting_most{switch="freeswitch"} 41.0' in text


def test_a_freeswitch_that_is_not_connected_keeps_nothing_waiting() -> None:
    switch = FreeSwitch(host="127.0.0.1", port=1, password="x", prompts_dir="/p", spool_dir="/s")
    assert isinstance(switch, Queued)
    assert switch.backlog() == (0, 0)
