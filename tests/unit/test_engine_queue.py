"""Callers, menus, queues and agents, on the simulator switch."""

from __future__ import annotations

import asyncio

from cti.domain.errors import DeadlineExceeded
from cti.domain.switch.commands import Bridge, Music, Originate, Play, RecordStart
from cti.domain.switch.terms import Cause
from tests.unit.conftest import OpenFloor


async def test_a_caller_reaches_the_ready_agent(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    assert floor.agent("a1").call_id == floor.call(caller).call_id
    floor.phone("a1").answer()
    await floor.talks("a1")
    assert floor.talks_with(caller, "a1")
    call_id = floor.call(caller).call_id
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "ready")
    ledger = await floor.ledger(call_id)
    assert (ledger["state"], ledger["ended_by"], ledger["cause"]) == ("ended", "customer", "normal")
    assert [(leg["kind"], leg["state"], leg["agent_id"]) for leg in ledger["legs"]] == [
        ("customer", "null", ""),
        ("agent", "null", "a1"),
    ]
    assert len(ledger["recordings"]) == 1
    assert floor.illegal() == {}


async def test_the_page_knows_the_call_before_the_phone_rings(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    seen: list[str] = []
    await floor.bus.subscribe(
        "cy.evt.agent.a1", lambda _, doc: seen.append(f"{doc['state']} {doc['call'] is not None}")
    )
    await floor.call_in()
    await floor.rings("a1")
    await floor.until(lambda: len(seen) >= 2, "documents")
    assert seen[:2] == ["reserved True", "alerting True"]


async def test_keys_in_the_menu_choose_language_and_queue(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    caller = await floor.call_in("8000")
    await floor.until(lambda: floor.call(caller).menu, "menu")
    floor.sim.press(caller, "9")
    await floor.until(lambda: floor.call(caller).language == "en", "English")
    floor.sim.press(caller, "1")
    await floor.until(lambda: floor.waiting(), "queued")
    assert floor.call(caller).digits == "91"
    await floor.until(lambda: floor.hears_music(caller), "music")


async def test_a_caller_without_keys_hears_goodbye(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    caller = await floor.call_in("8000")
    await floor.until(lambda: caller not in floor.sim.channels, "hung up")
    said = [p for c in floor.sim.commands if isinstance(c, Play) for p in c.prompts]
    assert said == ["zh_CN/welcome", "zh_CN/menu_main", "zh_CN/no_key", "zh_CN/menu_main", "zh_CN/goodbye"]


async def test_an_unknown_number_is_refused_unanswered(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    channel = floor.sim.incoming("999", "13800000001")
    await floor.until(lambda: channel not in floor.sim.channels, "refused")
    assert floor.runner.engine.centre.calls == {}


async def test_the_longest_idle_agent_is_chosen(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2", "a3")
    order = []
    for n in range(4):
        caller = await floor.call_in(number=f"1380000000{n}")
        await floor.until(lambda c=caller: len(floor.call(c).legs) == 2, "offered")
        agent_id = floor.call(caller).legs[1].agent_id
        order.append(agent_id)
        await floor.rings(agent_id)
        floor.phone(agent_id).answer()
        await floor.talks(agent_id)
        floor.sim.hangup_by_caller(caller)
        await floor.until_agent(agent_id, "ready")
    assert order == ["a1", "a2", "a3", "a1"]


async def test_waiting_callers_are_served_in_order_when_an_agent_becomes_free(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    callers = [await floor.call_in(number=f"1380000000{n}") for n in range(3)]
    await floor.on_duty("a1")
    for caller in callers:
        await floor.rings("a1")
        floor.phone("a1").answer()
        await floor.talks("a1")
        assert floor.talks_with(caller, "a1")
        floor.sim.hangup_by_caller(caller)
        await floor.until(lambda c=caller: c not in floor.runner.engine.centre.channels, "over")


async def test_no_answer_sets_the_agent_busy_and_the_caller_is_first_for_the_next(open_floor: OpenFloor) -> None:
    floor = await open_floor(ring_timeout=0.4)
    await floor.on_duty("a1")
    first = await floor.call_in(number="13800000001")
    await floor.rings("a1")
    await floor.call_in(number="13800000002")
    await floor.until_agent("a1", "notReady")
    assert (floor.agent("a1").reason, floor.agent("a1").notice) == ("no_answer", "no_answer")
    assert floor.waiting() == ["13800000001", "13800000002"]
    await floor.on_duty("a2")
    await floor.rings("a2")
    assert floor.agent("a2").call_id == floor.call(first).call_id


async def test_an_agent_who_rejects_is_busy_and_the_next_is_rung(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    await floor.call_in()
    await floor.rings("a1")
    floor.phone("a1").reject()
    await floor.rings("a2")
    assert floor.agent("a1").reason == "rejected"


async def test_the_agents_phone_stops_ringing_when_the_caller_gives_up(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "ready")
    assert not floor.phone("a1").channels
    assert floor.agent("a1").notice == "caller_gone"
    assert floor.runner.engine.centre.queues["q-orders"].today.abandoned == 1


async def test_a_caller_who_hangs_up_as_the_agent_answers_leaves_nothing(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    for turn in range(6):
        caller = await floor.call_in(number=f"1380000010{turn}")
        await floor.rings("a1")
        if turn % 2:
            floor.sim.hangup_by_caller(caller)
            floor.phone("a1").answer()
        else:
            floor.phone("a1").answer()
            floor.sim.hangup_by_caller(caller)
        await floor.until(lambda: not floor.sim.channels, "no channel left")
        await floor.until_agent("a1", "ready")
    assert floor.runner.engine.centre.calls == {}


async def test_the_waiting_hear_their_position_at_most_as_often_as_set(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.call_in(number="13800000001")
    caller = await floor.call_in(number="13800000002")
    await floor.until(lambda: floor.call(caller).announced == 2, "announced twice")
    await floor.until(lambda: floor.hears_music(caller), "music again")
    await asyncio.sleep(0.3)  # a third one would be due now
    said = [c.prompts for c in floor.sim.commands if isinstance(c, Play) and c.channel == caller]
    assert said == [("zh_CN/position_is", "zh_CN/n_2", "zh_CN/in_queue", "zh_CN/please_wait")] * 2


async def test_wrap_up_holds_the_next_call_until_it_is_over(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "workingAfterCall")
    await floor.call_in(number="13800000002")
    assert floor.waiting() == ["13800000002"]
    document = await floor.do("a1", "wrapup_extend", seconds=60)
    assert document["wrapup_until"] > floor.agent("a1").since + 80
    assert document["call"]["state"] == "ended"
    await floor.do("a1", "wrapup_done")
    await floor.rings("a1")


async def test_wrap_up_ends_by_itself(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=0.1)
    await floor.on_duty("a1")
    floor.sim.hangup_by_caller(await floor.talking_to("a1"))
    await floor.until_agent("a1", "workingAfterCall")
    await floor.until_agent("a1", "ready")


async def test_a_break_asked_for_in_a_call_starts_after_it(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    document = await floor.do("a1", "not_ready", reason="lunch")
    assert (document["state"], document["pending"], document["pending_reason"]) == ("talking", "notReady", "lunch")
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "notReady")
    assert floor.agent("a1").reason == "lunch"


async def test_an_agent_whose_phone_is_gone_is_not_offered_calls(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    floor.phone("a1").unregister()
    await floor.until(lambda: not floor.agent("a1").registered, "unregistered")
    await floor.call_in()
    await floor.rings("a2")
    assert floor.agent("a1").state == "ready"
    floor.phone("a1").register()
    await floor.call_in(number="13800000002")
    await floor.rings("a1")


async def test_the_call_is_recorded_from_the_answer_on(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    kinds = [type(c) for c in floor.sim.commands if getattr(c, "channel", "") == caller]
    assert kinds.index(RecordStart) < kinds.index(Bridge)


async def test_music_stops_before_the_agent_is_joined_and_nothing_is_dialled_twice(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    caller = await floor.call_in()
    await floor.until(lambda: floor.hears_music(caller), "music")
    await floor.on_duty("a1")
    await floor.rings("a1")
    floor.phone("a1").answer()
    await floor.talks("a1")
    assert [c.on for c in floor.sim.commands if isinstance(c, Music) and c.channel == caller] == [True]
    assert sum(isinstance(c, Originate) for c in floor.sim.commands) == 1


async def test_the_agent_hangs_up_and_so_does_the_call(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call_id = floor.call(caller).call_id
    await floor.do("a1", "hangup")
    await floor.until(lambda: not floor.sim.channels, "all gone")
    assert (await floor.ledger(call_id))["ended_by"] == "agent"
    caller = await floor.talking_to("a1", "13800000002")
    floor.phone("a1").hangup()
    await floor.until(lambda: not floor.sim.channels, "all gone")


async def test_a_lost_phone_keeps_the_customer_with_music(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    floor.sim.far_end(floor.phone("a1").channel, Cause.MEDIA_LOST)
    await floor.until(lambda: floor.hears_music(caller), "music")
    assert floor.agent("a1").state == "talking"
    await floor.do("a1", "rejoin", device="1001")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "talking again")
    call_id = floor.call(caller).call_id
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "ready")
    assert [leg["kind"] for leg in (await floor.ledger(call_id))["legs"]] == ["customer", "agent", "agent"]
    assert floor.illegal() == {}


async def test_a_reload_in_a_call_brings_the_agent_back(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    old = floor.phone("a1").channel.id
    document = await floor.do("a1", "rejoin", device="1001")
    assert document["call"]["state"] == "talking"
    await floor.until(lambda: old not in floor.sim.channels and floor.talks_with(caller, "a1"), "talking again")
    assert floor.agent("a1").state == "talking"
    assert caller in floor.sim.channels


async def test_the_agent_hangs_up_while_the_phone_is_being_brought_back(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call_id = floor.call(caller).call_id
    floor.sim.fail_next(Originate, DeadlineExceeded("slow"))
    await floor.do("a1", "rejoin", device="1001")
    await floor.do("a1", "hangup")
    await floor.until(lambda: not floor.sim.channels, "customer released")
    for leg in floor.runner.engine.centre.calls[call_id].legs:
        leg.changed_at -= 10
    await floor.runner._reconcile("sim", until_done=False)
    await floor.until_agent("a1", "ready")
    assert (await floor.ledger(call_id))["ended_by"] == "agent"
