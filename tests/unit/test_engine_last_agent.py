"""Returning customers go to who served them: at once, within the wait they are given, and never longer."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

from cti.bus.base import Document
from tests.floor import ORDERS, Floor
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import fire

RETURNING = "13800000001"


async def opened(open_floor: OpenFloor, served_by: str | None = "a2", **queue: Any) -> Floor:
    """A floor whose worker knows who served the returning customer; ``None``: it never answers."""
    settings = {"last_agent_days": 30, "last_agent_wait": 5.0, "announce_max": 0, **queue}
    floor = await open_floor(agents=3, **settings)

    async def worker(request: Document) -> Document:
        if served_by is None:
            await asyncio.Event().wait()
        assert (request["op"], request["queue_id"], request["days"]) == ("last_agent", ORDERS, 30)
        return {"ok": True, "agent_id": served_by if request["number"] == RETURNING else ""}

    await floor.bus.serve("cy.cmd.worker", worker)
    return floor


async def test_a_returning_customer_goes_to_who_served_them_though_another_is_idle_longer(
    open_floor: OpenFloor,
) -> None:
    floor = await opened(open_floor)
    await floor.on_duty("a1", "a2")
    await floor.call_in(number=RETURNING)
    await floor.rings("a2")
    await floor.call_in(number="13800000002")
    await floor.rings("a1")


async def test_the_customer_waits_for_the_agent_and_then_goes_before_the_others(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor)
    await floor.on_duty("a2")
    other = await floor.talking_to("a2", "13800000009")
    await floor.call_in(number="13800000002")
    await floor.until(lambda: floor.waiting() == ["13800000002"], "somebody waits")
    await floor.call_in(number=RETURNING)
    await floor.until(lambda: floor.runner.engine._acd.last_agents.waiting_for("a2"), "waits for a2")
    await floor.on_duty("a1")
    await floor.rings("a1")
    assert floor.call_of("a1").ani == "13800000002"
    floor.sim.hangup_by_caller(other)
    await floor.until(lambda: floor.agent("a2").state == "alerting", "a2 is rung")
    assert floor.call_of("a2").ani == RETURNING
    assert not floor.runner.engine._acd.last_agents._waiting


async def test_after_the_wait_anybody_takes_the_call(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor)
    await floor.on_duty("a2")
    await floor.talking_to("a2", "13800000009")
    await floor.on_duty("a1")
    caller = await floor.call_in(number=RETURNING)
    await floor.until(lambda: floor.runner.engine._acd.last_agents.waiting_for("a2"), "waits for a2")
    assert floor.agent("a1").state == "ready"
    fire(floor, f"last:{floor.call(caller).call_id}")
    await floor.rings("a1")
    assert floor.call_of("a1").ani == RETURNING


async def test_who_served_a_customer_lately_is_remembered_without_asking(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, served_by=None)
    await floor.on_duty("a3")
    first = await floor.talking_to("a3", RETURNING)
    floor.sim.hangup_by_caller(first)
    await floor.until_agent("a3", "ready")
    await floor.on_duty("a1")
    await floor.talking_to("a3", "13800000002")
    await floor.call_in(number=f"+86{RETURNING}")
    last = floor.runner.engine._acd.last_agents
    await floor.until(lambda: last.waiting_for("a3"), "waits for a3")
    assert floor.agent("a1").state == "ready"


async def test_what_was_too_long_ago_is_not_remembered(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, served_by="")
    await floor.do("a1", "login", device="1001")
    await floor.on_duty("a2")
    caller = await floor.talking_to("a2", RETURNING)
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a2", "ready")
    await floor.do("a1", "ready")
    last = floor.runner.engine._acd.last_agents
    assert floor.agent("a1").idle_since < floor.agent("a2").idle_since
    last._served = OrderedDict((who, (agent, at - 31 * 86_400)) for who, (agent, at) in last._served.items())
    await floor.call_in(number=RETURNING)
    await floor.rings("a1")


async def test_the_limit_is_a_timer(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, last_agent_wait=0.2)
    await floor.on_duty("a2")
    await floor.talking_to("a2", "13800000009")
    await floor.on_duty("a1")
    caller = await floor.call_in(number=RETURNING)
    await floor.rings("a1")
    call = floor.call(caller)
    assert call.legs[-1].created_at - (call.queued_at or 0.0) >= 0.2


async def test_nobody_waits_for_an_agent_who_is_off_or_on_a_break_or_gone(open_floor: OpenFloor) -> None:
    for served_by in ("a2", "a3", "nobody"):
        floor = await opened(open_floor, served_by)
        await floor.on_duty("a1", "a2")
        await floor.do("a2", "not_ready", reason="lunch")
        await floor.call_in(number=RETURNING)
        await floor.rings("a1")


async def test_an_agent_who_does_not_answer_is_not_waited_for_again(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, ring_timeout=0.4)
    await floor.on_duty("a1", "a2")
    await floor.call_in(number=RETURNING)
    await floor.rings("a2")
    await floor.rings("a1")
    assert floor.call_of("a1").ani == RETURNING
    assert floor.agent("a2").state == "notReady"


async def test_without_an_answer_in_time_anybody_takes_the_call(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, served_by=None)
    await floor.on_duty("a1")
    await floor.call_in(number=RETURNING)
    await floor.rings("a1")
    assert floor.runner.engine.centre.counters["last_agent:unknown"] == 1


async def test_nothing_is_asked_for_where_it_is_not_wanted(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, last_agent_days=0)
    await floor.on_duty("a1", "a2")
    await floor.call_in(number=RETURNING)
    await floor.rings("a1")
    assert not floor.runner.engine.centre.counters["last_agent:unknown"]


async def test_a_caller_who_hangs_up_while_waiting_for_an_agent_leaves_nothing(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor)
    await floor.on_duty("a2")
    await floor.talking_to("a2", "13800000009")
    caller = await floor.call_in(number=RETURNING)
    last = floor.runner.engine._acd.last_agents
    await floor.until(lambda: last.waiting_for("a2"), "waits for a2")
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: not floor.waiting(), "gone")
    assert (last._wanted, last._waiting, last._asking) == ({}, {}, set())
