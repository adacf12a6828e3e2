"""Events that are lost or late, and snapshots that are overtaken."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from cti.domain.switch.commands import Hangup
from cti.domain.switch.events import ChannelBridged, ChannelHungUp, ChannelUnbridged
from cti.domain.switch.snapshot import Snapshot
from cti.engine import runner
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import lose, reconcile


async def test_a_call_that_ended_while_the_snapshot_was_on_its_way_stays_ended(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    caller = await floor.call_in()
    await floor.until(lambda: floor.waiting(), "waits")
    asked_at = floor.sim.clock()
    snapshot = await floor.sim.snapshot()
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: not floor.runner.engine.centre.calls, "over")
    floor.runner._do(floor.runner.engine.on_snapshot(floor.sim.clock(), "sim", snapshot, asked_at, {}))
    assert not floor.runner.engine.centre.calls
    assert floor.waiting() == []


async def test_a_join_whose_event_was_lost_is_booked_from_the_snapshot(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    lose(floor, ChannelBridged)
    floor.phone("a1").answer()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "joined")
    await reconcile(floor)
    await floor.talks("a1")
    assert floor.waiting() == []
    assert floor.call(caller).phase == "connected"


@pytest.mark.parametrize(
    ("up_for", "told"), [(None, ("normal", "customer")), (3600.0, ("normal", "customer")), (0.0, ("failed", "system"))]
)
async def test_calls_that_ended_with_their_switch_are_told_from_those_that_the_customer_ended(
    open_floor: OpenFloor, up_for: float | None, told: tuple[str, str]
) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    call_id = floor.call(await floor.talking_to("a1")).call_id
    now, engine = floor.sim.clock(), floor.runner.engine
    snapshot = dataclasses.replace(await floor.sim.snapshot(), channels=(), up_for=up_for)
    floor.runner._do(engine.on_snapshot(now + 60, "sim", snapshot, now + 60, {}))
    ledger = await floor.ledger(call_id)
    assert (ledger["state"], ledger["cause"], ledger["ended_by"]) == ("ended", *told)


@pytest.mark.parametrize(
    ("held", "told", "after"),
    [(False, True, ("ready", "agent", "")), (False, False, ("talking", "", "a1")), (True, True, ("hold", "", "a1"))],
)
async def test_an_agent_who_hung_up_unseen_is_told_from_one_whose_phone_was_lost(
    open_floor: OpenFloor, held: bool, told: bool, after: tuple[str, str, str]
) -> None:
    """What the switch tells of a customer on hold is of the talk before."""
    floor = await open_floor(wrapup=0.0)
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    if held:
        await floor.do("a1", "hold")
        await floor.until(lambda: floor.hears_music(caller), "held")
    call, leg = floor.call(caller), str(floor.phone("a1").channel.id)
    snapshot = await floor.sim.snapshot()
    left = tuple(
        dataclasses.replace(one, peer="", controlled=True, left_by=leg if told else "")
        for one in snapshot.channels
        if one.channel == caller
    )
    now, engine = floor.sim.clock() + 60, floor.runner.engine
    floor.runner._do(engine.on_snapshot(now, "sim", dataclasses.replace(snapshot, channels=left), now, {}))
    assert (floor.agent("a1").state, call.ended_by, call.waiting_for_agent) == after


async def test_a_long_outage_of_the_link_hangs_nobody_up(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call = floor.call(caller)
    engine = floor.runner.engine
    _, effects = engine.agent_request(engine.centre.now, {"op": "hold", "agent_id": "a1"})
    floor.sim.cut_link()
    await floor.until(lambda: not engine.centre.switches["sim"].up, "down")
    floor.runner._do(effects)
    for n in range(1, 8):
        floor.runner._do(engine.on_timer(floor.sim.clock() + n * 4, f"settle:{call.call_id}"))
    floor.sim.restore_link()
    await floor.until(lambda: engine.centre.switches["sim"].reconciled, "reconciled")
    await floor.until(lambda: floor.hears_music(caller), "held", deadline=8.0)
    assert not any(isinstance(c, Hangup) for c in floor.sim.commands)


async def test_operations_on_a_call_are_refused_while_the_switch_is_away(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1", "a2")
    caller = await floor.talking_to("a1")
    floor.sim.cut_link()
    await floor.until(lambda: not floor.runner.engine.centre.switches["sim"].up, "down")
    for op in ("hold", "transfer", "consult", "rejoin", "digits"):
        reply = await floor.ask("a1", op, number="1002", device="1001", digits="1")
        assert reply["error"] == "agent.not_now", op
    assert (floor.agent("a1").state, len(floor.call(caller).legs)) == ("talking", 2)


async def test_a_hang_up_asked_for_again_and_again_does_not_hide_that_the_channel_is_gone(
    open_floor: OpenFloor,
) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    call, engine = floor.call(caller), floor.runner.engine
    lose(floor, ChannelHungUp, ChannelUnbridged)
    await floor.do("a1", "hangup")
    await floor.until(lambda: not floor.sim.channels, "gone")
    now = floor.sim.clock() + 20.0
    floor.runner._do(engine.on_timer(now, f"settle:{call.call_id}"))
    floor.runner._do(engine.on_snapshot(now + 0.1, "sim", await floor.sim.snapshot(), now + 0.1, {}))
    assert not engine.centre.calls


async def test_the_link_comes_back_while_an_old_snapshot_is_worked_on(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    snapshot, taken = floor.sim.snapshot, []

    async def overtaken(deadline: float = 5.0) -> Snapshot:
        taken.append(await snapshot(deadline))
        if len(taken) == 1:
            floor.sim.cut_link()
            floor.sim.incoming("8001", "13800000009")
            floor.sim.restore_link()
            await floor.sim.settle()
        return taken[-1]

    floor.sim.snapshot = overtaken  # type: ignore[method-assign]
    await floor.runner._reconcile("sim", until_done=False)
    await floor.until(lambda: floor.waiting() == ["13800000009"], "the caller is known")


async def test_reconciliation_goes_on_after_a_mistake_of_ours(
    open_floor: OpenFloor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RECONCILE_EVERY", 0.01)
    floor = await open_floor()
    original, tries = floor.runner.engine.on_snapshot, []

    def once_wrong(*arguments: Any) -> Any:
        tries.append(arguments)
        if len(tries) == 1:
            raise KeyError("a bug")
        return original(*arguments)

    floor.runner.engine.on_snapshot = once_wrong  # type: ignore[method-assign]
    await floor.until(lambda: len(tries) > 2, "further snapshots")
    assert floor.runner.engine.centre.counters["engine:bug"] == 1


async def test_a_leg_given_up_that_shows_later_is_hung_up(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    late = floor.phone("a1").channel.id
    for leg in floor.call(caller).legs:
        leg.changed_at -= 10
    now, whole = floor.sim.clock(), await floor.sim.snapshot()
    without = dataclasses.replace(whole, channels=tuple(c for c in whole.channels if c.channel != late))
    floor.runner._do(floor.runner.engine.on_snapshot(now, "sim", without, now, {}))
    await floor.until_agent("a1", "notReady")
    await reconcile(floor)
    await floor.until(lambda: late not in floor.sim.channels, "the phone rings no more", deadline=0.5)
    assert floor.waiting() == ["13800000001"]
    assert floor.illegal() == {}
