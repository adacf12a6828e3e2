"""Everybody free rings at once: the first who is there has the caller, the others have missed nothing."""

from __future__ import annotations

from dataclasses import replace

from cti.domain.calls import Call
from cti.domain.config.queues import Need, QueueConfig, Strategy
from cti.domain.config.routes import DidConfig, RouteTarget, TargetKind
from cti.domain.switch.commands import Originate
from cti.store.events import CallEvent, parse
from tests.floor import ORDERS, Floor
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import fire
from tests.unit.test_engine_callback import keeps_the_place

CALLER = "13800000001"
ALL = ("a1", "a2", "a3")


async def ringing_all(open_floor: OpenFloor, *on_duty: str, switches: int = 1, **queue: object) -> Floor:
    settings = {"ring_timeout": 5.0, "announce_max": 0, **queue}
    floor = await open_floor(switches=switches, **settings)
    await floor.use(strategy=Strategy.RING_ALL)
    await floor.on_duty(*(on_duty or ALL))
    return floor


async def all_ring(floor: Floor, *agents: str) -> None:
    for agent in agents or ALL:
        await floor.rings(agent)


def notices(floor: Floor) -> dict[str, tuple[str, str, str]]:
    return {a: (str(floor.agent(a).state), floor.agent(a).notice, floor.agent(a).taken_by) for a in ALL}


async def test_the_first_answer_wins_and_the_others_are_let_off(open_floor: OpenFloor) -> None:
    floor = await ringing_all(open_floor)
    caller = await floor.call_in()
    await all_ring(floor)
    assert floor.hears_music(caller)
    reply = await floor.do("a1", "state")
    assert (reply["call"]["number"], reply["call"]["queue_name"]) == (CALLER, "Orders")  # everybody sees who calls
    floor.phone("a2").answer()
    await floor.until(lambda: floor.talks_with(caller, "a2"), "served")
    await floor.until(lambda: not floor.phone("a1").channels and not floor.phone("a3").channels, "silence")
    for agent in ("a1", "a3"):
        await floor.until_agent(agent, "ready")
    let_off = ("ready", "taken", "Agent 2")
    assert notices(floor) == {"a1": let_off, "a2": ("talking", "", ""), "a3": let_off}
    reply = await floor.do("a1", "state")
    assert (reply["notice"], reply["taken_by"], reply["call"]) == ("taken", "Agent 2", None)
    call = floor.call(caller)
    assert [r.agent_id for r in call.recordings] == ["a2"]
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a2", "ready")
    assert [floor.agent(a).calls for a in ALL] == [0, 1, 0]
    ledger = await floor.ledger(call.call_id)
    legs = {leg["agent_id"]: (leg["cause"], leg["joined"]) for leg in ledger["legs"] if leg["kind"] == "agent"}
    assert legs == {"a1": ("cancelled", False), "a2": ("normal", True), "a3": ("cancelled", False)}
    today = floor.runner.engine.centre.queues[ORDERS].today
    assert (today.offered, today.answered, today.abandoned) == (1, 1, 0)
    assert floor.illegal() == {}


async def test_of_two_who_answer_at_the_same_instant_exactly_one_has_the_caller(open_floor: OpenFloor) -> None:
    floor = await ringing_all(open_floor)
    caller = await floor.call_in()
    await all_ring(floor)
    for agent in ("a3", "a1"):  # both answers are on their way before the engine sees either
        floor.phone(agent).answer()
    await floor.until(lambda: floor.talks_with(caller, "a3"), "served")
    await floor.until(lambda: not floor.phone("a1").channels, "the late one is out")
    await floor.until_agent("a1", "ready")
    assert notices(floor)["a1"] == ("ready", "taken", "Agent 3")
    call = floor.call(caller)
    assert [leg.agent_id for leg in call.legs if leg.joined] == ["", "a3"]
    assert [r.agent_id for r in call.recordings] == ["a3"]
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a3", "ready")
    await floor.told()
    entries = [entry for entry in floor.broker.log if entry.subject == f"cy.log.call.{call.call_id}"]
    told = parse(entries[-1].subject, entries[-1].data)
    assert isinstance(told, CallEvent)
    assert told.call["agent_id"] == "a3"
    assert floor.illegal() == {}


async def test_who_becomes_free_rings_too_and_who_refuses_is_busy_alone(open_floor: OpenFloor) -> None:
    floor = await ringing_all(open_floor, "a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    await floor.on_duty("a2")
    await floor.rings("a2")
    await floor.do("a1", "hangup")
    await floor.until_agent("a1", "notReady")
    assert floor.agent("a1").reason == "rejected"
    assert floor.agent("a2").state == "alerting"
    await floor.do("a1", "ready")
    await floor.rings("a1")
    floor.phone("a1").answer()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "served")
    await floor.until_agent("a2", "ready")
    assert floor.illegal() == {}


async def test_nobody_answers_within_the_limit_and_the_next_who_is_ready_is_rung(open_floor: OpenFloor) -> None:
    floor = await ringing_all(open_floor)
    caller = await floor.call_in()
    await all_ring(floor)
    for leg in floor.call(caller).legs[1:]:
        fire(floor, f"ring:{leg.channel}")
    for agent in ALL:
        await floor.until_agent(agent, "notReady")
        assert floor.agent(agent).reason == "no_answer"
    assert floor.waiting() == [CALLER]
    await floor.do("a3", "ready")
    await floor.rings("a3")
    assert floor.illegal() == {}


async def test_a_caller_who_gives_up_makes_nobody_busy(open_floor: OpenFloor) -> None:
    floor = await ringing_all(open_floor)
    caller = await floor.call_in()
    await all_ring(floor)
    floor.sim.hangup_by_caller(caller)
    for agent in ALL:
        await floor.until_agent(agent, "ready")
        assert floor.agent(agent).notice == "caller_gone"
    assert not floor.sim.channels


async def test_the_next_caller_rings_at_those_who_were_let_off(open_floor: OpenFloor) -> None:
    floor = await ringing_all(open_floor)
    await floor.call_in()
    await all_ring(floor)
    await floor.call_in(number="13800000002")
    await floor.until(lambda: floor.waiting() == [CALLER, "13800000002"], "the second waits")
    floor.phone("a1").answer()
    await floor.talks("a1")
    await all_ring(floor, "a2", "a3")
    assert {floor.call_of(a).ani for a in ("a2", "a3")} == {"13800000002"}


async def test_skills_keep_some_from_ringing_and_the_second_level_joins_later(open_floor: OpenFloor) -> None:
    floor = await ringing_all(open_floor, levels={"a2": 2}, level_after=30.0, needs=(Need("en", 2),))
    skilled = tuple(replace(a, skills={"en": 2} if a.id != "a3" else {}) for a in floor.config.agents)
    await floor.configure(replace(floor.config, agents=skilled))
    caller = await floor.call_in()
    await floor.rings("a1")
    assert (floor.agent("a2").state, floor.agent("a3").state) == ("ready", "ready")
    call = floor.call(caller)
    call.queued_at = (call.queued_at or 0.0) - 31.0
    fire(floor, f"relax:{call.call_id}")
    await floor.rings("a2")
    assert (floor.agent("a1").state, floor.agent("a3").state) == ("alerting", "ready")


async def test_a_returning_customer_rings_at_their_own_agent_only(open_floor: OpenFloor) -> None:
    floor = await ringing_all(open_floor, "a1", "a2", last_agent_days=30)
    floor.runner.engine._acd.last_agents._served["+8613800000001", ORDERS] = ("a2", floor.runner.engine.centre.now)
    caller = await floor.call_in()
    await floor.rings("a2")
    await floor.on_duty("a3")
    assert (floor.agent("a1").state, floor.agent("a3").state) == ("ready", "ready")
    fire(floor, f"ring:{floor.call(caller).legs[-1].channel}")
    await all_ring(floor, "a1", "a3")
    assert floor.agent("a2").state == "notReady"


async def test_an_agent_of_two_queues_has_one_call_only(open_floor: OpenFloor) -> None:
    floor = await ringing_all(open_floor, "a1")
    second = QueueConfig("q2", "2002", "Second", Strategy.RING_ALL, ring_timeout=5.0, wrapup=0.0, agents=("a1", "a2"))
    both = tuple(replace(a, queues=(ORDERS, "q2")) for a in floor.config.agents)
    dids = (*floor.config.dids, DidConfig("8002", RouteTarget(TargetKind.QUEUE, "q2")))
    await floor.configure(replace(floor.config, agents=both, queues=(*floor.config.queues, second), dids=dids))
    await floor.call_in()
    await floor.rings("a1")
    await floor.call_in("8002", "13800000002")
    await floor.until(lambda: floor.waiting("q2"), "waits")
    assert len(floor.phone("a1").channels) == 1
    await floor.on_duty("a2")  # of both: the caller who came first
    await floor.rings("a2")
    assert floor.call_of("a2").ani == CALLER
    floor.phone("a2").answer()
    await floor.until(
        lambda: floor.agent("a1").state == "alerting" and floor.call_of("a1").queue_id == "q2", "the next"
    )
    assert len(floor.phone("a1").channels) == 1


async def test_a_box_outside_that_picks_up_does_not_win(open_floor: OpenFloor) -> None:
    floor = await ringing_all(open_floor, "a2")
    out = tuple(replace(a, outside="13700000001") if a.id == "a1" else a for a in floor.config.agents)
    await floor.configure(replace(floor.config, agents=out))
    await floor.do("a1", "login", device="1001-out")
    await floor.do("a1", "ready")
    caller, home = await floor.call_in(), floor.sim.outside("13700000001")
    await all_ring(floor, "a1", "a2")
    home.answer()
    await floor.until(lambda: home.channel.prompts, "asked to press 1")
    await floor.on_duty("a3")
    await floor.rings("a3")
    floor.phone("a2").answer()
    home.press("1")  # too late
    await floor.until(lambda: floor.talks_with(caller, "a2"), "served")
    await floor.until(lambda: not home.channels, "the box is out")
    await floor.until_agent("a1", "ready")
    assert floor.agent("a1").notice == "taken"
    assert floor.illegal() == {}


async def test_a_kept_place_rings_at_everybody_when_it_is_reached(open_floor: OpenFloor) -> None:
    floor = await ringing_all(open_floor, "a1", callback=True)
    await floor.do("a1", "not_ready", reason="lunch")
    await keeps_the_place(floor)
    await floor.on_duty("a1", "a2")
    await all_ring(floor, "a1", "a2")
    floor.sim.outside(CALLER).will_answer()
    floor.phone("a2").answer()
    await floor.talks("a2")
    await floor.until_agent("a1", "ready")
    assert floor.agent("a1").notice == "taken"
    assert floor.illegal() == {}


async def test_phones_of_two_switches_ring_together(open_floor: OpenFloor) -> None:
    floor = await open_floor(switches=2, ring_timeout=5.0)
    floor.move("a2")
    await floor.until(lambda: floor.runner.engine.centre.device_home("1002") == "other", "moved")
    await floor.use(strategy=Strategy.RING_ALL)
    await floor.on_duty("a1", "a2")
    caller = await floor.call_in()
    await all_ring(floor, "a1", "a2")
    floor.phone("a2").answer()
    await floor.until(lambda: floor.talks_with(caller, "a2"), "served")
    await floor.until(lambda: not floor.phone("a1").channels, "let off")


async def test_an_answer_while_no_engine_runs_wins_too(open_floor: OpenFloor) -> None:
    floor = await ringing_all(open_floor)
    caller = await floor.call_in()
    await all_ring(floor)
    await floor.told()
    await floor.kill_engine()
    floor.phone("a1").answer()
    floor.phone("a2").answer()
    await floor.restart_engine()
    await floor.until(lambda: bool(talkers(floor, floor.call(caller))), "served")
    (winner,) = talkers(floor, floor.call(caller))
    others = [a for a in ALL if a != winner]
    await floor.until(lambda: not any(floor.phone(a).channels for a in others), "the others are out")
    for agent in others:
        await floor.until_agent(agent, "ready")
    dialled = [c for c in floor.sim.commands if isinstance(c, Originate)]
    assert len(dialled) == len(ALL)


def talkers(floor: Floor, call: Call) -> list[str]:
    return [leg.agent_id for leg in call.legs if leg.joined and leg.agent_id and leg.peer]
