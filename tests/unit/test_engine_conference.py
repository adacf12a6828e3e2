"""Three together: how a conference begins, who leaves it in which way, and what is left; a transfer taken back."""

from __future__ import annotations

import pytest

from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import Confer
from cti.domain.switch.events import ChannelConferenced
from cti.domain.switch.terms import Cause
from tests.floor import Floor
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import consulting, fire, lose, reconcile


def in_room(floor: Floor) -> set[str]:
    return {channel.id for channel in floor.sim.channels.values() if channel.conference}


def channels(floor: Floor, caller: str, *agent_ids: str) -> set[str]:
    return {caller, *(floor.phone(agent_id).channel.id for agent_id in agent_ids)}


async def three_talk(floor: Floor) -> str:
    """a1, a caller and a2 are in a conference; the caller's channel."""
    caller = await consulting(floor)
    await floor.do("a1", "conference")
    await floor.until(lambda: in_room(floor) == channels(floor, caller, "a1", "a2"), "all three in")
    await floor.until(lambda: floor.call(caller).transfers[-1].result == "completed", "conferenced")
    return caller


async def test_the_three_of_a_consultation_come_together(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await three_talk(floor)
    document = await floor.do("a1", "state")
    assert (document["state"], document["call"]["consult"]["state"]) == ("talking", "conference")
    assert floor.agent("a2").state == "talking"
    assert not floor.hears_music(caller)
    ledger = await floor.ledger(floor.call(caller).call_id)
    assert [(t["kind"], t["from_agent"], t["to_agent"], t["result"]) for t in ledger["transfers"]] == [
        ("conference", "a1", "a2", "completed")
    ]
    assert [(r["agent_id"], r["ended_at"] is None) for r in ledger["recordings"]] == [("a1", True), ("a2", False)]
    assert ledger["legs"][0]["held_seconds"] > 0
    assert floor.illegal() == {}


@pytest.mark.parametrize("way", ["complete", "hangup", "phone"])
async def test_the_agent_leaves_and_the_other_two_go_on(open_floor: OpenFloor, way: str) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await three_talk(floor)
    if way == "phone":
        floor.phone("a1").hangup()
    else:
        await floor.do("a1", way)
    await floor.until(lambda: floor.talks_with(caller, "a2"), "customer with the colleague")
    await floor.until_agent("a1", "ready")
    await floor.until(lambda: floor.call(caller).transfers[-1].result == "completed", "transferred")
    assert [(t.kind, t.to_agent) for t in floor.call(caller).transfers] == [("conference", "a2"), ("consult", "a2")]
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a2", "ready")
    assert not floor.sim.channels
    assert floor.illegal() == {}


@pytest.mark.parametrize("way", ["take_back", "phone"])
async def test_the_third_goes_and_the_agent_talks_on_with_the_customer(open_floor: OpenFloor, way: str) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await three_talk(floor)
    if way == "phone":
        floor.phone("a2").hangup()
    else:
        await floor.do("a1", "take_back")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "the two")
    await floor.until_agent("a2", "ready")
    assert floor.agent("a1").state == "talking"
    await floor.do("a1", "hold")
    await floor.until(lambda: floor.hears_music(caller), "held")
    assert floor.illegal() == {}


async def test_the_customer_goes_and_the_colleagues_talk_on(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await three_talk(floor)
    call_id = floor.call(caller).call_id
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: floor.talks_with(floor.phone("a1").channel.id, "a2"), "colleagues")
    assert floor.agent("a1").notice == "caller_gone"
    await floor.do("a1", "hangup")
    await floor.until_agent("a2", "ready")
    assert (await floor.ledger(call_id))["ended_by"] == "customer"
    assert floor.illegal() == {}


async def test_a_number_outside_is_the_third_and_stays_with_the_customer(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    outside = floor.sim.outside("13900000003").will_answer()
    await floor.do("a1", "consult", number="13900000003")
    await floor.until(lambda: floor.phone("a1").channel.peer, "they talk")
    await floor.do("a1", "conference")
    await floor.until(lambda: len(in_room(floor)) == 3, "all three in")
    await floor.do("a1", "complete")
    await floor.until_agent("a1", "ready")
    await floor.until(lambda: floor.sim.channels[caller].peer is outside.channel, "customer with the number")
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: not floor.sim.channels, "all over")
    assert floor.illegal() == {}


async def test_a_reload_in_a_conference_comes_back_into_it(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await three_talk(floor)
    for agent_id in ("a1", "a2"):
        old = floor.phone(agent_id).channel.id
        await floor.do(agent_id, "rejoin", device=floor.agent(agent_id).number)
        await floor.until(lambda old=old: old not in floor.sim.channels, "old one gone")
        await floor.until(lambda: in_room(floor) == channels(floor, caller, "a1", "a2"), f"{agent_id} is back")
    assert floor.illegal() == {}


async def test_an_agent_who_is_lost_for_good_leaves_the_customer_with_the_third(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await three_talk(floor)
    call = floor.call(caller)
    floor.sim.far_end(floor.phone("a1").channel, Cause.MEDIA_LOST)
    await floor.until(lambda: call.waiting_for_agent, "waits for a1")
    assert in_room(floor) == channels(floor, caller, "a2")
    fire(floor, f"rejoin:{call.call_id}")
    await floor.until(lambda: floor.talks_with(caller, "a2"), "the two")
    assert floor.illegal() == {}


async def test_a_killed_engine_finds_the_conference_again(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await three_talk(floor)
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    assert in_room(floor) == channels(floor, caller, "a1", "a2")
    assert (await floor.do("a1", "state"))["call"]["consult"]["state"] == "conference"
    await floor.do("a1", "take_back")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "the two")
    await floor.until_agent("a2", "ready")
    assert floor.illegal() == {}


async def test_the_third_goes_while_no_engine_runs(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await three_talk(floor)
    await floor.told()
    await floor.kill_engine()
    floor.phone("a2").hangup()
    await floor.restart_engine()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "the two")
    assert floor.agent("a1").state == "talking"
    await floor.until_agent("a2", "ready")


async def test_the_link_is_cut_in_a_conference(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await three_talk(floor)
    before = in_room(floor)
    floor.sim.cut_link()
    await floor.until(lambda: not floor.status()[0].up, "down")
    assert (await floor.ask("a1", "complete"))["ok"] is False
    floor.sim.restore_link()
    await floor.reconciled()
    assert in_room(floor) == before
    floor.sim.cut_link()
    await floor.until(lambda: not floor.status()[0].up, "down again")
    await floor.do("a1", "hangup")
    assert floor.agent("a1").state == "ready"
    floor.sim.restore_link()
    await floor.until(lambda: floor.talks_with(caller, "a2"), "the other two", deadline=8.0)


async def test_a_missed_report_is_made_up_for_by_reconciling(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await consulting(floor)
    lose(floor, ChannelConferenced)
    await floor.do("a1", "conference")
    await floor.until(lambda: len(in_room(floor)) == 3, "all three in")
    await reconcile(floor)
    assert floor.call(caller).transfers[-1].result == "completed"


async def test_a_switch_that_cannot_leaves_the_consultation_as_it_was(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await consulting(floor)
    for _ in range(8):
        floor.sim.fail_next(Confer, CommandRefused("no such application"))
    await floor.do("a1", "conference")
    talk = lambda: floor.talks_with(floor.phone("a1").channel.id, "a2") and not floor.call(caller).room  # noqa: E731
    await floor.until(talk, "they consult again", deadline=8.0)
    await floor.until(lambda: floor.hears_music(caller), "music")
    assert floor.sim.channels[caller].answered


async def test_what_makes_no_sense_is_refused(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    assert (await floor.ask("a1", "conference"))["ok"] is False
    await floor.talking_to("a1")
    assert (await floor.ask("a1", "conference"))["ok"] is False
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    assert (await floor.ask("a1", "conference"))["ok"] is False  # it only rings
    floor.phone("a2").answer()
    await floor.talks("a2")
    assert (await floor.ask("a2", "conference"))["ok"] is False  # not a2's customer
    await floor.do("a1", "conference")
    for op, arguments in (("conference", {}), ("hold", {}), ("transfer", {"number": "1003"}), ("retrieve", {})):
        assert (await floor.ask("a1", op, **arguments))["ok"] is False, op


@pytest.mark.parametrize("number", ["1002", "13900000002", "2001"])
async def test_a_blind_transfer_that_nobody_answers_can_be_taken_back(open_floor: OpenFloor, number: str) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    if number == "2001":
        await floor.do("a2", "not_ready", reason="lunch")
        await floor.do("a1", "not_ready", reason="lunch")
    document = await floor.do("a1", "transfer", number=number)
    await floor.until(lambda: not floor.agent("a1").call_id, "a1 is out")
    document = await floor.do("a1", "state")
    assert document["transferred"] == {"call_id": call.call_id, "number": number}
    floor.phone("a1").will_answer()
    await floor.do("a1", "take_back")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "back")
    await floor.until(lambda: floor.agent("a2").state in ("ready", "notReady"), "a2 is free")
    await floor.until(lambda: len(floor.sim.channels) == 2, "nobody else")
    assert [(t.kind, t.result) for t in call.transfers] == [("blind", "taken_back")]
    assert (await floor.do("a1", "state"))["transferred"] is None
    assert floor.waiting() == []
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: not floor.sim.channels, "over")
    assert floor.illegal() == {}


async def test_once_answered_it_cannot_be_taken_back(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2", "a3")
    caller = await floor.talking_to("a1")
    floor.phone("a2").will_answer()
    await floor.do("a1", "transfer", number="1002")
    await floor.until(lambda: floor.talks_with(caller, "a2"), "transferred")
    assert (await floor.ask("a1", "take_back"))["ok"] is False
    assert (await floor.ask("a3", "take_back"))["ok"] is False
