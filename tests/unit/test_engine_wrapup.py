"""Wrap-up: what it is about, and what interrupts it without ending it."""

from __future__ import annotations

import pytest

from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import Originate
from cti.domain.switch.terms import Cause
from tests.floor import ORDERS, Floor
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import fire

OUTSIDE = "13900000001"


async def wrapping_up(floor: Floor) -> str:
    """a1 is in wrap-up of a call with a customer; the call's id."""
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call_id = floor.call(caller).call_id
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "workingAfterCall")
    return call_id


async def about(floor: Floor) -> tuple[str, str]:
    """State of a1 and the call the page shows."""
    document = await floor.do("a1", "state")
    return document["state"], (document["call"] or {}).get("call_id", "")


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.REJECTED, Cause.UNREACHABLE, Cause.NO_ANSWER])
async def test_a_dial_that_fails_does_not_end_the_wrap_up(open_floor: OpenFloor, cause: Cause) -> None:
    floor = await open_floor(wrapup=30.0)
    call_id = await wrapping_up(floor)
    until = floor.agent("a1").wrapup_until
    floor.phone("a1").will_answer()
    floor.sim.outside(OUTSIDE).will_end(cause)
    await floor.do("a1", "dial", number=OUTSIDE)
    await floor.until(lambda: not floor.agent("a1").call_id, "dial is over")
    assert await about(floor) == ("workingAfterCall", call_id)
    assert floor.agent("a1").wrapup_until >= until
    assert floor.agent("a1").notice == f"dial_{cause}"
    assert "wrapup:a1" in floor.runner._timers
    await floor.do("a1", "wrapup_done")
    assert await about(floor) == ("ready", "")
    assert floor.illegal() == {}


async def test_a_dial_that_the_switch_refuses_does_not_end_the_wrap_up(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    call_id = await wrapping_up(floor)
    floor.sim.fail_next(Originate, CommandRefused("no such phone"))
    await floor.do("a1", "dial", number=OUTSIDE)
    await floor.until(lambda: not floor.agent("a1").call_id, "dial is over")
    assert await about(floor) == ("workingAfterCall", call_id)


async def test_the_break_asked_for_still_follows_an_interrupted_wrap_up(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "not_ready", reason="lunch")
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "workingAfterCall")
    await floor.do("a1", "dial", number=OUTSIDE)
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "workingAfterCall")
    await floor.do("a1", "wrapup_done")
    assert (floor.agent("a1").state, floor.agent("a1").reason) == ("notReady", "lunch")


async def test_who_asks_for_something_else_while_dialling_is_not_put_back_into_wrap_up(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await wrapping_up(floor)
    await floor.do("a1", "dial", number=OUTSIDE)
    await floor.do("a1", "not_ready", reason="lunch")
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "notReady")
    assert not floor.runner.engine.centre.wrapped


async def test_a_talk_with_a_colleague_interrupts_the_wrap_up(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    call_id = await wrapping_up(floor)
    await floor.on_duty("a2")
    floor.phone("a1").will_answer()
    await floor.do("a1", "dial", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a1")
    fire(floor, "wrapup:a1")
    floor.phone("a2").hangup()
    await floor.until_agent("a1", "workingAfterCall")
    assert await about(floor) == ("workingAfterCall", call_id)


async def test_a_call_out_that_was_talked_on_has_its_own_wrap_up(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    first = await wrapping_up(floor)
    floor.phone("a1").will_answer()
    floor.sim.outside(OUTSIDE).will_answer()
    await floor.do("a1", "dial", number=OUTSIDE)
    await floor.talks("a1")
    second = floor.agent("a1").call_id
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "workingAfterCall")
    assert await about(floor) == ("workingAfterCall", second)
    assert second != first


async def test_a_restarted_engine_knows_which_call_the_wrap_up_is_about(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    call_id = await wrapping_up(floor)
    before = await floor.do("a1", "state")
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    after = await floor.do("a1", "state")
    assert after["call"]["call_id"] == call_id
    assert after["call"]["number"] == "13800000001"
    assert after["call"] == before["call"]
    await floor.do("a1", "wrapup_done")
    await floor.told()
    stretch = await floor.bus.last("cy.log.agent.a1")
    assert stretch is not None
    assert (stretch["state"], stretch["call_id"]) == ("workingAfterCall", call_id)


async def test_an_engine_that_dies_while_the_agent_dials_in_wrap_up(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    call_id = await wrapping_up(floor)
    await floor.do("a1", "dial", number=OUTSIDE)
    await floor.told()
    await floor.kill_engine()
    floor.phone("a1").reject()
    await floor.restart_engine()
    await floor.until_agent("a1", "workingAfterCall")
    assert await about(floor) == ("workingAfterCall", call_id)
    assert "wrapup:a1" in floor.runner._timers


async def test_a_wrap_up_whose_call_is_nowhere_written_still_ends(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await wrapping_up(floor)
    await floor.told()
    await floor.kill_engine()
    floor.broker.log.clear()
    await floor.restart_engine()
    assert await about(floor) == ("workingAfterCall", "")
    fire(floor, "wrapup:a1")
    await floor.do("a1", "wrapup_done")
    assert floor.agent("a1").state == "ready"


def handled(floor: Floor) -> tuple[int, float]:
    today = floor.runner.engine.centre.queues[ORDERS].today
    return today.handled, today.handling


def passes(floor: Floor, seconds: float) -> None:
    """So long have they been at it."""
    floor.agent("a1").since -= seconds


async def test_handling_is_talk_and_the_wrap_up_that_was_taken(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await wrapping_up(floor)
    assert handled(floor) == (0, 0.0), "it is booked when it is over"
    passes(floor, 200.0)
    await floor.do("a1", "wrapup_done")
    count, seconds = handled(floor)
    assert count == 1
    assert 200.0 < seconds < 215.0


async def test_a_call_without_wrap_up_is_booked_at_its_end(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=0.0)
    await floor.on_duty("a1")
    floor.sim.hangup_by_caller(await floor.talking_to("a1"))
    await floor.until_agent("a1", "ready")
    count, seconds = handled(floor)
    assert count == 1
    assert 0.0 < seconds < 15.0


async def test_dialling_in_the_wrap_up_is_no_wrap_up(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await wrapping_up(floor)
    passes(floor, 10.0)
    await floor.do("a1", "dial", number=OUTSIDE)
    passes(floor, 500.0)
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "workingAfterCall")
    assert handled(floor)[0] == 0
    passes(floor, 20.0)
    await floor.do("a1", "wrapup_done")
    count, seconds = handled(floor)
    assert count == 1
    assert 30.0 < seconds < 45.0


async def test_a_talk_out_of_the_wrap_up_ends_it_and_is_none_of_the_queues(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await wrapping_up(floor)
    floor.phone("a1").will_answer()
    floor.sim.outside(OUTSIDE).will_answer()
    await floor.do("a1", "dial", number=OUTSIDE)
    await floor.until_agent("a1", "talking")
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "workingAfterCall")
    assert handled(floor)[0] == 1
    await floor.do("a1", "wrapup_done")
    assert handled(floor)[0] == 1


async def test_a_wrap_up_is_booked_whole_after_a_restart(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await wrapping_up(floor)
    floor.agent("a1").handled_for += 100.0
    floor.runner.engine.centre.dirty_agents.add("a1")
    await floor.do("a1", "wrapup_extend", seconds=60)
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    await floor.do("a1", "wrapup_done")
    count, seconds = handled(floor)
    assert count == 1
    assert 100.0 < seconds < 115.0
