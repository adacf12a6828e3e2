"""How satisfied callers are: asked when the agent has hung up, answered by a key, and never in the agent's way."""

from __future__ import annotations

import pytest

from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import Play, RecordStop
from cti.domain.switch.events import ChannelUnbridged
from tests.floor import ORDERS, Floor
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import consulting, fire, lose, outbound, reconcile

QUESTION, THANKS, GOODBYE = "zh_CN/survey_question", "zh_CN/survey_thanks", "zh_CN/goodbye"


def said(floor: Floor) -> list[str]:
    return [prompt for c in floor.sim.commands if isinstance(c, Play) for prompt in c.prompts]


async def asked(open_floor: OpenFloor) -> tuple[Floor, str]:
    """a1 has hung up, the caller hears the question; the caller's channel."""
    floor = await open_floor(survey=True)
    floor.sim.play_seconds = 30.0
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    floor.phone("a1").hangup()
    await heard(floor, caller, QUESTION)
    return floor, caller


async def heard(floor: Floor, caller: str, prompt: str) -> None:
    await floor.until(lambda: floor.sim.channels[caller].prompts == (prompt,), prompt)


async def gone(floor: Floor, caller: str) -> None:
    floor.sim.play_seconds = 0.01
    await floor.until(lambda: caller not in floor.runner.engine.centre.channels, "the end")
    assert caller not in floor.sim.channels
    assert floor.illegal() == {}


@pytest.mark.parametrize(("key", "rating"), [("1", 1), ("2", 2), ("3", 3)])
@pytest.mark.parametrize("way", ["phone", "desk"])
async def test_the_key_is_the_rating_of_the_agent(open_floor: OpenFloor, way: str, key: str, rating: int) -> None:
    floor = await open_floor(survey=True)
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    floor.sim.play_seconds = 30.0
    if way == "phone":
        floor.phone("a1").hangup()
    else:
        await floor.do("a1", "hangup")
    await heard(floor, caller, QUESTION)
    assert (await floor.ledger(call.call_id))["state"] == "survey"
    floor.sim.play_seconds = 0.01
    floor.sim.press(caller, key)
    await gone(floor, caller)
    assert said(floor)[-2:] == [QUESTION, THANKS]
    ledger = await floor.ledger(call.call_id)
    assert (ledger["rating"], ledger["rated_agent"], ledger["ended_by"]) == (rating, "a1", "agent")
    assert ledger["answered_at"] < ledger["surveyed_at"] < ledger["ended_at"]


async def test_the_agent_is_free_before_the_caller_has_answered_and_is_not_recorded_any_more(
    open_floor: OpenFloor,
) -> None:
    floor, caller = await asked(open_floor)
    assert floor.agent("a1").state == "ready"
    assert not floor.sim.channels[caller].recordings
    stopped = next(n for n, c in enumerate(floor.sim.commands) if isinstance(c, RecordStop))
    question = next(n for n, c in enumerate(floor.sim.commands) if isinstance(c, Play) and c.prompts == (QUESTION,))
    assert stopped < question
    second = await floor.talking_to("a1", number="13800000002")
    floor.sim.press(caller, "2")
    await floor.until(lambda: floor.call(caller).rating == 2, "rated")
    assert floor.talks_with(second, "a1")


async def test_without_the_setting_the_caller_goes_with_the_agent(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    floor.phone("a1").hangup()
    await gone(floor, caller)
    assert QUESTION not in said(floor)
    assert (await floor.ledger(call.call_id))["surveyed_at"] is None


async def test_a_caller_who_hangs_up_first_is_not_asked(open_floor: OpenFloor) -> None:
    floor = await open_floor(survey=True)
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    floor.sim.hangup_by_caller(caller)
    await gone(floor, caller)
    ledger = await floor.ledger(call.call_id)
    assert (ledger["ended_by"], ledger["surveyed_at"], QUESTION in said(floor)) == ("customer", None, False)


async def test_who_is_called_is_not_asked(open_floor: OpenFloor) -> None:
    floor = await open_floor(survey=True)
    await floor.on_duty("a1")
    customer = await outbound(floor, "a1")
    floor.phone("a1").hangup()
    await gone(floor, customer)
    assert QUESTION not in said(floor)


async def test_who_says_nothing_is_asked_twice_and_gives_no_rating(open_floor: OpenFloor) -> None:
    floor, caller = await asked(open_floor)
    call = floor.call(caller)
    fire(floor, f"survey:{call.call_id}")
    await floor.until(lambda: said(floor).count(QUESTION) == 2, "asked again")
    fire(floor, f"survey:{call.call_id}")
    await gone(floor, caller)
    assert said(floor).count(QUESTION) == 2
    assert said(floor)[-1] == GOODBYE
    assert (await floor.ledger(call.call_id))["rating"] is None


async def test_another_key_asks_once_more(open_floor: OpenFloor) -> None:
    floor, caller = await asked(open_floor)
    call = floor.call(caller)
    floor.sim.press(caller, "7")
    await floor.until(lambda: said(floor).count(QUESTION) == 2, "asked again")
    floor.sim.press(caller, "#")
    await gone(floor, caller)
    assert (said(floor)[-1], call.rating) == (GOODBYE, None)


async def test_the_first_answer_counts(open_floor: OpenFloor) -> None:
    floor, caller = await asked(open_floor)
    call = floor.call(caller)
    floor.sim.press(caller, "31")
    await gone(floor, caller)
    assert (await floor.ledger(call.call_id))["rating"] == 3


async def test_who_hangs_up_in_the_question_gives_no_rating(open_floor: OpenFloor) -> None:
    floor, caller = await asked(open_floor)
    call = floor.call(caller)
    floor.sim.hangup_by_caller(caller)
    await gone(floor, caller)
    ledger = await floor.ledger(call.call_id)
    assert (ledger["rating"], ledger["ended_by"], ledger["state"]) == (None, "agent", "ended")
    assert f"survey:{call.call_id}" not in floor.runner._timers


async def test_a_question_that_cannot_be_played_is_not_waited_for(open_floor: OpenFloor) -> None:
    floor = await open_floor(survey=True)
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    floor.sim.fail_next(Play, CommandRefused("no such file"))
    floor.phone("a1").hangup()
    await gone(floor, caller)
    assert said(floor)[-1] == GOODBYE


async def test_after_a_transfer_the_last_agent_is_rated(open_floor: OpenFloor) -> None:
    floor = await open_floor(survey=True)
    await floor.on_duty("a1", "a2")
    caller = await consulting(floor)
    call = floor.call(caller)
    await floor.do("a1", "complete")
    await floor.until(lambda: floor.talks_with(caller, "a2"), "passed on")
    assert QUESTION not in said(floor)
    floor.sim.play_seconds = 30.0
    await floor.do("a2", "hangup")
    await heard(floor, caller, QUESTION)
    floor.sim.press(caller, "1")
    await gone(floor, caller)
    ledger = await floor.ledger(call.call_id)
    assert (ledger["rating"], ledger["rated_agent"], ledger["queue_id"]) == (1, "a2", ORDERS)


async def test_a_supervisor_who_drops_the_call_ends_it(open_floor: OpenFloor) -> None:
    floor = await open_floor(survey=True)
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    reply = await floor.bus.request("cy.cmd.supervisor", {"op": "drop", "call_id": call.call_id})
    assert reply["ok"]
    await gone(floor, caller)
    assert QUESTION not in said(floor)


async def test_a_killed_engine_asks_anew(open_floor: OpenFloor) -> None:
    floor, caller = await asked(open_floor)
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    await floor.until(lambda: said(floor).count(QUESTION) == 2, "asked anew")
    floor.sim.press(caller, "2")
    call = floor.call(caller)
    await gone(floor, caller)
    ledger = await floor.ledger(call.call_id)
    assert (ledger["rating"], ledger["rated_agent"], ledger["ended_by"]) == (2, "a1", "agent")


async def test_an_engine_killed_after_the_answer_keeps_it_and_ends_the_call(open_floor: OpenFloor) -> None:
    floor, caller = await asked(open_floor)
    floor.sim.press(caller, "1")
    await heard(floor, caller, THANKS)
    await floor.told()
    await floor.kill_engine()
    floor.sim.play_seconds = 0.01
    await floor.restart_engine()
    call = floor.call(caller)
    await gone(floor, caller)
    assert ((await floor.ledger(call.call_id))["rating"], said(floor).count(QUESTION)) == (1, 1)


async def test_a_switch_that_does_not_give_the_caller_back_leaves_nobody_on_the_line(open_floor: OpenFloor) -> None:
    floor = await open_floor(survey=True)
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    lose(floor, ChannelUnbridged)
    floor.phone("a1").hangup()
    await floor.until_agent("a1", "ready")
    fire(floor, f"survey:{call.call_id}")
    await gone(floor, caller)
    assert QUESTION not in said(floor)


async def test_news_that_was_lost_is_caught_up_with(open_floor: OpenFloor) -> None:
    floor = await open_floor(survey=True)
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    lose(floor, ChannelUnbridged)
    floor.phone("a1").hangup()
    await floor.until_agent("a1", "ready")
    await reconcile(floor)
    fire(floor, f"survey:{floor.call(caller).call_id}")
    await heard(floor, caller, QUESTION)
