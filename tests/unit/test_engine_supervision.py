"""What a supervisor does to agents and calls: forced states, pull, drop; and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cti.domain.config.routes import DidConfig, RouteTarget, TargetKind
from tests.floor import Floor
from tests.unit.conftest import OpenFloor


async def ask(floor: Floor, op: str, **arguments: Any) -> dict[str, Any]:
    return await floor.bus.request("cy.cmd.supervisor", {"op": op, **arguments})


async def do(floor: Floor, op: str, **arguments: Any) -> None:
    reply = await ask(floor, op, **arguments)
    assert reply["ok"], reply


async def refused(floor: Floor, op: str, **arguments: Any) -> str:
    reply = await ask(floor, op, **arguments)
    assert not reply["ok"]
    return str(reply["error"])


async def test_an_agent_is_set_busy_ready_and_off_and_is_told(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await do(floor, "force_not_ready", agent_id="a1", reason="meeting")
    assert (floor.agent("a1").state, floor.agent("a1").reason) == ("notReady", "meeting")
    assert floor.agent("a1").notice == "forced"
    channel = await floor.call_in()
    assert floor.waiting() == ["13800000001"]
    await do(floor, "force_ready", agent_id="a1")
    await floor.rings("a1")
    floor.phone("a1").answer()
    await floor.talks("a1")
    await do(floor, "force_logout", agent_id="a1")
    assert floor.agent("a1").state == "talking"
    floor.sim.hangup_by_caller(channel)
    await floor.until_agent("a1", "loggedOff")
    assert await refused(floor, "force_logout", agent_id="a1") == "agent.not_now"
    assert await refused(floor, "force_ready", agent_id="a1") == "agent.not_now"


async def test_a_waiting_call_is_pulled_out_of_order_to_an_agent_of_no_queue(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    queue, agents = floor.config.queues[0], floor.config.agents
    queues = (replace(queue, agents=("a1", "a2")),)
    await floor.configure(replace(floor.config, queues=queues, agents=(*agents[:2], replace(agents[2], queues=()))))
    first, second = await floor.call_in(number="13800000001"), await floor.call_in(number="13800000002")
    await floor.until(lambda: floor.waiting() == ["13800000001", "13800000002"], "both wait")
    pulled, other = floor.call(second).call_id, floor.call(first).call_id
    assert await refused(floor, "pull", call_id=pulled, agent_id="a3") == "agent.not_now"  # is off
    await floor.on_duty("a3")
    assert floor.agent("a3").state == "ready"
    await do(floor, "pull", call_id=pulled, agent_id="a3")
    await floor.rings("a3")
    await floor.on_duty("a1")
    await floor.rings("a1")
    assert await refused(floor, "pull", call_id=other, agent_id="a3") == "agent.not_now"  # both ring already
    floor.phone("a3").answer()
    await floor.talks("a3")
    assert floor.talks_with(second, "a3")
    assert floor.waiting() == ["13800000001"]
    assert await refused(floor, "pull", call_id=pulled, agent_id="a2") == "agent.not_now"  # it does not wait


async def test_a_pulled_call_that_is_not_answered_is_first_in_line_again(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    queues = (replace(floor.config.queues[0], agents=("a1",)),)
    others = tuple(replace(agent, queues=()) for agent in floor.config.agents[1:])
    await floor.configure(replace(floor.config, queues=queues, agents=(floor.config.agents[0], *others)))
    await floor.call_in(number="13800000001")
    second = await floor.call_in(number="13800000002")
    await floor.until(lambda: len(floor.waiting()) == 2, "both wait")
    await floor.on_duty("a2")
    await do(floor, "pull", call_id=floor.call(second).call_id, agent_id="a2")
    await floor.rings("a2")
    floor.phone("a2").reject()
    await floor.until_agent("a2", "notReady")
    assert floor.waiting() == ["13800000002", "13800000001"]


async def test_a_call_is_dropped_and_the_ledger_says_by_whom(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    channel = await floor.talking_to("a1")
    call = floor.call(channel)
    await do(floor, "drop", call_id=call.call_id)
    await floor.until(lambda: not call.alive, "call over")
    assert (call.ended_by, call.cause) == ("supervisor", "normal")
    await floor.until_agent("a1", "ready")
    assert await refused(floor, "drop", call_id=call.call_id) == "request.bad"


async def test_what_makes_no_sense_is_refused(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    assert await refused(floor, "burn") == "request.bad"
    assert await refused(floor, "drop", call_id="nobody") == "request.bad"
    assert await refused(floor, "drop") == "request.bad"
    assert await refused(floor, "force_logout", agent_id="nobody") == "agent.unknown"
    await floor.on_duty("a1")
    assert await refused(floor, "force_not_ready", agent_id="a1", reason="<b>") == "request.bad"
    assert floor.agent("a1").notice == ""


async def test_nothing_is_pulled_or_dropped_at_a_switch_that_is_lost(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    call = floor.call(await floor.call_in()).call_id
    floor.sim.cut_link()
    await floor.until(lambda: not floor.status()[0].up, "lost")
    assert await refused(floor, "pull", call_id=call, agent_id="a1") == "agent.not_now"
    assert await refused(floor, "drop", call_id=call) == "agent.not_now"


async def two_queues(open_floor: OpenFloor) -> Floor:
    """a1 serves Orders, a2 Service (2002, number 8002)."""
    floor = await open_floor()
    orders = floor.config.queues[0]
    queues = (replace(orders, agents=("a1",)), replace(orders, id="q-service", number="2002", agents=("a2",)))
    agents = tuple(
        replace(agent, queues=own)
        for agent, own in zip(floor.config.agents, (("q-orders",), ("q-service",), ()), strict=True)
    )
    dids = (*floor.config.dids, DidConfig("8002", RouteTarget(TargetKind.QUEUE, "q-service")))
    await floor.configure(replace(floor.config, queues=queues, agents=agents, dids=dids))
    return floor


async def test_an_agent_helps_in_another_queue_until_log_out(open_floor: OpenFloor) -> None:
    floor = await two_queues(open_floor)
    await floor.on_duty("a1")
    channel = await floor.call_in("8002")
    assert floor.waiting("q-service") == ["13800000001"]
    await do(floor, "set_queues", agent_id="a1", queues=["q-service"])
    await floor.rings("a1")
    floor.phone("a1").answer()
    await floor.talks("a1")
    await floor.call_in("8001", number="13800000002")
    floor.sim.hangup_by_caller(channel)
    await floor.until_agent("a1", "ready")
    assert floor.waiting() == ["13800000002"]  # the agent does not serve it now
    document = await floor.do("a1", "state")
    assert (document["queues"], document["queues_assigned"]) == (["q-service"], True)
    await floor.configure(floor.config)
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    assert floor.agent("a1").queues == ("q-service",)
    await floor.do("a1", "logout")
    assert floor.agent("a1").queues == ("q-orders",)
    await floor.on_duty("a1")
    await floor.rings("a1")
    members = {i: q.config.agents for i, q in floor.runner.engine.centre.queues.items()}
    assert members == {"q-orders": ("a1",), "q-service": ("a2",)}


async def test_an_agent_without_queues_is_offered_nothing(open_floor: OpenFloor) -> None:
    floor = await two_queues(open_floor)
    await floor.on_duty("a1", "a2")
    await do(floor, "set_queues", agent_id="a1", queues=[])
    await floor.call_in("8001")
    await floor.call_in("8002", number="13800000002")
    await floor.rings("a2")
    assert (floor.agent("a1").state, floor.waiting()) == ("ready", ["13800000001"])
    await do(floor, "set_queues", agent_id="a1", queues=["q-service", "q-orders"])
    await floor.rings("a1")


async def test_queues_that_make_no_sense_are_refused(open_floor: OpenFloor) -> None:
    floor = await two_queues(open_floor)
    assert await refused(floor, "set_queues", agent_id="a1", queues=[]) == "agent.not_now"  # is off
    await floor.on_duty("a1")
    for queues in (["nowhere"], "q-orders", [1], None):
        assert await refused(floor, "set_queues", agent_id="a1", queues=queues) == "request.bad"
    assert floor.agent("a1").queues == ("q-orders",)


async def test_who_hangs_up_at_once_is_not_in_the_service_level(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    today = floor.runner.engine.centre.queues["q-orders"].today
    floor.sim.hangup_by_caller(await floor.call_in())
    await floor.until(lambda: today.abandoned == 1, "abandoned")
    assert (today.short_abandoned, today.service_level()) == (1, None)
    floor.runner.engine.centre.short_abandon = 0.0
    floor.sim.hangup_by_caller(await floor.call_in())
    await floor.until(lambda: today.abandoned == 2, "abandoned")
    assert (today.short_abandoned, today.service_level()) == (1, 0.0)
