"""Lost links, killed engines, failing commands: calls go on and the state comes back."""

from __future__ import annotations

import pytest

from cti.bus.base import decode, encode
from cti.domain.errors import ChannelGone, CommandRefused, DeadlineExceeded, LinkDown
from cti.domain.switch.commands import Bridge, Originate, RecordStart
from cti.services.effects import SwitchCommand
from tests.unit.conftest import OpenFloor


async def test_the_link_is_cut_in_a_call_and_nothing_is_dialled_again(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    floor.sim.cut_link()
    await floor.until(lambda: not floor.runner.engine.centre.switches["sim"].up, "down")
    assert floor.talks_with(caller, "a1")
    floor.sim.restore_link()
    await floor.until(lambda: floor.runner.engine.centre.switches["sim"].reconciled, "reconciled")
    assert floor.agent("a1").state == "talking"
    assert sum(isinstance(c, Originate) for c in floor.sim.commands) == 1


async def test_a_hang_up_missed_while_the_link_was_down_is_noticed(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    floor.sim.cut_link()
    floor.sim.hangup_by_caller(caller)
    floor.phone("a1").hangup()
    floor.sim.restore_link()
    await floor.until_agent("a1", "ready")
    assert floor.runner.engine.centre.calls == {}


async def test_who_picks_up_while_the_link_is_down_is_not_joined_with_a_caller_who_has_gone(
    open_floor: OpenFloor,
) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    floor.sim.cut_link()
    floor.phone("a1").answer()
    floor.sim.hangup_by_caller(caller)
    floor.sim.restore_link()
    await floor.until(lambda: not floor.runner.engine.centre.calls, "over", deadline=5.0)
    assert not any(isinstance(c, Bridge | RecordStart) for c in floor.sim.commands)
    assert floor.sim.channels == {}
    await floor.until_agent("a1", "ready")


async def test_nobody_is_rung_for_a_waiting_caller_who_has_gone_as_well(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    talking = await floor.talking_to("a1")
    waiting = await floor.call_in(number="13800000009")
    floor.sim.cut_link()
    for caller in (talking, waiting):
        floor.sim.hangup_by_caller(caller)
    floor.phone("a1").hangup()
    floor.sim.restore_link()
    await floor.until_agent("a1", "ready")
    assert floor.runner.engine.centre.calls == {}
    assert sum(isinstance(c, Originate) for c in floor.sim.commands) == 1


async def test_a_caller_who_came_while_the_link_was_down_is_served(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    floor.sim.cut_link()
    floor.sim.incoming("8001", "13800000007")
    floor.sim.restore_link()
    await floor.rings("a1")


async def test_nothing_is_offered_while_the_link_is_down(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.call_in()
    floor.sim.cut_link()
    await floor.until(lambda: not floor.runner.engine.centre.switches["sim"].up, "down")
    await floor.on_duty("a1")
    assert not any(isinstance(c, Originate) for c in floor.sim.commands)
    floor.sim.restore_link()
    await floor.rings("a1")


async def test_a_killed_engine_comes_back_with_talking_and_waiting_calls(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    talking = await floor.talking_to("a1", "13800000000")
    talking_id = floor.call(talking).call_id
    waiting = [await floor.call_in(number=f"1380000000{n}") for n in (1, 2, 3)]
    await floor.until(lambda: len(floor.waiting()) == 3, "three wait")
    await floor.told()
    await floor.kill_engine()
    assert floor.talks_with(talking, "a1")
    await floor.restart_engine()
    assert floor.call(talking).call_id == talking_id
    assert floor.agent("a1").state == "talking"
    assert floor.waiting() == ["13800000001", "13800000002", "13800000003"]
    floor.sim.hangup_by_caller(talking)
    for caller in waiting:
        await floor.rings("a1")
        floor.phone("a1").answer()
        await floor.until(lambda c=caller: floor.talks_with(c, "a1"), "served in order")
        await floor.talks("a1")
        floor.sim.hangup_by_caller(caller)
        await floor.until(lambda c=caller: c not in floor.runner.engine.centre.channels, "over")
    ledger = await floor.ledger(talking_id)
    assert [leg["kind"] for leg in ledger["legs"]] == ["customer", "agent"]
    assert ledger["state"] == "ended"


@pytest.mark.parametrize("kept", ["reserved", "alerting"])
async def test_an_agent_who_began_to_talk_as_the_engine_was_killed_talks(open_floor: OpenFloor, kept: str) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.told()
    await floor.kill_engine()
    agents = floor.broker.buckets["cy_agents"]
    agents["a1"] = encode(decode(agents["a1"]) | {"state": kept})
    await floor.restart_engine()
    assert floor.agent("a1").state == "talking"
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "ready")


async def test_a_talk_that_was_not_written_before_the_engine_was_killed_is_a_talk(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call_id = floor.call(caller).call_id
    await floor.told()
    await floor.kill_engine()
    written = [entry for entry in floor.broker.log if entry.subject == f"cy.log.call.{call_id}"]
    assert decode(written[-1].data)["event"] == "established"
    floor.broker.log.remove(written[-1])
    agents = floor.broker.buckets["cy_agents"]
    agents["a1"] = encode(decode(agents["a1"]) | {"state": "alerting"})
    await floor.restart_engine()
    assert floor.agent("a1").state == "talking"
    call = floor.call(caller)
    assert (call.phase, call.answered_at is not None) == ("connected", True)
    assert floor.waiting() == []
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a1", "ready")
    ledger = await floor.ledger(call_id)
    assert (ledger["answered_at"] is not None, [leg["joined"] for leg in ledger["legs"]]) == (True, [True, True])


async def test_a_killed_engine_knows_who_was_on_a_break_and_who_was_ready(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=60.0)
    await floor.on_duty("a1", "a2", "a3")
    await floor.do("a1", "not_ready", reason="lunch")
    caller = await floor.talking_to("a2")
    floor.sim.hangup_by_caller(caller)
    await floor.until_agent("a2", "workingAfterCall")
    await floor.kill_engine()
    await floor.restart_engine()
    assert (floor.agent("a1").state, floor.agent("a1").reason) == ("notReady", "lunch")
    assert floor.agent("a2").state == "workingAfterCall"
    assert floor.agent("a3").state == "ready"


async def test_both_hung_up_while_the_engine_was_dead(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.kill_engine()
    floor.sim.hangup_by_caller(caller)
    floor.phone("a1").hangup()
    await floor.restart_engine()
    await floor.until_agent("a1", "ready")


async def test_a_caller_in_the_menu_hears_it_again_after_a_restart(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    caller = await floor.call_in("8000")
    await floor.until(lambda: floor.call(caller).menu, "menu")
    await floor.kill_engine()
    await floor.restart_engine()
    await floor.until(lambda: floor.call(caller).menu, "menu again")
    floor.sim.press(caller, "1")
    await floor.until(lambda: floor.waiting(), "queued")


async def test_a_held_customer_is_still_held_after_a_restart(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "hold")
    await floor.until(lambda: floor.hears_music(caller), "music")
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    assert floor.agent("a1").state == "hold"
    await floor.do("a1", "retrieve")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "talking")


async def test_the_ledger_is_lost_and_the_channel_tells_enough(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    callers = [await floor.call_in(number=f"1380000000{n}") for n in (1, 2)]
    await floor.until(lambda: len(floor.waiting()) == 2, "two wait")
    call_ids = [floor.call(c).call_id for c in callers]
    await floor.kill_engine()
    floor.broker.log.clear()
    await floor.restart_engine()
    assert floor.waiting() == ["13800000001", "13800000002"]
    assert [floor.call(c).call_id for c in callers] == call_ids
    await floor.on_duty("a1")
    await floor.rings("a1")


async def test_a_phone_that_cannot_be_dialled_sets_the_agent_busy(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    floor.sim.fail_next(Originate, CommandRefused("no such device"))
    await floor.call_in()
    await floor.rings("a2")
    assert floor.agent("a1").reason == "device_lost"


async def test_a_link_cut_before_a_dialling_is_acknowledged_dials_nobody_twice(open_floor: OpenFloor) -> None:
    """The phone rings already: what became of the command is known when the switch is back."""
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    (dialled,) = [c for c in floor.sim.commands if isinstance(c, Originate)]
    engine = floor.runner.engine
    floor.runner._do(engine.on_failed(engine.centre.now, SwitchCommand("sim", dialled), LinkDown("closed")))
    floor.sim.cut_link()
    floor.phone("a1").answer()
    floor.sim.restore_link()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "joined", deadline=8.0)
    assert sum(isinstance(c, Originate) for c in floor.sim.commands) == 1


async def test_a_dialling_that_the_link_lost_is_done_anew(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    floor.sim.fail_next(Originate, LinkDown("closed"))
    await floor.call_in()
    await floor.until(lambda: any(isinstance(c, Originate) for c in floor.sim.commands), "dialled")
    floor.sim.cut_link()
    floor.sim.restore_link()
    await floor.rings("a1")


async def test_an_unanswered_originate_is_given_up_by_our_own_timer(open_floor: OpenFloor) -> None:
    floor = await open_floor(ring_timeout=0.4)
    await floor.on_duty("a1", "a2")
    floor.sim.fail_next(Originate, DeadlineExceeded("no reply"))
    caller = await floor.call_in()
    for _ in range(3):  # ring timer, then the hang-up is asked for again until reconciliation finds no channel
        await floor.until(lambda: any(leg.pending == "hangup" for leg in floor.call(caller).legs), "given up")
    for leg in floor.call(caller).legs:
        leg.changed_at -= 10
    await floor.runner._reconcile("sim", until_done=False)
    await floor.rings("a2")


async def test_a_join_that_fails_is_tried_again(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    floor.sim.fail_next(Bridge, ChannelGone("not now"))
    caller = await floor.call_in()
    await floor.rings("a1")
    floor.phone("a1").answer()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "joined", deadline=8.0)


async def test_a_burst_of_hostile_names_is_kept_as_text(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    name = "Bobby\r\n\x00\"'<script>😀" + "x" * 300
    channel = floor.sim.incoming("8001", "13800000001", name)
    await floor.until(lambda: channel in floor.runner.engine.centre.channels, "known")
    kept = floor.call(channel).ani_name
    assert kept.startswith("Bobby\"'<script>😀x")
    assert len(kept) == 200
