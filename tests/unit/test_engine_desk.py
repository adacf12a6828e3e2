"""Hold, transfer, consultation and calls out, on the simulator switch."""

from __future__ import annotations

from cti.domain.switch.commands import RecordStart, RecordStop, SendDigits, Unbridge
from cti.domain.switch.terms import Cause
from tests.unit.conftest import OpenFloor


async def test_hold_gives_the_customer_music_and_retrieve_brings_them_back(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "hold")
    await floor.until(lambda: floor.hears_music(caller), "music")
    assert floor.agent("a1").state == "hold"
    assert sum(isinstance(c, Unbridge) for c in floor.sim.commands) == 1
    await floor.do("a1", "retrieve")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "talking")
    await floor.talks("a1")
    call_id = floor.call(caller).call_id
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "ready")
    assert (await floor.ledger(call_id))["legs"][1]["held_seconds"] > 0
    assert floor.illegal() == {}


async def test_digits_go_to_the_customer(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "digits", digits="12#")
    await floor.until(lambda: floor.sim.channels[caller].digits_sent == "12#", "digits sent")
    reply = await floor.ask("a1", "digits", digits="1;rm")
    assert reply["error"] == "request.bad"
    assert not any(isinstance(c, SendDigits) and ";" in c.digits for c in floor.sim.commands)


async def test_a_consultation_ends_with_the_customer_at_the_colleague(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    call_id = floor.call(caller).call_id
    document = await floor.do("a1", "consult", number="1002")
    assert document["call"]["consult"]["state"] == "calling"
    await floor.rings("a2")
    await floor.until(lambda: floor.hears_music(caller), "music")
    floor.phone("a2").answer()
    await floor.talks("a2")
    assert floor.sim.phone("1001").channel.peer is floor.sim.phone("1002").channel
    consulted = await floor.do("a2", "state")
    assert (consulted["call"]["role"], consulted["call"]["number"]) == ("consulted", "13800000001")
    await floor.do("a1", "complete")
    await floor.until(lambda: floor.talks_with(caller, "a2"), "customer with the colleague")
    await floor.until_agent("a1", "ready")
    assert floor.agent("a2").state == "talking"
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a2", "ready")
    ledger = await floor.ledger(call_id)
    assert [(t["kind"], t["from_agent"], t["to_agent"], t["result"]) for t in ledger["transfers"]] == [
        ("consult", "a1", "a2", "completed")
    ]
    assert [r["agent_id"] for r in ledger["recordings"]] == ["a1", "a2", "a2"]
    assert floor.illegal() == {}


async def test_taking_back_ends_the_consultation(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a2")
    await floor.do("a1", "take_back")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "customer is back")
    await floor.until_agent("a2", "ready")
    assert floor.illegal() == {}


async def test_a_colleague_who_does_not_answer_leaves_the_customer_on_hold_for_the_agent(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    floor.phone("a2").reject()
    await floor.until_agent("a2", "notReady")
    assert floor.agent("a1").notice == "target_failed"
    await floor.until(lambda: floor.hears_music(caller), "music")
    await floor.do("a1", "retrieve")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "talking")


async def test_an_agent_who_hangs_up_in_a_consultation_hands_the_customer_over(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a2")
    floor.phone("a1").hangup()
    await floor.until(lambda: floor.talks_with(caller, "a2"), "customer with the colleague")


async def test_completing_while_it_rings_lets_the_customer_wait(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    await floor.do("a1", "complete")
    await floor.until_agent("a1", "ready")
    await floor.until(lambda: floor.hears_music(caller), "music")
    floor.phone("a2").answer()
    await floor.until(lambda: floor.talks_with(caller, "a2"), "customer with the colleague")


async def test_the_customer_leaves_during_a_consultation(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a2")
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: floor.agent("a1").notice == "caller_gone", "notice")
    assert floor.sim.phone("1001").channel.peer is floor.sim.phone("1002").channel
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "ready")
    await floor.until_agent("a2", "ready")
    assert not floor.sim.channels


async def test_a_blind_transfer_to_a_colleague(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "transfer", number="1002")
    await floor.rings("a2")
    await floor.until_agent("a1", "ready")
    floor.phone("a2").answer()
    await floor.until(lambda: floor.talks_with(caller, "a2"), "customer with the colleague")


async def test_a_blind_transfer_nobody_takes_returns_to_the_queue_first_in_line(open_floor: OpenFloor) -> None:
    floor = await open_floor(ring_timeout=0.4)
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "not_ready", reason="lunch")
    await floor.do("a1", "transfer", number="1002")
    await floor.until_agent("a2", "notReady")
    await floor.until(lambda: floor.waiting() == ["13800000001"], "queued again")
    await floor.until(lambda: floor.hears_music(caller), "music")


async def test_a_blind_transfer_to_a_queue_and_to_an_outside_number(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "not_ready", reason="lunch")
    await floor.do("a1", "transfer", number="2001")
    await floor.until(lambda: floor.waiting() == ["13800000001"], "queued")
    await floor.until_agent("a1", "notReady")
    await floor.do("a1", "ready")
    await floor.rings("a1")
    floor.phone("a1").answer()
    await floor.talks("a1")
    await floor.do("a1", "transfer", number="13900000009")
    await floor.until(lambda: floor.sim.outside("13900000009").ringing, "outside rings")
    floor.sim.outside("13900000009").answer()
    await floor.until(lambda: floor.sim.channels[caller].peer is not None, "joined")
    floor.sim.outside("13900000009").hangup()
    await floor.until(lambda: not floor.sim.channels, "all gone")
    assert floor.illegal() == {}


async def test_a_call_out_rings_the_agent_first_and_returns_to_the_break(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    floor.phone("a1").will_answer()
    await floor.do("a1", "login", device="1001")
    await floor.do("a1", "not_ready", reason="lunch")
    customer = floor.sim.outside("13900000001").will_ring()
    document = await floor.do("a1", "dial", number="13900000001")
    assert document["call"]["state"] == "dialling"
    await floor.until(lambda: customer.ringing, "customer rings")
    call_id = floor.agent("a1").call_id
    await floor.until(lambda: floor.phone("a1").channel.music == "ringback", "ringback")
    customer.answer()
    await floor.talks("a1")
    customer.hangup()
    await floor.until_agent("a1", "notReady")
    assert floor.agent("a1").reason == "lunch"
    ledger = await floor.ledger(call_id)
    assert (ledger["direction"], ledger["dnis"], ledger["trunk"]) == ("outbound", "13900000001", "t1")
    assert [leg["kind"] for leg in ledger["legs"]] == ["agent", "customer"]
    assert len(ledger["recordings"]) == 1
    assert floor.illegal() == {}


async def test_a_busy_number_ends_the_attempt_with_notice_and_keeps_the_break(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    floor.phone("a1").will_answer()
    await floor.do("a1", "login", device="1001")
    await floor.do("a1", "not_ready", reason="lunch")
    floor.sim.outside("13900000001").will_end(Cause.BUSY)
    await floor.do("a1", "dial", number="13900000001")
    await floor.until(lambda: floor.agent("a1").notice == "dial_busy", "notice")
    await floor.until_agent("a1", "notReady")
    assert floor.agent("a1").reason == "lunch"
    assert not floor.sim.channels
    assert floor.illegal() == {}


async def test_the_agent_is_told_when_the_line_breaks_off_in_the_talk(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    floor.sim.hangup_by_caller(caller, Cause.MEDIA_LOST)
    await floor.until_agent("a1", "ready")
    assert floor.agent("a1").notice == "line_lost"
    await floor.talking_to("a1")
    assert floor.agent("a1").notice == ""


async def test_a_colleague_is_dialled_inside(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    floor.phone("a1").will_answer()
    await floor.do("a1", "dial", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a1")
    await floor.talks("a2")
    floor.phone("a2").hangup()
    await floor.until_agent("a1", "ready")
    await floor.until_agent("a2", "ready")
    assert floor.illegal() == {}


async def test_a_phone_of_nobody_on_duty_may_not_dial_out(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    channel = floor.sim.phone("1001").dial("13900000001")
    await floor.until(lambda: channel not in floor.sim.channels, "refused")


async def test_an_agent_dials_on_the_phone_itself(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    floor.sim.outside("13900000001").will_answer()
    floor.sim.phone("1001").dial("13900000001")
    await floor.talks("a1")
    floor.sim.outside("13900000001").hangup()
    await floor.until_agent("a1", "ready")
    assert floor.illegal() == {}


async def test_requests_that_make_no_sense_change_nothing(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    assert (await floor.ask("a1", "ready"))["error"] == "agent.not_now"
    assert (await floor.ask("nobody", "ready"))["error"] == "agent.unknown"
    assert (await floor.ask("a1", "login", device="1002"))["error"] == "request.bad"
    await floor.on_duty("a1")
    for op in ("answer", "hangup", "hold", "retrieve", "complete", "take_back", "wrapup_done"):
        assert (await floor.ask("a1", op))["error"] == "agent.not_now", op
    for number in ("", "x", "1001", "2001", "1" * 300, "1\r\nAction: x"):
        assert not (await floor.ask("a1", "dial", number=number))["ok"], number
    assert floor.agent("a1").state == "ready"


async def test_one_recording_at_a_time_on_a_channel(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a2")
    await floor.do("a1", "complete")
    await floor.until(lambda: floor.talks_with(caller, "a2"), "customer with the colleague")
    running: set[str] = set()
    for command in floor.sim.commands:
        if isinstance(command, RecordStart) and command.channel == caller:
            assert not running, "the old one was stopped first"
            running.add(command.recording_id)
        elif isinstance(command, RecordStop):
            running.discard(command.recording_id)
