"""Today's counters of the queues: what a killed engine has lost of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cti.services import outputs
from cti.services.effects import Effect, StoreToday
from cti.services.engine import Engine
from tests.floor import ORDERS, Floor, configuration
from tests.unit.conftest import OpenFloor


async def stored(floor: Floor, **counters: int) -> None:
    """Today's counters of the queue, as a new engine would find them, become these."""
    wanted, found = counters, None
    async with asyncio.timeout(2.0):
        while found != wanted:
            document = await floor.bus.kv_get("cy_stats", "today")
            today: dict[str, Any] = (document or {}).get("queues", {}).get(ORDERS, {})
            found = {name: today.get(name) for name in wanted}
            await asyncio.sleep(0.01)


async def test_a_killed_engine_loses_two_seconds_of_counters_at_most(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    caller = await floor.call_in()
    await floor.until(lambda: floor.waiting(), "waits")
    await stored(floor, offered=1, abandoned=0)
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: not floor.waiting(), "gone")
    await stored(floor, offered=1, abandoned=1)
    await floor.kill_engine()
    await floor.restart_engine()
    today = floor.runner.engine.centre.queues[ORDERS].today
    assert (today.offered, today.abandoned) == (1, 1)


async def test_counters_that_change_all_the_time_are_written_now_and_then(
    open_floor: OpenFloor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "TODAY_STORED_EVERY", 0.5)
    floor = await open_floor()
    put, written = floor.bus.put_soon, []

    def counted(bucket: str, key: str, value: Any) -> None:
        written.extend([value] if bucket == "cy_stats" else [])
        put(bucket, key, value)

    monkeypatch.setattr(floor.bus, "put_soon", counted)
    for n in range(20):
        await floor.call_in(number=f"1380000{n:04}")
    await stored(floor, offered=20)
    assert len(written) <= 3


def test_nothing_is_written_before_the_counters_of_the_engine_before_are_read() -> None:
    pure = Engine(["sim"])
    pure.on_config(1.0, configuration())
    pure.on_timer(1.2, f"queue:{ORDERS}")
    assert not stores(pure.on_timer(2.2, "today:"))
    pure.restore_today({"queues": {ORDERS: {"offered": 7}}})
    pure.refresh(3.0)
    pure.on_timer(3.2, f"queue:{ORDERS}")
    assert [e.document["queues"][ORDERS]["offered"] for e in stores(pure.on_timer(4.2, "today:"))] == [7]


def stores(effects: list[Effect]) -> list[StoreToday]:
    return [effect for effect in effects if isinstance(effect, StoreToday)]


async def test_nothing_is_written_while_nothing_changes(open_floor: OpenFloor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "TODAY_STORED_EVERY", 0.01)
    monkeypatch.setattr(outputs, "QUEUE_PUBLISH_EVERY", 0.01)
    floor = await open_floor()
    await floor.call_in()
    await stored(floor, offered=1)
    put, written = floor.bus.put_soon, []
    monkeypatch.setattr(floor.bus, "put_soon", lambda *document: (written.append(document[0]), put(*document)))
    await floor.on_duty("a2", "a3")
    await floor.until(lambda: "cy_agents" in written, "agents written")
    await floor.until(lambda: not floor.runner.engine._outputs._queue_timers, "queues published")
    assert "cy_stats" not in written
