"""Who cannot make us call outside: callers, phones without a login, phones other than the agent's present one."""

from __future__ import annotations

import pytest

from cti.domain.switch.commands import Originate, TrunkTarget
from tests.floor import Floor
from tests.unit.conftest import OpenFloor

OUTSIDE = "0013900000000"


def dialled_outside(floor: Floor) -> list[str]:
    return [
        c.target.number for c in floor.sim.commands if isinstance(c, Originate) and isinstance(c.target, TrunkTarget)
    ]


@pytest.mark.parametrize("dialed", [OUTSIDE, "1001", "2001", "s", "", "8000;", "+8000"])
async def test_a_caller_reaches_service_numbers_only(open_floor: OpenFloor, dialed: str) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    channel = floor.sim.incoming(dialed, "1001", "Agent 1")
    await floor.until(lambda: channel not in floor.sim.channels, "refused")
    assert not any(isinstance(c, Originate) for c in floor.sim.commands)


@pytest.mark.parametrize("device", ["1001", "1001-web", "9999", "trunk-t1"])
async def test_a_phone_without_a_login_calls_nobody(open_floor: OpenFloor, device: str) -> None:
    floor = await open_floor()
    for number in (OUTSIDE, "1002"):
        channel = floor.sim.incoming(number, "1001", device=device)
        await floor.until(lambda channel=channel: channel not in floor.sim.channels, "refused")
    assert not any(isinstance(c, Originate) for c in floor.sim.commands)


async def test_after_signing_off_the_phone_calls_nobody(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    await floor.do("a1", "logout")
    channel = floor.sim.incoming(OUTSIDE, "1001", device="1001")
    await floor.until(lambda: channel not in floor.sim.channels, "refused")
    assert dialled_outside(floor) == []


async def test_only_the_phone_an_agent_is_signed_on_with_calls_out(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    await floor.on_duty("a1")
    channel = floor.sim.incoming(OUTSIDE, "1001", device="1001-web")
    await floor.until(lambda: channel not in floor.sim.channels, "refused")
    assert dialled_outside(floor) == []
    floor.sim.incoming(OUTSIDE, "1001", device="1001")
    await floor.until(lambda: dialled_outside(floor) == [OUTSIDE], "dialled")
