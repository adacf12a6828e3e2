"""The test call through a trunk: what is told of it, that it ends, and that no agent has to do with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cti.domain.config.ways_out import TrunkConfig
from cti.domain.errors import DeadlineExceeded
from cti.domain.switch.commands import Hangup, Originate, Play, TrunkTarget
from cti.domain.switch.terms import Cause
from cti.domain.trunks import NumberRule
from cti.services import trunk_test
from tests.floor import Floor
from tests.unit.conftest import OpenFloor

NUMBER = "013800138000"


class Told(list[dict[str, Any]]):
    @property
    def states(self) -> list[str]:
        return [document["state"] for document in self]


async def floor_with(open_floor: OpenFloor, **trunk: Any) -> tuple[Floor, Told]:
    floor = await open_floor()
    await floor.configure(replace(floor.config, trunks=(TrunkConfig("t1", "Carrier", "02160000000", **trunk),)))
    told = Told()
    await floor.bus.subscribe("cy.evt.trunk_test.t1", lambda _, document: told.append(document))
    return floor, told


async def start(floor: Floor, **arguments: Any) -> dict[str, Any]:
    return await floor.bus.request("cy.cmd.centre", {"op": "trunk_test", "trunk": "t1", "number": NUMBER, **arguments})


async def test_it_says_a_word_and_hangs_up(open_floor: OpenFloor) -> None:
    floor, told = await floor_with(open_floor, dial_rules=(NumberRule("0", 0, "17909"),), hide_number=True)
    floor.sim.outside("17909" + NUMBER).will_answer(0.02)
    reply = await start(floor)
    assert reply["ok"]
    assert (reply["test"]["dialled"], reply["test"]["shown"]) == ("17909" + NUMBER, "02160000000")
    await floor.until(lambda: told.states[-1:] == ["done"], "done")
    assert told.states == ["dialling", "ringing", "answered", "done"]
    assert (told[-1]["sip"], told[-1]["answer"], told[-1]["switch"]) == (0, "answered", "sim")
    assert told[-1]["seconds"] > 0
    out = next(c for c in floor.sim.commands if isinstance(c, Originate))
    assert out.target == TrunkTarget("t1", "17909" + NUMBER, hidden=True)
    assert any(isinstance(c, Play) for c in floor.sim.commands)
    assert floor.runner.engine.centre.calls == {}


async def test_it_is_in_the_call_log_as_a_test(open_floor: OpenFloor) -> None:
    floor, told = await floor_with(open_floor)
    floor.sim.outside(NUMBER).will_answer()
    await start(floor)
    await floor.until(lambda: told.states[-1:] == ["done"], "done")
    call = await floor.ledger(told[-1]["test_id"])
    assert (call["test"], call["direction"], call["dnis"], call["trunk"]) == (True, "outbound", NUMBER, "t1")
    assert call["ended_at"]
    assert {leg["agent_id"] for leg in call["legs"]} == {""}


@pytest.mark.parametrize(
    ("cause", "sip", "answer"),
    [(Cause.BUSY, 486, "busy"), (Cause.UNALLOCATED, 404, "no_such_number"), (Cause.REJECTED, 603, "declined")],
)
async def test_the_far_sides_answer_is_told(open_floor: OpenFloor, cause: Cause, sip: int, answer: str) -> None:
    floor, told = await floor_with(open_floor)
    floor.sim.outside(NUMBER).will_end(cause)
    await start(floor)
    await floor.until(lambda: told.states[-1:] == ["failed"], "failed")
    assert (told[-1]["sip"], told[-1]["cause"], told[-1]["answer"]) == (sip, cause, answer)


async def test_nobody_answers(open_floor: OpenFloor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trunk_test, "RING", 0.05)
    floor, told = await floor_with(open_floor)
    await start(floor)
    await floor.until(lambda: told.states[-1:] == ["failed"], "failed")
    assert (told[-1]["cause"], told[-1]["answer"]) == ("no_answer", "no_answer")
    assert floor.sim.channels == {}


async def test_it_ends_though_the_switch_says_nothing(open_floor: OpenFloor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trunk_test, "DEADLINE", 0.05)
    floor, told = await floor_with(open_floor)
    floor.sim.fail_next(Originate, DeadlineExceeded("nobody knows"))
    await start(floor)
    await floor.until(lambda: told.states[-1:] == ["failed"], "failed")
    assert any(isinstance(c, Hangup) for c in floor.sim.commands)
    assert (await start(floor))["ok"]


async def test_one_at_a_time(open_floor: OpenFloor) -> None:
    floor, told = await floor_with(open_floor)
    assert (await start(floor))["ok"]
    assert (await start(floor))["error"] == "agent.not_now"
    assert (await floor.bus.request("cy.cmd.centre", {"op": "trunk_tests"}))["tests"]["t1"]["state"] == "ringing"
    floor.sim.outside(NUMBER).busy()
    await floor.until(lambda: told.states[-1:] == ["failed"], "failed")
    assert (await floor.bus.request("cy.cmd.centre", {"op": "trunk_tests"}))["tests"]["t1"] == told[-1]
    assert (await start(floor))["ok"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"trunk": "nowhere"}, "trunk.unknown"),
        ({"trunk": None}, "request.bad"),
        ({"number": ""}, "request.bad"),
        ({"number": "1&Local/x"}, "request.bad"),
        ({"number": "1"}, "request.bad"),
        ({"number": "1001\r\n"}, "request.bad"),
        ({"switch": "nowhere"}, "request.bad"),
    ],
)
async def test_what_makes_no_sense_is_refused(open_floor: OpenFloor, arguments: dict[str, Any], error: str) -> None:
    floor, told = await floor_with(open_floor)
    assert (await start(floor, **arguments))["error"] == error
    assert told == []
    assert not any(isinstance(c, Originate) for c in floor.sim.commands)


async def test_a_full_trunk_is_not_tested(open_floor: OpenFloor) -> None:
    floor, _ = await floor_with(open_floor, max_channels=1)
    channel = floor.sim.incoming("8001", "13800000001", trunk="t1")
    await floor.until(lambda: channel in floor.runner.engine.centre.channels, "known")
    assert (await start(floor))["error"] == "trunk.full"


async def test_a_trunk_that_the_switch_does_not_carry(open_floor: OpenFloor) -> None:
    floor, _ = await floor_with(open_floor, switches=("other",))
    assert (await start(floor))["error"] == "switch.link_down"


async def test_after_a_restart_of_the_engine_it_is_hung_up(open_floor: OpenFloor) -> None:
    floor, _ = await floor_with(open_floor)
    await start(floor)
    await floor.until(lambda: floor.sim.channels, "dialled")
    await floor.kill_engine()
    await floor.restart_engine()
    await floor.until(lambda: not floor.sim.channels, "hung up")
    assert not any(isinstance(c, Play) for c in floor.sim.commands)
