"""The agent's number, said to caller and agent before they talk."""

from __future__ import annotations

from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import Bridge, Play
from cti.domain.switch.terms import Cause
from cti.services.numbers import digit_prompts
from tests.floor import Floor
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import fire

SAID = ("work_number", "n_yao", "n_0", "n_0", "n_yao", "at_your_service")


async def greeted(floor: Floor) -> str:
    """a1 has answered, the announcement is being played; the caller's channel."""
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    floor.phone("a1").answer()
    await floor.until(lambda: floor.call(caller).greeting, "greeting")
    return caller


def said(floor: Floor) -> list[tuple[str, ...]]:
    plays = [c.prompts for c in floor.sim.commands if isinstance(c, Play)]
    return [p for p in plays if p[0].endswith("work_number")]


def test_digits_are_read_one_by_one() -> None:
    assert digit_prompts("1001", "zh_CN") == ("n_yao", "n_0", "n_0", "n_yao")
    assert digit_prompts("1001", "en") == ("n_1", "n_0", "n_0", "n_1")
    assert digit_prompts("20-x9", "en") == ("n_2", "n_0", "n_9")


async def test_caller_and_agent_hear_the_number_then_talk(open_floor: OpenFloor) -> None:
    floor = await open_floor(announce_number=True)
    caller = await greeted(floor)
    assert not any(isinstance(c, Bridge) for c in floor.sim.commands)
    await floor.until(lambda: floor.talks_with(caller, "a1"), "joined")
    await floor.talks("a1")
    assert said(floor) == [tuple(f"zh_CN/{token}" for token in SAID)] * 2
    assert floor.call(caller).greeting == ""
    assert floor.illegal() == {}


async def test_nothing_is_said_where_the_queue_does_not_want_it(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await floor.talking_to("a1")
    assert said(floor) == []


async def test_prompts_that_cannot_be_played_do_not_keep_them_apart(open_floor: OpenFloor) -> None:
    floor = await open_floor(announce_number=True)
    for _ in range(2):
        floor.sim.fail_next(Play, CommandRefused("no such file"))
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    assert floor.talks_with(caller, "a1")


async def test_an_end_that_is_not_reported_does_not_keep_them_apart(open_floor: OpenFloor) -> None:
    floor = await open_floor(announce_number=True)
    floor.sim.play_seconds = 60.0
    caller = await greeted(floor)
    fire(floor, f"greet:{floor.call(caller).call_id}")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "joined")


async def test_an_agent_who_goes_meanwhile_leaves_the_caller_first_in_line(open_floor: OpenFloor) -> None:
    floor = await open_floor(announce_number=True)
    floor.sim.play_seconds = 60.0
    caller = await greeted(floor)
    floor.phone("a1").hangup()
    await floor.until(lambda: floor.agent("a1").state == "notReady", "a1 is busy")
    await floor.until(lambda: floor.hears_music(caller), "music again")
    assert floor.waiting() == ["13800000001"]
    floor.sim.play_seconds = 0.02
    await floor.on_duty("a2")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.until(lambda: floor.talks_with(caller, "a2"), "served")
    assert floor.illegal() == {}


async def test_a_caller_who_goes_meanwhile_frees_the_agent(open_floor: OpenFloor) -> None:
    floor = await open_floor(announce_number=True)
    floor.sim.play_seconds = 60.0
    caller = await greeted(floor)
    floor.sim.hangup_by_caller(caller, Cause.NORMAL)
    await floor.until_agent("a1", "ready")
    assert not floor.sim.channels
    assert floor.illegal() == {}


async def test_a_killed_engine_joins_them(open_floor: OpenFloor) -> None:
    floor = await open_floor(announce_number=True)
    floor.sim.play_seconds = 60.0
    caller = await greeted(floor)
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "joined")
