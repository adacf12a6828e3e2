"""Races, lost events and odd orders of things that once left somebody stuck or the ledger wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

from cti.domain.config import RouteTarget, TargetKind
from cti.domain.errors import CommandRefused
from cti.domain.switch import (
    Bridge,
    Cause,
    ChannelAnswered,
    Music,
    SwitchEvent,
)
from tests.floor import ORDERS, Floor
from tests.unit.conftest import OpenFloor


async def outbound(floor: Floor, agent_id: str, number: str = "13900000001") -> str:
    """An agent who is talking on a call out; the customer's channel."""
    floor.phone(agent_id).will_answer()
    floor.sim.outside(number).will_answer()
    await floor.do(agent_id, "dial", number=number)
    await floor.talks(agent_id)
    return str(floor.sim.outside(number).channel.id)


async def consulting(floor: Floor) -> str:
    """a1, in a call, consults a2; the caller's channel."""
    caller = await floor.talking_to("a1")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a2")
    return caller


def fire(floor: Floor, key: str) -> None:
    floor.runner._stop_timer(key)
    floor.runner._fire(key)


def reconfigure(floor: Floor, **changes: Any) -> None:
    floor.config = dataclasses.replace(floor.config, version=floor.config.version + 1, **changes)
    floor.runner._on_config("centre", floor.config.to_document())


def lose(floor: Floor, *kinds: type[SwitchEvent]) -> None:
    """From now on events of these kinds do not arrive."""
    emit = floor.sim.emit
    floor.sim.emit = lambda event: None if isinstance(event, kinds) else emit(event)  # type: ignore[method-assign]


async def reconcile(floor: Floor) -> None:
    for call in floor.runner.engine.centre.calls.values():
        for leg in call.legs:
            leg.changed_at -= 10
    await floor.runner._reconcile("sim", until_done=False)


# ---------------------------------------------------------------- prompts, music


async def test_the_goodbye_is_heard_after_a_wrong_key_in_the_prompt(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    floor.sim.play_seconds = 0.5
    caller = await floor.call_in("8000")
    await floor.until(lambda: floor.sim.channels[caller].playing, "menu")
    floor.sim.press(caller, "5")
    await floor.until(lambda: floor.sim.channels[caller].prompts[0] == "zh_CN/invalid_key", "once more")
    floor.sim.press(caller, "5")
    await floor.until(lambda: floor.sim.channels[caller].prompts == ("zh_CN/goodbye",), "goodbye")
    await floor.sim.settle()
    assert caller in floor.sim.channels
    assert floor.sim.channels[caller].playing is not None


async def test_menus_that_lead_to_themselves_end(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    menu = dataclasses.replace(floor.config.menus[0], otherwise=RouteTarget(TargetKind.MENU, "m2"), timeout=0.001)
    other = dataclasses.replace(menu, id="m2", otherwise=RouteTarget(TargetKind.MENU, "m1"))
    reconfigure(floor, menus=(menu, other))
    floor.sim.play_seconds = 0.001
    caller = floor.sim.incoming("8000", "13800000001")
    await floor.until(lambda: caller not in floor.sim.channels, "goodbye")


async def test_music_goes_on_when_the_agent_leaves_before_the_join(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    await floor.until(lambda: floor.hears_music(caller), "music")
    floor.phone("a1").answer()
    floor.phone("a1").hangup()
    await floor.until_agent("a1", "notReady")
    await floor.until(lambda: floor.waiting(), "waits")
    await floor.sim.settle()

    def music() -> list[bool]:
        return [c.on for c in floor.sim.commands if isinstance(c, Music) and c.channel == caller]

    await floor.until(lambda: music() == [True, True], "music again: the join that failed had stopped it")


async def test_music_that_the_switch_refused_is_asked_for_again(open_floor: OpenFloor) -> None:
    floor = await open_floor(announce_max=0)
    floor.sim.fail_next(Music, CommandRefused("not now"))
    caller = await floor.call_in()
    await floor.until(lambda: not floor.sim._failures.get(Music), "refused")
    await reconcile(floor)
    await floor.until(lambda: floor.hears_music(caller), "music", deadline=1.0)


async def test_a_refused_join_is_tried_again_within_two_seconds(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    floor.sim.fail_next(Bridge, CommandRefused("not now"))
    caller = await floor.call_in()
    await floor.rings("a1")
    floor.phone("a1").answer()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "joined", deadline=2.0)


# ---------------------------------------------------------------- consultations


async def test_a_colleague_who_hangs_up_leaves_the_customer_on_hold_for_the_agent(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await consulting(floor)
    floor.phone("a2").hangup()
    await floor.until_agent("a2", "ready")
    assert floor.agent("a1").state == "hold"
    await floor.do("a1", "retrieve")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "customer is back")
    assert floor.illegal() == {}


async def test_a_colleague_who_answers_as_the_agent_takes_back(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    channel = floor.phone("a2").channel.id
    engine = floor.runner.engine
    _, effects = engine.agent_request(engine.centre.now, {"op": "take_back", "agent_id": "a1"})
    floor.runner._do(effects)
    floor.runner._do(engine.on_event(engine.centre.now, "sim", ChannelAnswered(engine.centre.now, channel)))
    await floor.until_agent("a2", "ready")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "customer is back", deadline=1.0)


async def test_a_reload_in_a_consultation_goes_back_into_it(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await consulting(floor)
    old = floor.phone("a1").channel.id
    await floor.do("a1", "rejoin", device="1001")
    await floor.until(lambda: old not in floor.sim.channels and floor.talks_with(floor.phone("a1").channel.id, "a2"))
    assert floor.hears_music(caller)
    await floor.do("a1", "complete")
    await floor.until(lambda: floor.talks_with(caller, "a2"), "handed over")
    assert floor.illegal() == {}


async def test_a_phone_lost_for_good_in_a_consultation_hands_the_customer_over(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await consulting(floor)
    call = floor.call(caller)
    floor.sim.far_end(floor.phone("a1").channel, Cause.MEDIA_LOST)
    await floor.until(lambda: call.waiting_for_agent, "waits for a1")
    fire(floor, f"rejoin:{call.call_id}")
    await floor.until(lambda: floor.talks_with(caller, "a2"), "customer with the colleague")
    assert floor.waiting() == []


async def test_the_recording_of_a_consultation_outside_ends_with_it(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    floor.sim.outside("13900000003").will_answer()
    await floor.do("a1", "consult", number="13900000003")
    await floor.until(lambda: len(floor.call(caller).recordings) == 2, "recorded")
    await floor.until(lambda: floor.phone("a1").channel.peer, "talk")
    await floor.do("a1", "take_back")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "back")
    assert floor.call(caller).recordings[1].ended_at is not None
    assert floor.call(caller).recordings[0].ended_at is None
    assert not floor.phone("a1").channel.recordings


# ---------------------------------------------------------------- rejoin


async def test_a_reload_on_hold_keeps_the_hold(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "hold")
    await floor.until(lambda: floor.hears_music(caller), "music")
    old = floor.phone("a1").channel.id
    await floor.do("a1", "rejoin", device="1001")
    await floor.until(lambda: floor.phone("a1").channels and floor.phone("a1").channel.id != old, "new leg")
    await floor.until(lambda: not floor.call(caller).waiting_for_agent, "back")
    await floor.sim.settle()
    assert floor.agent("a1").state == "hold"
    assert floor.hears_music(caller)
    await floor.do("a1", "retrieve")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "talking")
    assert floor.illegal() == {}


async def test_an_agent_whose_phone_is_lost_for_good_gets_no_other_call(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    await floor.call_in(number="13800000002")
    floor.sim.far_end(floor.phone("a1").channel, Cause.MEDIA_LOST)
    await floor.until(lambda: call.waiting_for_agent, "waits for a1")
    fire(floor, f"rejoin:{call.call_id}")
    assert (floor.agent("a1").state, floor.agent("a1").reason) == ("notReady", "device_lost")
    assert floor.waiting() == ["13800000001", "13800000002"]
    assert floor.illegal() == {}


async def test_the_break_asked_for_survives_a_lost_phone(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    for agent_id, wish, state, reason in (("a1", "not_ready", "notReady", "lunch"), ("a2", "logout", "loggedOff", "")):
        caller = await floor.talking_to(agent_id, f"1380000000{agent_id[1:]}")
        call = floor.call(caller)
        await floor.do(agent_id, wish, reason="lunch")
        floor.sim.far_end(floor.phone(agent_id).channel, Cause.MEDIA_LOST)
        await floor.until(lambda c=call: c.waiting_for_agent, "waits")
        fire(floor, f"rejoin:{call.call_id}")
        assert (floor.agent(agent_id).state, floor.agent(agent_id).reason) == (state, reason)
        floor.sim.hangup_by_caller(caller)
    assert floor.illegal() == {}


async def test_the_queue_is_gone_when_the_agent_does_not_come_back(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    reconfigure(floor, queues=())
    floor.sim.far_end(floor.phone("a1").channel, Cause.MEDIA_LOST)
    await floor.until(lambda: call.waiting_for_agent, "waits for a1")
    fire(floor, f"rejoin:{call.call_id}")
    await floor.until(lambda: caller not in floor.sim.channels, "goodbye")
    assert not floor.runner.engine.centre.calls


async def test_both_sides_of_a_call_inside_may_reload(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    floor.phone("a1").will_answer()
    await floor.do("a1", "dial", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    for agent_id in ("a2", "a1"):
        await floor.talks("a1")
        await floor.talks("a2")
        old = floor.phone(agent_id).channel.id
        await floor.do(agent_id, "rejoin", device=floor.agent(agent_id).number)
        await floor.until(lambda o=old: o not in floor.sim.channels, "old leg gone")
        await floor.until(lambda: floor.talks_with(floor.phone("a1").channel.id, "a2"), "talking again")


async def test_a_call_inside_ends_when_the_caller_does_not_come_back(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    floor.phone("a1").will_answer()
    await floor.do("a1", "dial", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a1")
    call_id = floor.agent("a1").call_id
    floor.phone("a1").unregister()
    await floor.do("a1", "rejoin", device="1001")
    await floor.until(lambda: not floor.phone("a1").channels, "not reached")
    fire(floor, f"rejoin:{call_id}")
    await floor.until_agent("a2", "ready")
    assert not floor.sim.channels


# ---------------------------------------------------------------- transfers and the ledger


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
