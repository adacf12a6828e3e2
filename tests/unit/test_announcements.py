"""What callers in a queue are told: place and wait, as people say it in Chinese and English."""

from __future__ import annotations

import pytest

from cti.domain.switch.commands import Play
from cti.provision.phrases import LANGUAGES, phrases
from cti.services.numbers import number_prompts, wait_prompts
from tests.floor import ORDERS
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import fire


def said(prompts: tuple[str, ...], language: str) -> str:
    texts = phrases(language)
    return ("" if language == "zh_CN" else " ").join(text for token in prompts for _, text in texts[token])


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (0, "预计等候时间不到一分钟。", "Your wait will be less than a minute."),
        (29, "预计等候时间不到一分钟。", "Your wait will be less than a minute."),
        (50, "预计等候时间约一分钟。", "Your wait will be about one minute."),
        (120, "预计等候时间约两分钟。", "Your wait will be about two minutes."),
        (610, "预计等候时间约十分钟。", "Your wait will be about ten minutes."),
        (13 * 60, "预计等候时间约十五分钟。", "Your wait will be about fifteen minutes."),
        (22 * 60, "预计等候时间约二十分钟。", "Your wait will be about twenty minutes."),
        (44 * 60, "预计等候时间约四十五分钟。", "Your wait will be about forty five minutes."),
        (3600, "预计等候时间约六十分钟。", "Your wait will be about sixty minutes."),
        (99_999, "预计等候时间超过一小时。", "Your wait will be more than an hour."),
    ],
)
def test_a_wait_is_said_in_round_minutes(seconds: float, chinese: str, english: str) -> None:
    assert said(wait_prompts(seconds, "zh_CN"), "zh_CN") == chinese
    assert said(wait_prompts(seconds, "en"), "en") == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_prompt_for_all_that_is_said(language: str) -> None:
    texts = phrases(language)
    assert all(token in texts for n in range(0, 9999, 7) for token in number_prompts(n, language))
    assert all(token in texts for seconds in range(0, 5000, 10) for token in wait_prompts(seconds, language))


async def test_callers_are_told_their_place_and_with_the_setting_the_wait(open_floor: OpenFloor) -> None:
    floor = await open_floor(announce_every=60.0, announce_max=2)
    await floor.on_duty("a1")
    await floor.talking_to("a1", "13800000009")
    queue = floor.runner.engine.centre.queues[ORDERS]
    queue.handled(120.0)
    caller = await floor.call_in()
    call = floor.call(caller)

    def told() -> list[str]:
        plays = [c.prompts for c in floor.sim.commands if isinstance(c, Play) and c.channel == caller]
        return [said(tuple(p.split("/")[1] for p in prompts), "zh_CN") for prompts in plays]

    await floor.until(lambda: call.customer is not None and call.customer.controlled, "waits")
    fire(floor, f"announce:{call.call_id}")
    await floor.until(told, "told the place")
    assert told() == ["您现在排在第一位。请稍候，正在为您转接。"]
    await floor.use(announce_wait=True)
    fire(floor, f"announce:{call.call_id}")
    await floor.until(lambda: len(told()) == 2, "told the wait")
    assert told()[1] == "您现在排在第一位。预计等候时间约两分钟。请稍候，正在为您转接。"


async def test_handling_times_are_learnt_when_the_wrap_up_ends_and_kept(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=60.0)
    await floor.on_duty("a1")
    queue = floor.runner.engine.centre.queues[ORDERS]
    caller = await floor.talking_to("a1")
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "workingAfterCall")
    assert queue.mean_handling() is None
    await floor.do("a1", "wrapup_done")
    mean = queue.mean_handling() or 0.0
    assert 0.0 < mean < 30.0, "not the wrap-up that was planned"
    await floor.until(lambda: floor.runner.engine._outputs._today_timer, "to be stored")
    fire(floor, "today:")
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    assert floor.runner.engine.centre.queues[ORDERS].mean_handling() == mean
