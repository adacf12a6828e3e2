"""Races, lost events and odd orders of things that once left somebody stuck or the ledger wrong."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

import pytest

from cti.domain.config import DidConfig, RouteTarget, TargetKind
from cti.domain.errors import CommandRefused
from cti.domain.switch import (
    Bridge,
    Cause,
    ChannelAnswered,
    ChannelBridged,
    ChannelHungUp,
    ChannelUnbridged,
    Hangup,
    Music,
    RecordStart,
    Snapshot,
    SwitchEvent,
)
from cti.engine import runner
from cti.services.effects import StartTimer
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


# ---------------------------------------------------------------- snapshots, events and restarts


async def test_a_call_that_ended_while_the_snapshot_was_on_its_way_stays_ended(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    caller = await floor.call_in()
    await floor.until(lambda: floor.waiting(), "waits")
    asked_at = floor.sim.clock()
    snapshot = await floor.sim.snapshot()
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: not floor.runner.engine.centre.calls, "over")
    floor.runner._do(floor.runner.engine.on_snapshot(floor.sim.clock(), "sim", snapshot, asked_at, {}))
    assert not floor.runner.engine.centre.calls
    assert floor.waiting() == []


async def test_a_join_whose_event_was_lost_is_booked_from_the_snapshot(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    lose(floor, ChannelBridged)
    floor.phone("a1").answer()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "joined")
    await reconcile(floor)
    await floor.talks("a1")
    assert floor.waiting() == []
    assert floor.call(caller).phase == "connected"


async def test_what_happens_before_the_first_snapshot_is_not_forgotten(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await floor.call_in()
    await floor.rings("a1")
    await floor.told()
    await floor.kill_engine()
    snapshot = floor.sim.snapshot

    async def slow(deadline: float = 5.0) -> Snapshot:
        taken = await snapshot(deadline)
        if not floor.phone("a1").channel.answered:
            floor.phone("a1").answer()
            await floor.sim.settle()
        return taken

    floor.sim.snapshot = slow  # type: ignore[method-assign]
    await floor.restart_engine()
    await floor.talks("a1")


async def test_a_leg_answered_while_no_engine_ran_is_answered_in_the_ledger(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    await floor.told()
    await floor.kill_engine()
    floor.phone("a1").answer()
    await floor.restart_engine()
    await floor.talks("a1")
    leg = floor.call(caller).legs[1]
    assert (leg.state, leg.answered_at is not None) == ("connected", True)
    assert floor.illegal() == {}


async def test_a_caller_answered_but_not_yet_marked_is_taken_over(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.kill_engine()
    caller = floor.sim.incoming("8001", "13800000001")
    floor.sim.channels[caller].answered = True
    await floor.restart_engine()
    assert floor.waiting() == ["13800000001"]


async def test_the_engine_dies_while_a_customer_waits_for_a_lost_phone(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "not_ready", reason="lunch")
    floor.sim.far_end(floor.phone("a1").channel, Cause.MEDIA_LOST)
    await floor.until(lambda: floor.hears_music(caller), "music")
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    await floor.until(lambda: floor.waiting() == ["13800000001"], "queued again")
    assert (floor.agent("a1").state, floor.agent("a1").reason) == ("notReady", "lunch")


async def test_a_phone_that_left_while_no_engine_ran_does_not_cost_the_customer_the_call(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.told()
    await floor.kill_engine()
    floor.phone("a1").hangup()
    await floor.restart_engine()
    await floor.until(lambda: floor.hears_music(caller), "music")
    await floor.do("a1", "rejoin", device="1001")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "talking again")


async def test_a_caller_ringing_an_agents_own_number_survives_a_restart(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    reconfigure(floor, dids=(*floor.config.dids, DidConfig("8002", RouteTarget(TargetKind.AGENT, "a1"))))
    await floor.bus.kv_put("cy_config", "centre", floor.config.to_document())
    await floor.on_duty("a1")
    caller = await floor.call_in("8002")
    await floor.rings("a1")
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    floor.phone("a1").answer()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "talking")


async def test_the_queue_was_removed_while_no_engine_ran(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    caller = await floor.call_in()
    await floor.until(lambda: floor.waiting(), "waits")
    reconfigure(floor, queues=(), dids=())
    await floor.bus.kv_put("cy_config", "centre", floor.config.to_document())
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    await floor.until(lambda: caller not in floor.sim.channels, "goodbye")


async def test_a_call_out_is_still_connected_after_a_restart(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    customer = await outbound(floor, "a1")
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    assert floor.call(customer).phase == "connected"


async def test_without_a_ledger_the_end_of_a_call_is_newer_than_what_was_written(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    caller = await floor.call_in()
    await floor.until(lambda: floor.waiting(), "waits")
    call_id, version = floor.call(caller).call_id, floor.call(caller).version
    await floor.kill_engine()
    floor.broker.log.clear()
    await floor.restart_engine()
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: not floor.runner.engine.centre.calls, "over")
    ledger = await floor.ledger(call_id)
    assert (ledger["state"], ledger["version"] > version) == ("ended", True)


async def test_a_channel_with_a_foreign_state_does_not_stop_the_others(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.kill_engine()
    for n, state in enumerate(({"c": "x", "d": "sideways"}, {"c": "y", "p": "?"}, {"c": "z", "k": [], "r": 1e999})):
        channel = floor.sim.incoming("8001", f"1380000001{n}")
        raw = base64.urlsafe_b64encode(json.dumps(state).encode()).decode()
        floor.sim.channels[channel].state = raw.rstrip("=")
    floor.sim.incoming("8001", "13800000001")
    await floor.restart_engine()
    await floor.until(lambda: len(floor.waiting()) == 4, "all wait")


async def test_a_long_outage_of_the_link_hangs_nobody_up(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    engine = floor.runner.engine
    _, effects = engine.agent_request(engine.centre.now, {"op": "hold", "agent_id": "a1"})
    floor.sim.cut_link()
    await floor.until(lambda: not engine.centre.switches["sim"].up, "down")
    floor.runner._do(effects)
    for n in range(1, 8):
        floor.runner._do(engine.on_timer(floor.sim.clock() + n * 4, f"settle:{call.call_id}"))
    floor.sim.restore_link()
    await floor.until(lambda: engine.centre.switches["sim"].reconciled, "reconciled")
    await floor.until(lambda: floor.hears_music(caller), "held", deadline=8.0)
    assert not any(isinstance(c, Hangup) for c in floor.sim.commands)


async def test_operations_on_a_call_are_refused_while_the_switch_is_away(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    floor.sim.cut_link()
    await floor.until(lambda: not floor.runner.engine.centre.switches["sim"].up, "down")
    for op in ("hold", "transfer", "consult", "rejoin", "digits"):
        reply = await floor.ask("a1", op, number="1002", device="1001", digits="1")
        assert reply["error"] == "agent.not_now", op
    assert (floor.agent("a1").state, len(floor.call(caller).legs)) == ("talking", 2)


async def test_a_hang_up_asked_for_again_and_again_does_not_hide_that_the_channel_is_gone(
    open_floor: OpenFloor,
) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call, engine = floor.call(caller), floor.runner.engine
    lose(floor, ChannelHungUp, ChannelUnbridged)
    await floor.do("a1", "hangup")
    await floor.until(lambda: not floor.sim.channels, "gone")
    now = floor.sim.clock() + 20.0
    floor.runner._do(engine.on_timer(now, f"settle:{call.call_id}"))
    floor.runner._do(engine.on_snapshot(now + 0.1, "sim", await floor.sim.snapshot(), now + 0.1, {}))
    assert not engine.centre.calls


async def test_the_link_comes_back_while_an_old_snapshot_is_worked_on(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    snapshot, taken = floor.sim.snapshot, []

    async def overtaken(deadline: float = 5.0) -> Snapshot:
        taken.append(await snapshot(deadline))
        if len(taken) == 1:
            floor.sim.cut_link()
            floor.sim.incoming("8001", "13800000009")
            floor.sim.restore_link()
            await floor.sim.settle()
        return taken[-1]

    floor.sim.snapshot = overtaken  # type: ignore[method-assign]
    await floor.runner._reconcile("sim", until_done=False)
    await floor.until(lambda: floor.waiting() == ["13800000009"], "the caller is known")


async def test_reconciliation_goes_on_after_a_mistake_of_ours(
    open_floor: OpenFloor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RECONCILE_EVERY", 0.01)
    floor = await open_floor()
    original, tries = floor.runner.engine.on_snapshot, []

    def once_wrong(*arguments: Any) -> Any:
        tries.append(arguments)
        if len(tries) == 1:
            raise KeyError("a bug")
        return original(*arguments)

    floor.runner.engine.on_snapshot = once_wrong  # type: ignore[method-assign]
    await floor.until(lambda: len(tries) > 2, "further snapshots")
    assert floor.runner.engine.centre.counters["engine:bug"] == 1


# ---------------------------------------------------------------- agents


async def test_a_page_that_logs_in_again_keeps_the_break(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await floor.do("a1", "not_ready", reason="lunch")
    document = await floor.do("a1", "login", device="1001")
    assert (document["state"], document["reason"]) == ("notReady", "lunch")


async def test_wrap_up_ends_although_the_clock_was_set_back(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await floor.on_duty("a1")
    floor.sim.hangup_by_caller(await floor.talking_to("a1"))
    await floor.until_agent("a1", "workingAfterCall")
    effects = floor.runner.engine.on_timer(floor.sim.clock() - 3600, "wrapup:a1")
    timers = [e for e in effects if isinstance(e, StartTimer)]
    assert [t.key for t in timers] == ["wrapup:a1"]
    assert timers[0].delay <= 30.0


async def test_an_agent_who_comes_out_of_a_call_without_a_phone_is_not_ready_for_long(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    floor.phone("a1").unregister()
    await floor.until(lambda: not floor.agent("a1").registered, "unregistered")
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "ready")
    assert "device:a1" in floor.runner._timers
    fire(floor, "device:a1")
    assert (floor.agent("a1").state, floor.agent("a1").reason) == ("notReady", "device_lost")


async def test_a_ready_agent_whose_phone_left_while_no_engine_ran(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    await floor.kill_engine()
    floor.phone("a1").unregister()
    await floor.restart_engine()
    assert "device:a1" in floor.runner._timers
    assert "device:a2" not in floor.runner._timers


async def test_an_agent_removed_in_a_call_leaves_when_it_ends(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    reconfigure(floor, agents=floor.config.agents[1:])
    await floor.do("a1", "ready")
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: "a1" not in floor.runner.engine.centre.agents, "gone")
    assert not floor.runner.engine.centre.wrapped


async def test_an_agent_removed_in_wrap_up_has_that_time_booked(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await floor.on_duty("a1")
    floor.sim.hangup_by_caller(await floor.talking_to("a1"))
    await floor.until_agent("a1", "workingAfterCall")
    reconfigure(floor, agents=floor.config.agents[1:])
    assert "a1" not in floor.runner.engine.centre.agents
    assert not floor.runner.engine.centre.wrapped
    await floor.told()
    last = await floor.bus.last("cy.log.agent.a1")
    assert last is not None
    assert last["state"] == "workingAfterCall"


# ---------------------------------------------------------------- hostile and unbounded


async def test_requests_with_absurd_numbers_are_refused(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await floor.on_duty("a1")
    floor.sim.hangup_by_caller(await floor.talking_to("a1"))
    await floor.until_agent("a1", "workingAfterCall")
    engine = floor.runner.engine
    for seconds in (10**400, -1, float("nan"), float("inf"), "5", None, True):
        request = {"op": "wrapup_extend", "agent_id": "a1", "seconds": seconds}
        assert engine.agent_request(floor.sim.clock(), request)[0]["error"] == "request.bad", seconds
    for op in ([], {}, None, 5):
        assert not engine.agent_request(floor.sim.clock(), {"op": op, "agent_id": op})[0]["ok"]
        assert not engine.centre_request(floor.sim.clock(), {"op": op})[0]["ok"]


async def test_test_calls_that_never_come_are_forgotten(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    engine = floor.runner.engine
    for n in range(50):
        request = {"op": "test_call", "dialed": "8001", "caller_number": f"138{n:08}"}
        assert engine.centre_request(1000.0 + n * 10, request)[0]["ok"]
    assert len(engine.centre.test_callers) < 4
    request["caller_number"] = "²³"
    assert engine.centre_request(2000.0, request)[0]["error"] == "request.bad"


async def test_counters_of_another_version_do_not_stop_the_engine(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    floor.runner.engine.restore_today({"queues": {ORDERS: {"offered": 3, "something_new": 1, "answered": "x"}}})
    today = floor.runner.engine.centre.queues[ORDERS].today
    assert (today.offered, today.answered) == (3, 0)


async def test_a_leg_given_up_that_shows_later_is_hung_up(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    late = floor.phone("a1").channel.id
    for leg in floor.call(caller).legs:
        leg.changed_at -= 10
    now, whole = floor.sim.clock(), await floor.sim.snapshot()
    without = dataclasses.replace(whole, channels=tuple(c for c in whole.channels if c.channel != late))
    floor.runner._do(floor.runner.engine.on_snapshot(now, "sim", without, now, {}))
    await floor.until_agent("a1", "notReady")
    await reconcile(floor)
    await floor.until(lambda: late not in floor.sim.channels, "the phone rings no more", deadline=0.5)
    assert floor.waiting() == ["13800000001"]
    assert floor.illegal() == {}


async def test_a_recording_that_did_not_start_is_tried_again_at_the_next_join(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    floor.sim.fail_next(RecordStart, CommandRefused("no such folder"))
    caller = await floor.talking_to("a1")
    assert floor.call(caller).recordings[0].ended_at is not None
    await floor.do("a1", "hold")
    await floor.until(lambda: floor.hears_music(caller), "music")
    await floor.do("a1", "retrieve")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "talking")
    assert [r.ended_at is None for r in floor.call(caller).recordings] == [False, True]
    assert floor.sim.channels[caller].recordings


async def test_an_agent_whose_number_changed_does_not_keep_the_phone_of_the_old_one(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    one, two, *rest = floor.config.agents
    reconfigure(floor, agents=(dataclasses.replace(one, number="1009"), dataclasses.replace(two, name="New"), *rest))
    assert (floor.agent("a1").state, floor.agent("a2").state) == ("loggedOff", "ready")
