"""Transfers, calls out, and what the ledger says of them."""

from __future__ import annotations

from cti.domain.switch.terms import Cause
from tests.floor import ORDERS
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import outbound, reconfigure


async def test_a_transfer_nobody_took_is_not_booked_as_done_by_the_next_agent(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2", "a3")
    caller = await floor.talking_to("a1")
    call_id = floor.call(caller).call_id
    await floor.do("a1", "not_ready", reason="lunch")
    await floor.do("a1", "transfer", number="1002")
    await floor.rings("a2")
    floor.phone("a2").reject()
    await floor.rings("a3")
    floor.phone("a3").answer()
    await floor.talks("a3")
    assert [(t["to_agent"], t["result"]) for t in (await floor.ledger(call_id))["transfers"]] == [("", "failed")]
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a3", "ready")
    today = floor.runner.engine.centre.queues[ORDERS].today
    assert (today.offered, today.answered, today.abandoned) == (1, 1, 0)


async def test_a_transfer_the_customer_did_not_wait_for_failed(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    call_id = floor.call(caller).call_id
    await floor.do("a1", "transfer", number="1002")
    await floor.rings("a2")
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: not floor.runner.engine.centre.calls, "over")
    assert (await floor.ledger(call_id))["transfers"][0]["result"] == "failed"


async def test_the_customer_of_a_call_out_survives_a_transfer_nobody_takes(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.do("a1", "login", device="1001")
    await floor.on_duty("a2", "a3")
    customer = await outbound(floor, "a1")
    await floor.do("a1", "transfer", number="2001")
    await floor.rings("a2")
    assert (await floor.do("a2", "hangup"))["agent_id"] == "a2"
    await floor.until_agent("a2", "notReady")
    await floor.rings("a3")
    floor.phone("a3").reject()
    await floor.until(lambda: floor.waiting() == ["1001"], "still waits")
    assert floor.sim.channels[customer].answered


async def test_a_busy_number_is_the_cause_of_the_call(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    floor.phone("a1").will_answer()
    await floor.do("a1", "login", device="1001")
    floor.sim.outside("13900000001").will_end(Cause.BUSY)
    await floor.do("a1", "dial", number="13900000001")
    call_id = floor.agent("a1").call_id
    await floor.until_agent("a1", "notReady")
    assert (await floor.ledger(call_id))["cause"] == "busy"


async def test_every_ended_call_says_by_whom(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call_id = floor.call(caller).call_id
    floor.sim.outside("13900000009").will_answer()
    await floor.do("a1", "transfer", number="13900000009")
    await floor.until(lambda: floor.sim.channels[caller].peer is not None, "joined")
    floor.sim.outside("13900000009").hangup()
    await floor.until(lambda: not floor.runner.engine.centre.calls, "over")
    assert (await floor.ledger(call_id))["ended_by"] in ("customer", "agent", "system")


async def test_a_colleague_who_is_dialled_sees_who_calls(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    floor.phone("a1").will_answer()
    await floor.do("a1", "dial", number="1002")
    await floor.rings("a2")
    assert floor.phone("a2").channel.caller_number == "1001"
    assert (await floor.do("a2", "state"))["call"]["number"] == "1001"
    assert (await floor.do("a1", "state"))["call"]["number"] == "1002"


async def test_the_trunk_is_gone_when_the_agent_picks_up_to_dial(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.do("a1", "login", device="1001")
    engine = floor.runner.engine
    request = {"op": "dial", "agent_id": "a1", "number": "13900000001"}
    _, effects = engine.agent_request(engine.centre.now, request)
    reconfigure(floor, trunks=())
    floor.runner._do(effects)
    await floor.until_agent("a1", "notReady")
    assert floor.agent("a1").notice == "target_failed"


async def test_hold_pressed_on_the_phone_does_not_undo_hold_at_the_desk(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "hold")
    await floor.until(lambda: floor.hears_music(caller), "music")
    floor.phone("a1").hold(True)
    floor.phone("a1").hold(False)
    await floor.sim.settle()
    assert floor.agent("a1").state == "hold"
    await floor.do("a1", "retrieve")
    await floor.talks("a1")
    floor.phone("a1").hold(True)
    await floor.until_agent("a1", "hold")
    floor.phone("a1").hold(False)
    await floor.talks("a1")
    assert len([leg for leg in floor.call(caller).legs if leg.held_seconds > 0]) == 2
