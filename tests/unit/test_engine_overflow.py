"""Calls that go on from their queue: each rule, each target, never in circles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.domain.config.centre import CentreConfig
from cti.domain.config.queues import Overflow, OverflowWhen, QueueConfig
from cti.domain.config.routes import RouteTarget, TargetKind
from cti.domain.legs import LegKind
from cti.domain.switch.commands import Play
from cti.services.overflow import Facts, choose, holds, next_look
from cti.services.queues import predicted_wait
from tests.floor import ORDERS, Floor, configuration
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import fire

HELP = "q-help"
TO_HELP = RouteTarget(TargetKind.QUEUE, HELP)
TO_ORDERS = RouteTarget(TargetKind.QUEUE, ORDERS)


def after(seconds: float, target: RouteTarget = TO_HELP) -> Overflow:
    return Overflow(OverflowWhen.WAITED, target, seconds)


def with_help(*rules: Overflow, helps: tuple[Overflow, ...] = (), **queue: Any) -> CentreConfig:
    """a1 is in orders, a2 in a second queue."""
    config = configuration(agents=2, **queue)
    first = replace(config.queues[0], agents=("a1",), overflow=rules)
    second = replace(first, id=HELP, number="2002", name="Help", agents=("a2",), overflow=helps)
    agents = (replace(config.agents[0], queues=(ORDERS,)), replace(config.agents[1], queues=(HELP,)))
    return replace(config, queues=(first, second), agents=agents)


async def opened(open_floor: OpenFloor, *rules: Overflow, helps: tuple[Overflow, ...] = (), **queue: Any) -> Floor:
    floor = await open_floor(agents=2)
    await floor.configure(with_help(*rules, helps=helps, **queue))
    return floor


# ------------------------------------------------------------ the decision alone


@pytest.mark.parametrize(
    ("when", "limit", "yes", "no"),
    [
        (OverflowWhen.WAITED, 10, Facts(10, 0, 1), Facts(9.9, 0, 1)),
        (OverflowWhen.LENGTH, 3, Facts(0, 3, 1), Facts(60, 2, 1)),
        (OverflowWhen.NO_AGENTS, 0, Facts(0, 0, 0), Facts(60, 9, 1)),
        (OverflowWhen.PREDICTED, 60, Facts(0, 0, 1, predicted=61.0), Facts(0, 9, 1)),
        (OverflowWhen.PREDICTED, 60, Facts(0, 0, 1, predicted=61.0), Facts(0, 9, 1, predicted=60.0)),
        (OverflowWhen.SERVICE_LEVEL, 80, Facts(0, 0, 1, service_level=79.0), Facts(0, 0, 1, service_level=80.0)),
        (OverflowWhen.SERVICE_LEVEL, 80, Facts(0, 0, 1, service_level=0.0), Facts(0, 0, 1)),
    ],
)
def test_a_rule_holds_from_its_limit_on(when: OverflowWhen, limit: float, yes: Facts, no: Facts) -> None:
    rule = Overflow(when, TO_HELP, limit)
    assert holds(rule, yes)
    assert not holds(rule, no)


RULES = st.lists(st.builds(Overflow, st.sampled_from(OverflowWhen), st.just(TO_HELP), st.floats(0, 100)), max_size=6)
FACTS = st.builds(
    Facts, st.floats(0, 200), st.integers(0, 90), st.integers(0, 5), st.none() | st.floats(0, 200), st.none()
)


@given(RULES, FACTS)
def test_the_first_rule_that_holds_is_taken_and_the_next_look_misses_none(rules: list[Overflow], facts: Facts) -> None:
    chosen = choose(rules, facts, lambda target: True)
    held = [rule for rule in rules if holds(rule, facts)]
    assert chosen == (held[0] if held else None)
    assert choose(rules, facts, lambda target: False) is None
    again = next_look(rules, facts.waited)
    assert (again is None) == (not rules)
    waits = [rule for rule in rules if rule.when is OverflowWhen.WAITED and facts.waited < rule.limit]
    assert all(again is not None and facts.waited + again <= rule.limit + 1e-6 for rule in waits)


def test_the_predicted_wait_is_the_work_before_and_the_callers_own_shared_by_who_works() -> None:
    assert predicted_wait(3, 60.0, 2) == 90.0
    assert predicted_wait(3, None, 2) is None
    assert predicted_wait(3, 60.0, 0) is None


# ------------------------------------------------------------ on the floor


async def test_after_the_wait_a_call_goes_over_and_keeps_its_time_of_entry(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, after(0.2))
    caller = await floor.call_in(number="13800000001")
    call = floor.call(caller)
    await floor.until(lambda: floor.waiting(HELP) == ["13800000001"], "gone over")
    assert (call.entered_at or 0.0) - (call.queued_at or 0.0) >= 0.2
    assert floor.waiting(ORDERS) == []
    today = {q.config.id: q.today for q in floor.runner.engine.centre.queues.values()}
    assert (today[ORDERS].offered, today[ORDERS].overflowed, today[ORDERS].abandoned) == (1, 1, 0)
    assert today[HELP].offered == 1
    entered = call.queued_at
    await floor.on_duty("a2")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a2")
    assert call.queued_at == entered
    assert (today[HELP].answered, today[HELP].wait_total >= 0.2) == (1, True)


async def test_who_came_over_is_before_those_who_came_later(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, after(0.2))
    await floor.call_in(number="13800000001")
    await floor.configure(replace(floor.config, dids=(replace(floor.config.dids[1], target=TO_HELP),)))
    await floor.call_in("8001", number="13800000002")
    await floor.until(lambda: floor.waiting(HELP) == ["13800000001", "13800000002"], "the older one first")


async def test_nobody_logged_in_sends_callers_on_at_once_and_somebody_keeps_them(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, Overflow(OverflowWhen.NO_AGENTS, TO_HELP))
    await floor.call_in(number="13800000001")
    await floor.until(lambda: floor.waiting(HELP) == ["13800000001"], "gone over")
    await floor.do("a1", "login", device="1001")
    stays = await floor.call_in(number="13800000002")
    await floor.until(lambda: floor.waiting(ORDERS) == ["13800000002"], "waits for the agent on a break")
    fire(floor, f"overflow:{floor.call(stays).call_id}")
    assert floor.waiting(ORDERS) == ["13800000002"]
    await floor.do("a1", "logout")
    fire(floor, f"overflow:{floor.call(stays).call_id}")
    assert floor.waiting(HELP) == ["13800000001", "13800000002"]


async def test_the_calls_too_many_go_over(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, Overflow(OverflowWhen.LENGTH, TO_HELP, 2))
    for n in range(1, 5):
        await floor.call_in(number=f"1380000000{n}")
    await floor.until(lambda: len(floor.waiting(HELP)) == 2, "two gone over")
    assert floor.waiting(ORDERS) == ["13800000001", "13800000002"]


async def test_a_long_predicted_wait_sends_callers_on(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, Overflow(OverflowWhen.PREDICTED, TO_HELP, 100))
    await floor.do("a1", "login", device="1001")
    await floor.do("a1", "ready")
    await floor.talking_to("a1", "13800000009")
    queue = floor.runner.engine.centre.queues[ORDERS]
    for _ in range(20):
        queue.handled(60.0)
    for n in (1, 2):
        await floor.call_in(number=f"1380000000{n}")
    await floor.until(lambda: floor.waiting(HELP) == ["13800000002"], "the second would wait two minutes")
    assert floor.waiting(ORDERS) == ["13800000001"]


async def test_a_bad_service_level_sends_callers_on(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, Overflow(OverflowWhen.SERVICE_LEVEL, TO_HELP, 80))
    today = floor.runner.engine.centre.queues[ORDERS].today
    today.answered_in_target = today.answered = 7
    today.abandoned = 2
    first = await floor.call_in(number="13800000001")
    await floor.until(lambda: floor.waiting(ORDERS), "nine calls say nothing")
    fire(floor, f"overflow:{floor.call(first).call_id}")
    assert floor.waiting(ORDERS) == ["13800000001"]
    today.abandoned = 3
    fire(floor, f"overflow:{floor.call(first).call_id}")
    assert floor.waiting(HELP) == ["13800000001"]


async def test_queues_that_send_calls_to_each_other_do_so_once(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, after(0.1), helps=(after(0.1, TO_ORDERS),))
    caller = await floor.call_in()
    call = floor.call(caller)
    await floor.until(lambda: floor.waiting(HELP), "gone over")
    fire(floor, f"overflow:{call.call_id}")
    waited = call.entered_at or 0.0
    await floor.until(lambda: floor.runner._clock() - waited > 0.2, "the time of the second rule has come")
    fire(floor, f"overflow:{call.call_id}")
    assert (floor.waiting(HELP), floor.waiting(ORDERS), call.entered_at) == ([call.ani], [], waited)


async def test_a_busy_agent_is_passed_over_and_a_free_one_rung_once(open_floor: OpenFloor) -> None:
    to_agent = after(0.1, RouteTarget(TargetKind.AGENT, "a2"))
    floor = await opened(open_floor, to_agent, ring_timeout=0.4)
    caller = await floor.call_in()
    call = floor.call(caller)
    await floor.until(lambda: floor.runner._clock() - (call.queued_at or 0.0) > 0.15, "time is over")
    fire(floor, f"overflow:{call.call_id}")
    assert floor.waiting(ORDERS) == [call.ani]
    await floor.do("a2", "login", device="1002")
    await floor.do("a2", "ready")
    fire(floor, f"overflow:{call.call_id}")
    await floor.rings("a2")
    await floor.until_agent("a2", "notReady")  # did not answer
    await floor.until(lambda: floor.waiting(ORDERS) == [call.ani], "back in line")
    await floor.do("a2", "ready")
    fire(floor, f"overflow:{call.call_id}")
    assert (floor.waiting(ORDERS), floor.agent("a2").state) == ([call.ani], "ready")


async def test_a_menu_is_a_target(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, after(0.1, RouteTarget(TargetKind.MENU, "m1")))
    caller = await floor.call_in()
    call = floor.call(caller)
    await floor.until(lambda: call.phase == "menu", "in the menu")
    assert floor.waiting(ORDERS) == []


async def test_the_last_resort_says_why_and_hangs_up(open_floor: OpenFloor) -> None:
    rule = Overflow(OverflowWhen.WAITED, RouteTarget(TargetKind.HANGUP), 0.1, say="closed")
    floor = await opened(open_floor, rule)
    caller = await floor.call_in()
    call = floor.call(caller)
    await floor.until(lambda: any(isinstance(c, Play) for c in floor.sim.commands), "a last sentence")
    assert [c.prompts for c in floor.sim.commands if isinstance(c, Play)] == [("zh_CN/closed",)]
    await floor.until(lambda: not call.alive, "ended")
    assert call.ended_by == "system"
    today = floor.runner.engine.centre.queues[ORDERS].today
    assert (today.overflowed, today.abandoned) == (1, 0)


MOBILE = "13700000001"


async def test_a_number_outside_is_a_target(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, after(0.1, RouteTarget(TargetKind.OUTSIDE, MOBILE)))
    floor.sim.outside(MOBILE).will_answer()
    caller = await floor.call_in()
    call = floor.call(caller)
    await floor.until(lambda: call.answered_at is not None, "talks with the number outside")
    partner = floor.sim.channels[caller].peer
    assert partner is not None
    assert partner.far is floor.sim.outside(MOBILE)
    assert [(leg.kind, leg.number) for leg in call.live_legs()] == [("customer", call.ani), ("outside", MOBILE)]
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: not call.alive, "ended")
    assert not call.live_legs()


async def test_a_number_outside_that_is_engaged_gives_the_call_back_and_is_not_tried_again(
    open_floor: OpenFloor,
) -> None:
    floor = await opened(open_floor, after(0.1, RouteTarget(TargetKind.OUTSIDE, MOBILE)))
    caller = await floor.call_in()
    call = floor.call(caller)
    await floor.until(lambda: call.live(LegKind.OUTSIDE) is not None and floor.sim.outside(MOBILE).channels, "rings")
    floor.sim.outside(MOBILE).busy()
    await floor.until(lambda: floor.waiting(ORDERS) == [call.ani], "back in line")
    fire(floor, f"overflow:{call.call_id}")
    assert floor.waiting(ORDERS) == [call.ani]
    await floor.until(lambda: floor.hears_music(caller), "music")


async def test_without_a_trunk_the_call_waits_on(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, after(0.0, RouteTarget(TargetKind.OUTSIDE, MOBILE)))
    await floor.configure(replace(floor.config, trunks=()))
    caller = await floor.call_in()
    call = floor.call(caller)
    await floor.until(lambda: floor.waiting(ORDERS), "waits")
    fire(floor, f"overflow:{call.call_id}")
    assert (floor.waiting(ORDERS), call.passed) == ([call.ani], [])


async def test_a_message_is_a_target(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, after(0.1, RouteTarget(TargetKind.VOICEMAIL, ORDERS)))
    call = floor.call(await floor.call_in())
    await floor.until(lambda: call.phase == "voicemail", "leaves a message")
    assert floor.waiting(ORDERS) == []


async def test_a_call_that_rings_is_left_where_it_is(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, after(0.05), ring_timeout=0.4)
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    call = floor.call(caller)
    await floor.until(lambda: floor.runner._clock() - (call.queued_at or 0.0) > 0.1, "time is over")
    fire(floor, f"overflow:{call.call_id}")
    assert floor.agent("a1").state == "alerting"
    await floor.until(lambda: floor.waiting(HELP), "not answered: on at once")


async def test_a_restarted_engine_knows_where_a_call_came_from(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor, after(0.1), helps=(after(0.1, TO_ORDERS),))
    caller = await floor.call_in()
    await floor.until(lambda: floor.waiting(HELP), "gone over")
    before = floor.call(caller)
    await floor.kill_engine()
    await floor.restart_engine()
    call = floor.call(caller)
    assert (call.passed, call.queued_at, call.entered_at) == (before.passed, before.queued_at, before.entered_at)
    fire(floor, f"overflow:{call.call_id}")
    assert floor.waiting(HELP) == [call.ani]


def test_the_document_of_a_queue_with_rules_comes_back_the_same() -> None:
    rules = (after(30.0), Overflow(OverflowWhen.NO_AGENTS, RouteTarget(TargetKind.HANGUP), say="closed"))
    config = with_help(*rules)
    assert CentreConfig.from_document(config.to_document()) == config
    assert isinstance(config.queues[0], QueueConfig)
