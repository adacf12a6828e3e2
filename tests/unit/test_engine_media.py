"""What callers hear and what is recorded when joins and commands fail."""

from __future__ import annotations

import dataclasses

from cti.domain.config.routes import RouteTarget, TargetKind
from cti.domain.errors import CommandRefused, LinkDown
from cti.domain.switch.commands import Bridge, Music, RecordStart
from cti.services.recorder import MOST_TRIES
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import reconcile, reconfigure


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


async def test_a_recording_that_did_not_start_is_tried_again_while_they_talk(open_floor: OpenFloor) -> None:
    """A link that was cut between the two commands: they talk, and nothing would be kept of it."""
    floor = await open_floor()
    await floor.on_duty("a1")
    floor.sim.fail_next(RecordStart, LinkDown("cut"))
    caller = await floor.talking_to("a1")
    await reconcile(floor)
    await floor.until(lambda: floor.sim.channels[caller].recordings, "recorded")
    await reconcile(floor)
    assert [r.ended_at is None for r in floor.call(caller).recordings] == [False, True]


async def test_a_recording_that_is_always_refused_is_given_up(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    floor.sim.fail_next(RecordStart, CommandRefused("no such folder"))
    caller = await floor.talking_to("a1")
    for _ in range(2 * MOST_TRIES):
        floor.sim.fail_next(RecordStart, CommandRefused("no such folder"))
        await reconcile(floor)
        await floor.until(lambda: all(r.ended_at is not None for r in floor.call(caller).recordings), "refused")
    assert len(floor.call(caller).recordings) == MOST_TRIES
    assert not floor.sim.channels[caller].recordings


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
