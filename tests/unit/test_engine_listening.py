"""A supervisor who listens, whispers, barges in and takes a call over, on the simulator; and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from cti.domain.errors import CommandRefused
from cti.domain.legs import LegKind
from cti.domain.switch.commands import Command, Spy
from cti.domain.switch.terms import Cause
from tests.floor import Floor
from tests.unit.conftest import OpenFloor
from tests.unit.test_engine_supervision import ask, do, refused


async def listens(floor: Floor, op: str = "listen", supervisor: str = "a3", agent: str = "a1") -> None:
    """The supervisor's phone is called and picks up by itself."""
    await do(floor, op, supervisor=supervisor, agent_id=agent)
    await floor.talks(supervisor)


def heard(floor: Floor) -> dict[str, tuple[str, str]]:
    """Who hears whom, and how, as the switch has it: by extension of the supervisor."""
    spies = [chan for sim in floor.sims for chan in sim.channels.values() if chan.spying is not None]
    return {str(c.device): (str(c.spying.device), str(c.spy_mode)) for c in spies if c.spying is not None}


async def hears(floor: Floor, expected: dict[str, tuple[str, str]]) -> None:
    await floor.until(lambda: heard(floor) == expected, f"{expected} is heard")


async def on_a_call(floor: Floor) -> str:
    """a1 talks with a customer; a3 is on duty with a state that must come back. The customer's channel."""
    await floor.on_duty("a1")
    channel = await floor.talking_to("a1")
    await floor.on_duty("a3")
    await floor.do("a3", "not_ready", reason="meeting")
    return channel


async def test_listening_whispering_barging_and_stopping(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    channel = await on_a_call(floor)
    await listens(floor)
    await hears(floor, {"1003": ("1001", "listen")})
    assert floor.agent("a1").notice == ""
    own = await floor.do("a3", "state")
    assert (own["call"]["role"], own["call"]["listens"]) == ("supervisor", {"agent_id": "a1", "mode": "listen"})
    for mode in ("whisper", "barge", "listen"):
        await do(floor, mode, supervisor="a3", agent_id="a1")
        await hears(floor, {"1003": ("1001", mode)})
    assert floor.agent("a1").notice == "barged"
    assert floor.talks_with(channel, "a1")
    await do(floor, "stop", supervisor="a3")
    await floor.until_agent("a3", "notReady")
    assert (floor.agent("a3").reason, floor.agent("a3").calls) == ("meeting", 0)
    assert floor.talks_with(channel, "a1")
    assert await refused(floor, "stop", supervisor="a3") == "agent.not_now"
    entries = [leg for leg in (await floor.ledger(floor.call(channel).call_id))["legs"] if leg["kind"] == "supervisor"]
    assert [leg["agent_id"] for leg in entries] == ["a3"]
    assert not floor.illegal()


async def test_who_barges_in_is_recorded_and_who_whispers_is_not(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    call = floor.call(await on_a_call(floor))
    await listens(floor, "barge")
    own = floor.phone("a3").channel

    def running() -> list[str]:
        return [r.agent_id for r in call.recordings if r.channel == own.id and r.ended_at is None]

    await floor.until(lambda: len(own.recordings) == 1, "recorded")
    assert running() == ["a3"]
    await floor.do("a1", "hold")
    await floor.do("a1", "retrieve")
    await floor.talks("a1")
    await do(floor, "whisper", supervisor="a3", agent_id="a1")
    await floor.until(lambda: not own.recordings, "not recorded")
    assert running() == []
    await do(floor, "barge", supervisor="a3", agent_id="a1")
    await floor.until(lambda: len(own.recordings) == 1, "recorded again")
    await do(floor, "stop", supervisor="a3")
    await floor.until_agent("a3", "notReady")
    ledger = await floor.ledger(call.call_id)
    mine = [r for r in ledger["recordings"] if r["agent_id"] == "a3"]
    assert [r["ended_at"] is not None for r in mine] == [True, True]


async def test_the_end_of_the_call_ends_it(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    channel = await on_a_call(floor)
    await listens(floor)
    floor.sim.hangup_by_caller(channel)
    await floor.until_agent("a3", "notReady")
    await floor.until_agent("a1", "ready")
    await floor.until(lambda: not floor.runner.engine.centre.calls, "no call")
    channel = await floor.talking_to("a1", number="13800000002")
    await listens(floor)
    await floor.do("a1", "hangup")
    await floor.until_agent("a3", "notReady")
    await floor.until(lambda: not floor.runner.engine.centre.calls, "no call")


async def test_the_supervisors_hangup_ends_only_the_listening(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    channel = await on_a_call(floor)
    await listens(floor)
    await floor.do("a3", "hangup")
    await floor.until_agent("a3", "notReady")
    await listens(floor)
    floor.phone("a3").hangup()
    await floor.until_agent("a3", "notReady")
    assert floor.talks_with(channel, "a1")
    floor.phone("a3").auto_answers = False
    await do(floor, "listen", supervisor="a3", agent_id="a1")
    await floor.rings("a3")
    floor.phone("a3").reject()
    await floor.until_agent("a3", "notReady")
    assert floor.agent("a3").reason == "meeting"
    assert floor.talks_with(channel, "a1")


async def test_it_goes_on_through_hold_and_consultation_and_not_after_a_transfer(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await on_a_call(floor)
    await listens(floor)
    await floor.do("a1", "hold")
    await hears(floor, {"1003": ("1001", "listen")})
    await floor.do("a1", "retrieve")
    await floor.talks("a1")
    await hears(floor, {"1003": ("1001", "listen")})
    await floor.on_duty("a2")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a2")
    await hears(floor, {"1003": ("1001", "listen")})
    await floor.do("a1", "complete")
    await floor.until_agent("a3", "notReady")
    await floor.talks("a2")
    await hears(floor, {})


async def test_two_supervisors_hear_one_call(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    channel = await on_a_call(floor)
    await floor.on_duty("a2")
    await listens(floor)
    await listens(floor, "whisper", supervisor="a2")
    await hears(floor, {"1003": ("1001", "listen"), "1002": ("1001", "whisper")})
    await do(floor, "stop", supervisor="a3")
    await hears(floor, {"1002": ("1001", "whisper")})
    floor.sim.hangup_by_caller(channel)
    await floor.until_agent("a2", "ready")


async def test_an_engine_that_restarts_goes_on_listening(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await on_a_call(floor)
    await listens(floor, "whisper")
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    await hears(floor, {"1003": ("1001", "whisper")})
    assert (floor.agent("a3").state, floor.agent("a1").state) == ("talking", "talking")
    await do(floor, "barge", supervisor="a3", agent_id="a1")
    await hears(floor, {"1003": ("1001", "barge")})
    await do(floor, "stop", supervisor="a3")
    await floor.until_agent("a3", "notReady")


async def test_an_engine_that_restarts_when_only_the_supervisor_is_left_lets_go(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    channel = await on_a_call(floor)
    await listens(floor)
    await floor.told()
    await floor.kill_engine()
    floor.phone("a1").hangup()
    floor.sim.hangup_by_caller(channel)
    await floor.restart_engine()
    await floor.until_agent("a3", "notReady")
    await floor.until(lambda: not floor.sim.channels, "nobody is left")


async def test_an_agent_whose_phone_comes_back_is_heard_again(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    channel = await on_a_call(floor)
    await listens(floor)
    floor.sim.far_end(floor.phone("a1").channel, Cause.MEDIA_LOST)
    await floor.until(lambda: floor.call(channel).waiting_for_agent == "a1", "waited for")
    await floor.do("a1", "rejoin", device="1001")
    await floor.until(lambda: floor.talks_with(channel, "a1"), "back")
    await hears(floor, {"1003": ("1001", "listen")})


async def test_a_link_that_is_lost_changes_nothing(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    channel = await on_a_call(floor)
    await listens(floor)
    floor.sim.cut_link()
    await floor.until(lambda: not floor.status()[0].up, "lost")
    assert await refused(floor, "whisper", supervisor="a3", agent_id="a1") == "agent.not_now"
    assert await refused(floor, "stop", supervisor="a3") == "agent.not_now"
    floor.sim.restore_link()
    await floor.reconciled()
    assert floor.talks_with(channel, "a1")
    await do(floor, "whisper", supervisor="a3", agent_id="a1")
    await hears(floor, {"1003": ("1001", "whisper")})


async def test_a_phone_at_another_switch_listens_where_the_call_is(open_floor: OpenFloor) -> None:
    floor = await open_floor(switches=2)
    await floor.on_duty("a1", "a3")
    await floor.do("a3", "not_ready", reason="meeting")
    await floor.talking_to("a1")
    floor.move("a3")
    await floor.until(lambda: floor.agent("a3").registered, "moved")
    await listens(floor)
    await floor.until(lambda: any(chan.spying for chan in floor.sim.channels.values()), "heard at the call's switch")
    await do(floor, "stop", supervisor="a3")
    await floor.until_agent("a3", "notReady")


# ---------------------------------------------------------------- intercept


async def test_a_call_is_taken_over(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    channel = await on_a_call(floor)
    await listens(floor, "intercept")
    await floor.until(lambda: floor.talks_with(channel, "a3"), "the customer talks with the supervisor")
    await floor.until_agent("a1", "workingAfterCall")
    assert floor.agent("a1").notice == "intercepted"
    document = await floor.do("a3", "state")
    assert (document["call"]["role"], document["call"]["listens"]) == ("agent", None)
    ledger = await floor.ledger(floor.call(channel).call_id)
    assert [(t["kind"], t["from_agent"], t["to_agent"], t["result"]) for t in ledger["transfers"]] == [
        ("intercept", "a1", "a3", "completed")
    ]
    assert [r["agent_id"] for r in ledger["recordings"]] == ["a1", "a3"]
    await floor.do("a3", "hangup")
    await floor.until_agent("a3", "workingAfterCall")
    assert not floor.illegal()


async def test_a_supervisor_who_listens_already_takes_over_at_once(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    channel = await on_a_call(floor)
    await floor.on_duty("a2")
    await listens(floor, "barge")
    await listens(floor, supervisor="a2")
    await floor.do("a1", "hold")
    await do(floor, "intercept", supervisor="a3", agent_id="a1")
    await floor.until(lambda: floor.talks_with(channel, "a3"), "the customer talks with the supervisor")
    await floor.until_agent("a2", "ready")  # who was heard is gone
    await floor.until_agent("a1", "ready")
    await hears(floor, {})


async def test_a_call_is_taken_over_in_the_middle_of_a_consultation(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    channel = await on_a_call(floor)
    await floor.on_duty("a2")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a2")
    await listens(floor, "intercept")
    await floor.until(lambda: floor.talks_with(channel, "a3"), "the customer talks with the supervisor")
    for agent in ("a1", "a2"):
        await floor.until_agent(agent, "ready")
    assert [leg.kind for leg in floor.call(channel).live_legs()] == [LegKind.CUSTOMER, LegKind.AGENT]


async def test_a_customer_who_goes_meanwhile_is_not_taken_over(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    channel = await on_a_call(floor)
    floor.phone("a3").auto_answers = False
    await do(floor, "intercept", supervisor="a3", agent_id="a1")
    await floor.rings("a3")
    floor.sim.hangup_by_caller(channel)
    await floor.until_agent("a3", "notReady")
    await floor.until(lambda: not floor.runner.engine.centre.calls, "no call")


# ---------------------------------------------------------------- refused


async def test_what_cannot_be_listened_to_is_refused(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    channel = await floor.talking_to("a1")

    async def answer(supervisor: str = "a3", agent_id: str = "a1", op: str = "listen") -> Any:
        return (await ask(floor, op, supervisor=supervisor, agent_id=agent_id)).get("error")

    assert await answer() == "agent.not_now"  # signed off
    await floor.on_duty("a3")
    assert await answer(agent_id="a3") == "request.bad"
    assert await answer(agent_id="a2") == "agent.not_now"  # does not talk
    assert await answer(supervisor="nobody") == "agent.unknown"
    assert await answer(op="stop") == "agent.not_now"
    floor.phone("a3").unregister()
    await floor.until(lambda: not floor.agent("a3").registered, "unregistered")
    assert await answer() == "agent.not_now"
    floor.phone("a3").register()
    await floor.until(lambda: floor.agent("a3").registered, "registered")
    assert len(floor.call(channel).live_legs()) == 2
    assert heard(floor) == {}


async def test_a_switch_that_does_not_let_listen_is_asked_a_few_times(
    open_floor: OpenFloor, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = await open_floor()
    channel = await on_a_call(floor)
    monkeypatch.setattr("cti.services.calls.RETRY_AFTER", 0.02)
    execute, asked = floor.sim.execute, []

    async def refusing(command: Command, deadline: float = 5.0) -> None:
        if isinstance(command, Spy):
            asked.append(command)
            raise CommandRefused("no such application")
        await execute(command, deadline)

    monkeypatch.setattr(floor.sim, "execute", refusing)
    await do(floor, "listen", supervisor="a3", agent_id="a1")
    await floor.until(lambda: floor.agent("a3").notice == "listen_failed", "given up")
    await floor.until_agent("a3", "notReady")
    assert 1 < len(asked) < 6
    assert floor.talks_with(channel, "a1")
