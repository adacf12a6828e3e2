"""An engine that takes over what another one left: before the first snapshot, without a ledger, with foreign state."""

from __future__ import annotations

import base64
import json

from cti.domain.config.routes import DidConfig, RouteTarget, TargetKind
from cti.domain.switch.snapshot import Snapshot
from cti.domain.switch.terms import Cause
from tests.unit.conftest import OpenFloor
from tests.unit.engine_steps import outbound, reconfigure


async def test_what_happens_before_the_first_snapshot_is_not_forgotten(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await floor.call_in()
    await floor.rings("a1")
    await floor.told()
    await floor.kill_engine()
    snapshot = floor.sim.snapshot

    async def slow(deadline: float = 5.0) -> Snapshot:
        taken = await snapshot(deadline)
        if not floor.phone("a1").channel.answered:
            floor.phone("a1").answer()
            await floor.sim.settle()
        return taken

    floor.sim.snapshot = slow  # type: ignore[method-assign]
    await floor.restart_engine()
    await floor.talks("a1")


async def test_a_leg_answered_while_no_engine_ran_is_answered_in_the_ledger(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.call_in()
    await floor.rings("a1")
    await floor.told()
    await floor.kill_engine()
    floor.phone("a1").answer()
    await floor.restart_engine()
    await floor.talks("a1")
    leg = floor.call(caller).legs[1]
    assert (leg.state, leg.answered_at is not None) == ("connected", True)
    assert floor.illegal() == {}


async def test_a_caller_answered_but_not_yet_marked_is_taken_over(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.kill_engine()
    caller = floor.sim.incoming("8001", "13800000001")
    floor.sim.channels[caller].answered = True
    await floor.restart_engine()
    assert floor.waiting() == ["13800000001"]


async def test_the_engine_dies_while_a_customer_waits_for_a_lost_phone(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.do("a1", "not_ready", reason="lunch")
    floor.sim.far_end(floor.phone("a1").channel, Cause.MEDIA_LOST)
    await floor.until(lambda: floor.hears_music(caller), "music")
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    await floor.until(lambda: floor.waiting() == ["13800000001"], "queued again")
    assert (floor.agent("a1").state, floor.agent("a1").reason) == ("notReady", "lunch")


async def test_a_phone_that_left_while_no_engine_ran_does_not_cost_the_customer_the_call(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    caller = await floor.talking_to("a1")
    await floor.told()
    await floor.kill_engine()
    floor.phone("a1").hangup()
    await floor.restart_engine()
    await floor.until(lambda: floor.hears_music(caller), "music")
    await floor.do("a1", "rejoin", device="1001")
    await floor.until(lambda: floor.talks_with(caller, "a1"), "talking again")


async def test_a_caller_ringing_an_agents_own_number_survives_a_restart(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    reconfigure(floor, dids=(*floor.config.dids, DidConfig("8002", RouteTarget(TargetKind.AGENT, "a1"))))
    await floor.bus.kv_put("cy_config", "centre", floor.config.to_document())
    await floor.on_duty("a1")
    caller = await floor.call_in("8002")
    await floor.rings("a1")
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    floor.phone("a1").answer()
    await floor.until(lambda: floor.talks_with(caller, "a1"), "talking")


async def test_the_queue_was_removed_while_no_engine_ran(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    caller = await floor.call_in()
    await floor.until(lambda: floor.waiting(), "waits")
    reconfigure(floor, queues=(), dids=())
    await floor.bus.kv_put("cy_config", "centre", floor.config.to_document())
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    await floor.until(lambda: caller not in floor.sim.channels, "goodbye")


async def test_a_call_out_is_still_connected_after_a_restart(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    customer = await outbound(floor, "a1")
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    assert floor.call(customer).phase == "connected"


async def test_without_a_ledger_the_end_of_a_call_is_newer_than_what_was_written(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    caller = await floor.call_in()
    await floor.until(lambda: floor.waiting(), "waits")
    call_id, version = floor.call(caller).call_id, floor.call(caller).version
    await floor.kill_engine()
    floor.broker.log.clear()
    await floor.restart_engine()
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: not floor.runner.engine.centre.calls, "over")
    ledger = await floor.ledger(call_id)
    assert (ledger["state"], ledger["version"] > version) == ("ended", True)


async def test_a_channel_with_a_foreign_state_does_not_stop_the_others(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.kill_engine()
    for n, state in enumerate(({"c": "x", "d": "sideways"}, {"c": "y", "p": "?"}, {"c": "z", "k": [], "r": 1e999})):
        channel = floor.sim.incoming("8001", f"1380000001{n}")
        raw = base64.urlsafe_b64encode(json.dumps(state).encode()).decode()
        floor.sim.channels[channel].state = raw.rstrip("=")
    floor.sim.incoming("8001", "13800000001")
    await floor.restart_engine()
    await floor.until(lambda: len(floor.waiting()) == 4, "all wait")
