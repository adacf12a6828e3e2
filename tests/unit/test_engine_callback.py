"""Callers who keep their place in a queue and are called back: the dialogue, the place, the attempts, restarts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cti.domain.calls import Call
from cti.domain.config.queues import Overflow, OverflowWhen
from cti.domain.config.routes import RouteTarget, TargetKind
from cti.domain.switch.commands import Originate, Play, TrunkTarget
from cti.domain.switch.terms import Cause
from tests.floor import ORDERS, Floor
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import fire

NUMBER = "13800000001"


async def offering(open_floor: OpenFloor, agents: int = 3, **queue: Any) -> Floor:
    settings = {"callback": True, "callback_every": 0.05, "announce_every": 0.0, **queue}
    return await open_floor(agents, **settings)


async def keeps_the_place(floor: Floor, number: str = NUMBER) -> Call:
    """A caller asks for a callback to the own number, and hangs up; the call that waits for it."""
    caller = await floor.call_in(number=number)
    await floor.until(lambda: floor.waiting(), "waiting")
    floor.sim.press(caller, "1")
    await floor.until(lambda: said(floor)[-1:] == ["zh_CN/callback_confirm"], "confirmation")
    floor.sim.press(caller, "1")
    await floor.until(lambda: caller not in floor.sim.channels, "the goodbye")
    assert said(floor)[-1] == "zh_CN/callback_saved"
    return place_of(floor, number)


def in_line(floor: Floor, number: str = NUMBER) -> list[Call]:
    return [call for call in floor.runner.engine.centre.queues[ORDERS].waiting if call.dnis == number]


def place_of(floor: Floor, number: str = NUMBER) -> Call:
    [call] = in_line(floor, number)
    return call


def said(floor: Floor) -> list[str]:
    return [prompt for c in floor.sim.commands if isinstance(c, Play) for prompt in c.prompts]


def dialled_out(floor: Floor) -> list[str]:
    targets = [c.target for c in floor.sim.commands if isinstance(c, Originate)]
    return [target.number for target in targets if isinstance(target, TrunkTarget)]


def places(floor: Floor) -> list[dict[str, Any]]:
    return [place.to_document() for place in floor.runner.engine._routing.callbacks._places.values()]


def today(floor: Floor) -> tuple[int, int, int]:
    counted = floor.runner.engine.centre.queues[ORDERS].today
    return (counted.offered, counted.answered, counted.abandoned)


# ---------------------------------------------------------------- whole


async def test_who_hangs_up_keeps_the_place_and_is_called_when_it_is_reached(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    waiting = await keeps_the_place(floor)
    later = await floor.call_in(number="13800000002")
    await floor.until(lambda: len(floor.runner.engine.centre.queues[ORDERS]) == 2, "two in line")
    customer = floor.sim.outside(NUMBER).will_ring()
    await floor.on_duty("a1")
    await floor.rings("a1")
    assert floor.call_of("a1") is waiting, "the place is before who came later"
    document = await floor.do("a1", "state")
    assert (document["call"]["number"], document["call"]["callback"]) == (NUMBER, True)
    assert dialled_out(floor) == []
    floor.phone("a1").answer()
    await floor.until(lambda: customer.ringing, "the customer's phone")
    customer.answer()
    await floor.talks("a1")
    assert places(floor) == []
    assert waiting.recordings
    assert later in floor.sim.channels
    customer.hangup()
    await floor.until(lambda: waiting.ended_at is not None, "the end")
    assert today(floor)[:2] == (2, 1)
    assert today(floor)[2] == 0
    assert dialled_out(floor) == [NUMBER]
    assert floor.illegal() == {}


async def test_the_queue_shows_the_place(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    await keeps_the_place(floor)
    reply = await floor.bus.request("cy.cmd.centre", {"op": "floor"})
    [line] = reply["queues"][0]["waiting"]
    assert (line["number"], line["callback"], line["position"]) == (NUMBER, True, 1)


# ---------------------------------------------------------------- the dialogue


async def test_another_number_is_typed_and_confirmed(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    caller = await floor.call_in()
    await floor.until(lambda: floor.waiting(), "waiting")
    floor.sim.press(caller, "1")
    await floor.until(lambda: said(floor)[-1:] == ["zh_CN/callback_confirm"], "confirmation")
    floor.sim.press(caller, "2")
    await floor.until(lambda: said(floor)[-1:] == ["zh_CN/callback_enter"], "the number")
    floor.sim.press(caller, "13900000007#")
    await floor.until(lambda: said(floor)[-1:] == ["zh_CN/callback_confirm"], "confirmation")
    assert said(floor)[-3:-1] == ["zh_CN/n_0", "zh_CN/n_7"]
    floor.sim.press(caller, "1")
    await floor.until(lambda: caller not in floor.sim.channels, "the goodbye")
    assert [place["number"] for place in places(floor)] == ["13900000007"]


async def test_a_caller_without_a_number_has_to_type_one(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    caller = await floor.call_in(number="anonymous")
    await floor.until(lambda: floor.waiting(), "waiting")
    floor.sim.press(caller, "1")
    await floor.until(lambda: said(floor) == ["zh_CN/callback_enter"], "the number")
    floor.sim.press(caller, "12#")
    await floor.until(lambda: said(floor) == ["zh_CN/callback_enter"] * 2, "once more")


async def test_nobody_has_us_call_abroad(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    caller = await floor.call_in(number="anonymous")
    await floor.until(lambda: floor.waiting(), "waiting")
    floor.sim.press(caller, "1")
    await floor.until(lambda: said(floor) == ["zh_CN/callback_enter"], "the number")
    floor.sim.press(caller, "00881612345678#")
    await floor.until(lambda: said(floor) == ["zh_CN/callback_enter"] * 2, "once more")


async def test_who_changes_their_mind_waits_on_with_music(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    caller = await floor.call_in()
    await floor.until(lambda: floor.hears_music(caller), "music")
    floor.sim.press(caller, "1")
    await floor.until(lambda: said(floor)[-1:] == ["zh_CN/callback_confirm"], "confirmation")
    floor.sim.press(caller, "*")
    await floor.until(lambda: floor.hears_music(caller), "music")
    assert floor.waiting() == [NUMBER]
    assert places(floor) == []


async def test_an_agent_may_answer_in_the_middle_of_the_dialogue(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    caller = await floor.call_in()
    await floor.until(lambda: floor.waiting(), "waiting")
    floor.sim.press(caller, "1")
    await floor.until(lambda: said(floor)[-1:] == ["zh_CN/callback_confirm"], "confirmation")
    await floor.on_duty("a1")
    await floor.rings("a1")
    floor.sim.press(caller, "1")
    floor.phone("a1").answer()
    await floor.talks("a1")
    assert floor.talks_with(caller, "a1")
    assert places(floor) == []


async def test_where_it_is_not_offered_keys_do_nothing(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor, callback=False)
    caller = await floor.call_in()
    await floor.until(lambda: floor.waiting(), "waiting")
    floor.sim.press(caller, "1")
    await floor.sim.settle()
    assert said(floor) == []


async def test_it_is_offered_with_the_announcements(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor, announce_every=0.02, announce_max=1)
    await floor.call_in()
    await floor.until(lambda: said(floor)[-1:] == ["zh_CN/callback_offer"], "the offer")


async def test_it_is_offered_once_by_a_rule_of_the_queue(open_floor: OpenFloor) -> None:
    rule = Overflow(OverflowWhen.WAITED, RouteTarget(TargetKind.CALLBACK), 0.05)
    floor = await offering(open_floor, overflow=(rule,))
    caller = await floor.call_in()
    await floor.until(lambda: said(floor) == ["zh_CN/callback_offer"], "the offer")
    await floor.until(lambda: floor.hears_music(caller), "music again")
    assert floor.waiting() == [NUMBER]
    fire(floor, f"overflow:{floor.call(caller).call_id}")
    await floor.sim.settle()
    assert said(floor) == ["zh_CN/callback_offer"]


async def test_a_rule_offers_nothing_where_no_places_are_kept(open_floor: OpenFloor) -> None:
    rule = Overflow(OverflowWhen.WAITED, RouteTarget(TargetKind.CALLBACK), 0.0)
    floor = await offering(open_floor, overflow=(rule,), callback=False)
    caller = await floor.call_in()
    await floor.until(lambda: floor.hears_music(caller), "music")
    fire(floor, f"overflow:{floor.call(caller).call_id}")
    await floor.sim.settle()
    assert said(floor) == []


async def test_one_number_has_one_place_in_a_queue(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    first = await keeps_the_place(floor)
    assert await keeps_the_place(floor) is first
    assert len(places(floor)) == 1


# ---------------------------------------------------------------- attempts


async def test_a_customer_who_is_busy_is_called_again_and_then_no_more(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor, callback_tries=2)
    first = await keeps_the_place(floor)
    floor.sim.outside(NUMBER).will_end(Cause.BUSY)
    floor.phone("a1").will_answer()
    await floor.on_duty("a1")
    await floor.until(lambda: dialled_out(floor) == [NUMBER] * 2, "two attempts")
    await floor.until(lambda: not floor.runner.engine.centre.calls, "the end")
    assert places(floor) == []
    assert (await floor.ledger(first.call_id))["given_up"] is False
    await floor.until_agent("a1", "ready")
    assert today(floor) == (1, 0, 0)
    assert floor.illegal() == {}


async def test_the_last_attempt_says_that_it_was(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor, callback_tries=1)
    only = await keeps_the_place(floor)
    floor.sim.outside(NUMBER).will_end(Cause.NO_ANSWER)
    floor.phone("a1").will_answer()
    await floor.on_duty("a1")
    await floor.until(lambda: only.ended_at is not None, "the end")
    ledger = await floor.ledger(only.call_id)
    assert (ledger["given_up"], ledger["direction"], ledger["answered_at"]) == (True, "outbound", None)


async def test_an_agent_who_does_not_answer_costs_no_attempt(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor, agents=2, callback_tries=1, ring_timeout=0.6)
    await keeps_the_place(floor)
    await floor.on_duty("a1")
    await floor.rings("a1")
    await floor.until_agent("a1", "notReady")
    assert floor.agent("a1").reason == "no_answer"
    await floor.until(lambda: in_line(floor), "still in line")
    assert [place["tries"] for place in places(floor)] == [0]
    await floor.on_duty("a2")
    await floor.rings("a2")


async def test_nobody_is_asked_while_there_is_no_way_to_call(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    await keeps_the_place(floor)
    await floor.configure(replace(floor.config, trunks=()))
    await floor.on_duty("a1")
    await floor.sim.settle()
    assert floor.agent("a1").state == "ready"


# ---------------------------------------------------------------- restarts


async def test_places_survive_the_engine(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    before = await keeps_the_place(floor)
    await floor.until(lambda: stored(floor), "stored")
    await floor.kill_engine()
    await floor.restart_engine()
    await floor.until(lambda: in_line(floor), "in line again")
    assert place_of(floor).queued_at == before.queued_at
    assert len(places(floor)) == 1


async def test_an_attempt_that_goes_on_while_the_engine_is_killed_is_the_only_one(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    await keeps_the_place(floor)
    customer = floor.sim.outside(NUMBER).will_ring()
    await floor.on_duty("a1")
    await floor.rings("a1")
    floor.phone("a1").answer()
    await floor.until(lambda: customer.ringing, "the customer's phone")
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    customer.answer()
    await floor.talks("a1")
    assert places(floor) == []
    assert dialled_out(floor) == [NUMBER]


async def test_a_customer_who_was_reached_is_not_called_after_a_restart(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    await keeps_the_place(floor)
    floor.sim.outside(NUMBER).will_answer()
    floor.phone("a1").will_answer()
    await floor.on_duty("a1")
    await floor.talks("a1")
    await floor.told()
    await floor.kill_engine()
    floor.sim.outside(NUMBER).hangup()
    await floor.restart_engine()
    await floor.until_agent("a1", "ready")
    assert floor.runner.engine.centre.calls == {}
    assert dialled_out(floor) == [NUMBER]


def stored(floor: Floor) -> bool:
    return bool(floor.broker.buckets.get("cy_callbacks"))


# ---------------------------------------------------------------- places that are not needed any more


async def test_who_calls_again_and_is_served_is_not_called_back(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor, agents=1, needs=())
    waiting = await keeps_the_place(floor)
    again = await floor.call_in()
    await floor.until(lambda: len(floor.runner.engine.centre.queues[ORDERS]) == 2, "two in line")
    call = floor.call(again)
    call.first_in_line = True
    floor.runner.engine._acd.line_up(call)
    await floor.on_duty("a1")
    await floor.rings("a1")
    floor.phone("a1").answer()
    await floor.talks("a1")
    assert floor.talks_with(again, "a1")
    assert places(floor) == []
    assert waiting.call_id not in floor.runner.engine.centre.calls
    assert floor.waiting() == []


async def test_a_supervisor_removes_a_place(open_floor: OpenFloor) -> None:
    floor = await offering(open_floor)
    waiting = await keeps_the_place(floor)
    reply = await floor.bus.request("cy.cmd.supervisor", {"op": "drop", "call_id": waiting.call_id})
    assert reply["ok"], reply
    assert places(floor) == []
    assert floor.runner.engine.centre.calls == {}
    await floor.on_duty("a1")
    assert floor.agent("a1").state == "ready"
