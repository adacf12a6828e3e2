"""Which trunk a call goes out by, with what digits and what number; what a call that comes in by one is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cti.domain.config.routes import DidConfig, RouteTarget, TargetKind
from cti.domain.config.ways_out import TrunkConfig
from cti.domain.switch.commands import Hangup, Originate, TrunkTarget
from cti.domain.switch.events import TrunkChanged
from cti.domain.switch.terms import Cause, TrunkState
from cti.domain.trunks import CallerId, NumberRule
from tests.floor import ORDERS, Floor
from tests.unit.conftest import OpenFloor

NUMBER = "013800138000"


async def with_trunks(open_floor: OpenFloor, *trunks: TrunkConfig, dids: tuple[DidConfig, ...] = ()) -> Floor:
    floor = await open_floor()
    await floor.configure(replace(floor.config, trunks=trunks, dids=(*floor.config.dids, *dids)))
    return floor


def dialled(floor: Floor) -> list[Originate]:
    return [c for c in floor.sim.commands if isinstance(c, Originate) and isinstance(c.target, TrunkTarget)]


async def calls_out(floor: Floor, agent: str = "a1", number: str = NUMBER) -> Originate:
    before = len(dialled(floor))
    await floor.on_duty(agent)
    await floor.do(agent, "dial", number=number)
    floor.phone(agent).answer()
    await floor.until(lambda: len(dialled(floor)) > before, "dialled outside")
    return dialled(floor)[-1]


async def test_digits_are_changed_by_the_first_rule_that_fits(open_floor: OpenFloor) -> None:
    rules = (NumberRule("00", 2, "+"), NumberRule("0", 0, "17909"))
    floor = await with_trunks(open_floor, TrunkConfig("t1", "Carrier", "02160000000", dial_rules=rules))
    out = await calls_out(floor)
    assert out.target == TrunkTarget("t1", "17909" + NUMBER)
    assert out.caller_number == "02160000000"
    call = floor.call(out.channel)
    assert (call.dnis, call.trunk) == (NUMBER, "t1")


async def test_a_number_that_the_rules_leave_nothing_of_is_refused(open_floor: OpenFloor) -> None:
    floor = await with_trunks(open_floor, TrunkConfig("t1", "Carrier", dial_rules=(NumberRule("", 20, ""),)))
    await floor.on_duty("a1")
    assert (await floor.ask("a1", "dial", number=NUMBER))["error"] == "request.bad"
    assert not any(isinstance(c, Originate) for c in floor.sim.commands)


async def test_the_number_is_hidden_where_the_trunk_says_so(open_floor: OpenFloor) -> None:
    floor = await with_trunks(open_floor, TrunkConfig("t1", "Carrier", "8000", hide_number=True))
    assert (await calls_out(floor)).target == TrunkTarget("t1", NUMBER, hidden=True)


async def test_the_agents_own_number_is_shown_then_the_queues_then_the_trunks(open_floor: OpenFloor) -> None:
    own = DidConfig("62160001", RouteTarget(TargetKind.AGENT, "a1"))
    queues = DidConfig("62160099", RouteTarget(TargetKind.QUEUE, ORDERS))
    elsewhere = DidConfig("62160002", RouteTarget(TargetKind.AGENT, "a2"), trunk="t9")
    trunk = TrunkConfig("t1", "Carrier", "02160000000", CallerId.OWN)
    floor = await with_trunks(open_floor, trunk, dids=(own, elsewhere, queues))
    assert (await calls_out(floor, "a1")).caller_number == "62160001"
    assert (await calls_out(floor, "a2")).caller_number == "8001"
    await floor.configure(replace(floor.config, dids=(elsewhere,)))
    assert (await calls_out(floor, "a3")).caller_number == "02160000000"


async def test_a_number_of_the_trunk_is_shown_rather_than_one_of_any(open_floor: OpenFloor) -> None:
    target = RouteTarget(TargetKind.AGENT, "a1")
    trunk = TrunkConfig("t1", "Carrier", "02160000000", CallerId.OWN)
    dids = (DidConfig("62160001", target), DidConfig("62160009", target, "t1"))
    floor = await with_trunks(open_floor, trunk, dids=dids)
    assert (await calls_out(floor, "a1")).caller_number == "62160009"


@pytest.mark.parametrize(("caller", "shown"), [("13900139000", "13900139000"), ("", "8001"), ("anonymous", "8001")])
async def test_a_call_passed_on_shows_its_caller(open_floor: OpenFloor, caller: str, shown: str) -> None:
    floor = await with_trunks(open_floor, TrunkConfig("t1", "Carrier", "02160000000", CallerId.CALLER))
    await floor.on_duty("a1")
    await floor.talking_to("a1", number=caller)
    await floor.do("a1", "transfer", number=NUMBER)
    await floor.until(lambda: dialled(floor), "dialled outside")
    assert dialled(floor)[-1].caller_number == shown


async def test_a_consultation_shows_the_caller_too(open_floor: OpenFloor) -> None:
    floor = await with_trunks(open_floor, TrunkConfig("t1", "Carrier", "02160000000", CallerId.CALLER))
    await floor.on_duty("a1")
    await floor.talking_to("a1", number="13900139000")
    await floor.do("a1", "consult", number=NUMBER)
    assert dialled(floor)[-1].caller_number == "13900139000"


async def test_a_trunk_that_is_full_gives_way_to_the_next(open_floor: OpenFloor) -> None:
    first, second = TrunkConfig("t1", "One", "1", max_channels=1), TrunkConfig("t2", "Two", "2", max_channels=1)
    floor = await with_trunks(open_floor, first, second)
    assert (await calls_out(floor, "a1")).target == TrunkTarget("t1", NUMBER)
    assert (await calls_out(floor, "a2")).target == TrunkTarget("t2", NUMBER)
    await floor.on_duty("a3")
    assert (await floor.ask("a3", "dial", number=NUMBER))["error"] == "trunk.full"
    floor.sim.outside(NUMBER).hangup()
    await floor.until(lambda: len(floor.runner.engine.centre.calls) == 1, "one call is over")
    assert (await floor.ask("a3", "dial", number=NUMBER))["ok"]


async def test_a_call_that_comes_in_takes_a_channel_of_its_trunk(open_floor: OpenFloor) -> None:
    floor = await with_trunks(open_floor, TrunkConfig("t1", "Carrier", max_channels=1))
    first = floor.sim.incoming("8001", "13800000001", trunk="t1")
    await floor.until(lambda: first in floor.runner.engine.centre.channels, "known")
    second = floor.sim.incoming("8001", "13800000002", trunk="t1")
    await floor.until(lambda: second not in floor.sim.channels, "refused")
    assert Hangup(second, Cause.CONGESTION) in floor.sim.commands
    await floor.do("a2", "login", device="1002")
    assert (await floor.ask("a2", "dial", number=NUMBER))["error"] == "trunk.full"
    assert first in floor.sim.channels


async def test_a_trunk_that_is_down_gives_way_to_one_that_is_not(open_floor: OpenFloor) -> None:
    floor = await with_trunks(open_floor, TrunkConfig("t1", "One"), TrunkConfig("t2", "Two"))
    tell_trunk(floor, "t1", TrunkState.DOWN)
    assert (await calls_out(floor, "a1")).target == TrunkTarget("t2", NUMBER)
    tell_trunk(floor, "t2", TrunkState.REJECTED)
    assert (await calls_out(floor, "a2")).target == TrunkTarget("t1", NUMBER)


async def test_only_a_trunk_of_the_calls_switch_is_used(open_floor: OpenFloor) -> None:
    floor = await with_trunks(
        open_floor, TrunkConfig("t1", "Elsewhere", switches=("other",)), TrunkConfig("t2", "Here", switches=("sim",))
    )
    assert (await calls_out(floor)).target == TrunkTarget("t2", NUMBER)
    await floor.configure(replace(floor.config, trunks=floor.config.trunks[:1]))
    await floor.on_duty("a2")
    refused = await floor.ask("a2", "dial", number=NUMBER)
    assert (refused["error"], refused["params"].get("switch")) == ("agent.not_now", "sim")


def tell_trunk(floor: Floor, trunk: str, state: TrunkState) -> None:
    floor.runner.engine.on_event(floor.sim.clock(), "sim", TrunkChanged(floor.sim.clock(), trunk, state, 0.02))


async def test_the_state_of_trunks_is_told_once(open_floor: OpenFloor) -> None:
    floor = await with_trunks(open_floor, TrunkConfig("t1", "One"))
    told: list[dict[str, Any]] = []
    await floor.bus.subscribe("cy.evt.centre", lambda _, document: told.append(document))
    for _ in range(3):
        floor.sim.emit(TrunkChanged(floor.sim.clock(), "t1", TrunkState.UP, 0.02))
    floor.sim.emit(TrunkChanged(floor.sim.clock(), "t1", TrunkState.DOWN))
    await floor.until(lambda: told and told[-1]["switches"][0]["trunks"] == {"t1": "down"}, "told")
    after = [d["switches"][0] for d in told if d["switches"][0]["trunks"]]
    assert [d["trunks"]["t1"] for d in after] == ["up", "down"]
    assert [d["round_trips"] for d in after] == [{"t1": 0.02}, {}]


async def test_numbers_of_a_caller_are_made_dialable(open_floor: OpenFloor) -> None:
    trunk = TrunkConfig(
        "t1", "Carrier", did_rules=(NumberRule("+8621", 5, ""),), caller_rules=(NumberRule("+86", 3, "0"),)
    )
    floor = await with_trunks(open_floor, trunk)
    channel = floor.sim.incoming("+86218001", "+8613800000001", trunk="t1")
    await floor.until(lambda: channel in floor.runner.engine.centre.channels, "known")
    call = floor.call(channel)
    assert (call.dnis, call.ani, call.queue_id or ORDERS) == ("8001", "013800000001", ORDERS)
    await floor.until(lambda: floor.sim.channels[channel].answered, "answered")


async def test_a_number_of_one_trunk_is_not_reached_by_another(open_floor: OpenFloor) -> None:
    did = DidConfig("62160001", RouteTarget(TargetKind.QUEUE, ORDERS), trunk="t1")
    floor = await with_trunks(open_floor, TrunkConfig("t1", "One"), TrunkConfig("t2", "Two"), dids=(did,))
    wrong = floor.sim.incoming("62160001", "13800000001", trunk="t2")
    await floor.until(lambda: wrong not in floor.sim.channels, "refused")
    assert Hangup(wrong, Cause.UNALLOCATED) in floor.sim.commands
    right = floor.sim.incoming("62160001", "13800000001", trunk="t1")
    await floor.until(lambda: floor.sim.channels[right].answered, "answered")
