"""Levels, skills, priorities and several queues, through the whole engine on the simulator."""

from __future__ import annotations

from dataclasses import replace

from cti.domain.config.agents import AgentConfig
from cti.domain.config.centre import CentreConfig
from cti.domain.config.queues import Need, QueueConfig, Strategy
from tests.floor import ORDERS, configuration
from tests.unit.conftest import OpenFloor

SERVICE = "q-service"


def with_skills(config: CentreConfig, **skills: dict[str, int]) -> CentreConfig:
    agents = tuple(replace(agent, skills=skills.get(agent.id, {})) for agent in config.agents)
    return replace(config, agents=agents)


async def test_who_has_the_skill_is_asked_and_after_a_while_who_has_less_of_it(open_floor: OpenFloor) -> None:
    floor = await open_floor(agents=2, needs=(Need("en", 2, relax_every=0.3),))
    await floor.configure(with_skills(floor.config, a1={"en": 1}, a2={"en": 2}))
    await floor.on_duty("a1")
    first = await floor.call_in(number="13800000001")
    await floor.until(lambda: floor.waiting() == ["13800000001"], "waits: nobody speaks it well")
    assert floor.agent("a1").state == "ready"
    await floor.rings("a1")
    waited = floor.call(first).legs[-1].created_at - (floor.call(first).queued_at or 0)
    assert 0.3 <= waited < 0.6
    await floor.on_duty("a2")
    await floor.call_in(number="13800000002")
    await floor.rings("a2")


async def test_a_free_agent_gets_the_first_call_that_suits(open_floor: OpenFloor) -> None:
    floor = await open_floor(agents=2, needs=(Need("tech", 1),))
    for number in ("13800000001", "13800000002"):
        await floor.call_in(number=number)
    await floor.until(lambda: len(floor.waiting()) == 2, "both wait")
    await floor.on_duty("a1")
    assert floor.agent("a1").state == "ready"
    await floor.configure(with_skills(floor.config, a1={"tech": 3}))
    await floor.rings("a1")
    assert floor.call_of("a1").ani == "13800000001"


async def test_the_second_level_helps_when_the_first_has_not_come(open_floor: OpenFloor) -> None:
    floor = await open_floor(agents=2, levels={"a1": 2}, level_after=0.3)
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    call = floor.call(caller)
    assert call.legs[-1].created_at - (call.queued_at or 0) >= 0.3
    await floor.on_duty("a2")
    await floor.call_in(number="13800000002")
    await floor.rings("a2")


async def test_a_level_is_preferred_where_all_may_be_asked(open_floor: OpenFloor) -> None:
    floor = await open_floor(agents=2, levels={"a1": 2})
    await floor.on_duty("a1", "a2")
    await floor.call_in()
    await floor.rings("a2")


async def test_calls_are_counted_for_the_strategies_that_go_by_them(open_floor: OpenFloor) -> None:
    floor = await open_floor(agents=2)
    await floor.use(strategy=Strategy.FEWEST_CALLS)
    await floor.on_duty("a1", "a2")
    for number in ("13800000001", "13800000002", "13800000003"):
        agent = min(("a1", "a2"), key=lambda a: (floor.agent(a).calls, floor.agent(a).idle_since))
        caller = await floor.talking_to(agent, number)
        floor.sim.hangup_by_caller(caller)
        await floor.until_agent(agent, "ready")
    assert sorted((floor.agent("a1").calls, floor.agent("a2").calls)) == [1, 2]
    assert floor.agent("a1").talk > 0
    counted = floor.agent("a1").calls
    await floor.kill_engine()
    await floor.restart_engine()
    assert floor.agent("a1").calls == counted


async def test_an_agent_of_two_queues_gets_who_has_waited_longest_but_for_a_head_start(open_floor: OpenFloor) -> None:
    floor = await open_floor(agents=1)
    config = configuration(1)
    orders = config.queues[0]
    service = QueueConfig(SERVICE, "2002", "Service", agents=("a1",), priority=30.0, wrapup=0.0)
    agent = AgentConfig("a1", "1001", "Agent 1", (ORDERS, SERVICE))
    target = replace(config.dids[0], number="8002", target=replace(config.dids[1].target, id=SERVICE))
    await floor.configure(replace(config, agents=(agent,), queues=(orders, service), dids=(*config.dids, target)))
    await floor.call_in("8001", "13800000001")
    await floor.call_in("8001", "13800000002")
    await floor.call_in("8002", "13800000003")
    await floor.until(lambda: len(floor.waiting(SERVICE)) == 1 and len(floor.waiting()) == 2, "three wait")
    await floor.on_duty("a1")
    await floor.rings("a1")
    assert floor.call_of("a1").ani == "13800000003"


async def test_an_important_caller_goes_before_those_who_came_a_little_earlier(open_floor: OpenFloor) -> None:
    floor = await open_floor(agents=1, age=60.0)
    await floor.call_in(number="13800000001")
    vip = await floor.call_in(number="13800000002")
    await floor.until(lambda: len(floor.waiting()) == 2, "two wait")
    call = floor.call(vip)
    queue = floor.runner.engine.centre.queues[ORDERS]
    call.priority = 1
    queue.add(call, floor.runner.engine.centre.now)
    assert floor.waiting() == ["13800000002", "13800000001"]
    call.queued_at = (call.queued_at or 0) + 61
    queue.add(call, floor.runner.engine.centre.now)
    assert floor.waiting() == ["13800000001", "13800000002"]


async def test_settings_that_change_while_a_caller_waits_hold_at_once_and_go_on_with_the_time(
    open_floor: OpenFloor,
) -> None:
    floor = await open_floor(agents=2, needs=(Need("en", 9),))
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.until(lambda: len(floor.waiting()) == 1, "waits: nobody speaks it")
    await floor.use(needs=(), levels={"a1": 2, "a2": 1}, level_after=0.3)
    await floor.rings("a1")
    call = floor.call(caller)
    assert call.legs[-1].created_at - (call.queued_at or 0) >= 0.3
