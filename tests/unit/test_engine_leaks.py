"""What is left in memory of calls that are over: nothing."""

from __future__ import annotations

import gc

from cti.domain.calls import Call
from cti.domain.legs import Leg
from tests.floor import Floor
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import outbound


async def some_calls(floor: Floor, turn: int) -> None:
    """A talk, a transfer nobody takes, a consultation, an abandoned call, a call out, one that fails."""
    caller = await floor.talking_to("a1")
    await floor.do("a2", "ready")
    await floor.do("a1", "transfer", number="1002")
    await floor.rings("a2")
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a2", "ready")
    await floor.do("a2", "not_ready", reason="lunch")
    caller = await floor.talking_to("a1")
    await floor.do("a2", "ready")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a2")
    await floor.do("a1", "complete")
    await floor.until(lambda: floor.talks_with(caller, "a2"), "handed over")
    floor.phone("a2").hangup()
    await floor.until(lambda: not floor.runner.engine.centre.calls, "over")
    for agent_id in ("a1", "a2"):
        await floor.do(agent_id, "not_ready", reason="lunch")
    caller = await floor.call_in()
    await floor.until(lambda: floor.waiting(), "waits")
    floor.sim.hangup_by_caller(caller)
    await outbound(floor, "a1", f"1390000{turn:04}")
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "notReady")
    floor.phone("a1").will_ring()
    await floor.do("a1", "dial", number="13911111111")
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "notReady")
    await floor.do("a1", "ready")
    await floor.until(lambda: not floor.runner.engine.centre.calls, "over")


def in_memory(since: float) -> list[Call | Leg]:
    """Calls and legs made since then, by whoever they are held."""
    gc.collect()
    return [thing for thing in gc.get_objects() if isinstance(thing, Call | Leg) and thing.created_at >= since]


async def test_nothing_is_left_of_calls_that_are_over(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    began = floor.sim.clock()
    await floor.on_duty("a1", "a2")
    await floor.do("a2", "not_ready", reason="lunch")
    caller = await floor.call_in()
    assert len(in_memory(began)) >= 2, "a call that goes on is seen"
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "ready")
    for turn in range(3):
        await some_calls(floor, turn)
    centre = floor.runner.engine.centre
    await floor.until(lambda: not any(key.startswith(("ring:", "settle:")) for key in floor.runner._timers), "timers")
    left = in_memory(began)
    assert not left, [gc.get_referrers(thing) for thing in left[:1]]
    assert not centre.channels
    assert not any(len(queue) for queue in centre.queues.values())
    assert set(floor.runner._timers) <= {"today:", *(f"queue:{queue}" for queue in centre.queues)}
