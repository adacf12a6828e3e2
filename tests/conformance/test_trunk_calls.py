"""The engine on a real switch with a real carrier: the test call, and the limit of a trunk's calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from cti.bus.memory import MemoryBroker, MemoryBus
from cti.domain.config.centre import CentreConfig
from cti.domain.config.queues import QueueConfig
from cti.domain.config.routes import DidConfig, RouteTarget, TargetKind
from cti.domain.config.ways_out import TrunkConfig
from cti.domain.trunks import NumberRule
from cti.engine.runner import EngineRunner
from tests.conformance import trunks
from tests.conformance.asterisk_rig import AsteriskWorld
from tests.conformance.test_trunks import peer, real, user
from tests.fakes.carrier import Carrier

__all__ = ["peer", "real"]

CONFIG = CentreConfig(
    version=1,
    queues=(QueueConfig("q1", "2001", "Orders"),),
    dids=(DidConfig(trunks.FIXED, RouteTarget(TargetKind.QUEUE, "q1")),),
    trunks=(
        TrunkConfig(
            trunks.BY_ADDRESS,
            "By address",
            "02160000000",
            dial_rules=(NumberRule("0", 0, "17909"),),
            caller_rules=(NumberRule("+86", 3, "0"),),
            max_channels=1,
        ),
    ),
)


class Centre:
    """The engine on ``world``'s switch; ``told`` are the documents of the test call."""

    def __init__(self, world: AsteriskWorld) -> None:
        self.told: list[dict[str, Any]] = []
        self.bus = MemoryBus(MemoryBroker())
        self.switch = world.driver()
        self.runner = EngineRunner([self.switch], self.bus)

    async def __aenter__(self) -> Centre:
        await self.bus.start()
        await self.bus.kv_put("cy_config", "centre", CONFIG.to_document())
        await self.bus.subscribe(
            f"cy.evt.trunk_test.{trunks.BY_ADDRESS}", lambda _, document: self.told.append(document)
        )
        await self.runner.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.stop()
        await self.bus.stop()

    async def test(self, number: str = "013800138000") -> dict[str, Any]:
        request = {"op": "trunk_test", "trunk": trunks.BY_ADDRESS, "number": number}
        return await self.bus.request("cy.cmd.centre", request)

    async def until(self, condition: Callable[[], object], what: str, deadline: float = 10.0) -> None:
        try:
            async with asyncio.timeout(deadline):
                while not condition():  # noqa: ASYNC110 - nothing to be notified by
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"no {what} within {deadline} s; told: {self.told}") from None

    def reconciled(self) -> bool:
        return all(status.reconciled for status in self.runner.engine.centre.switches.values())

    @property
    def states(self) -> list[str]:
        return [document["state"] for document in self.told]


@pytest.fixture
async def centre(real: AsteriskWorld, peer: Carrier) -> AsyncIterator[Centre]:
    async with Centre(real) as centre:
        await centre.until(centre.reconciled, "reconciled")
        yield centre


async def test_a_test_call_that_is_answered(peer: Carrier, centre: Centre) -> None:
    peer.accept = lambda call: call.answer()
    assert (await centre.test())["ok"]
    call = await peer.rings()
    assert call.invite is not None
    assert user(call.invite.start) == "17909013800138000"
    assert user(call.invite.get("from")) == "02160000000"
    await centre.until(lambda: centre.states[-1:] == ["done"], "done")
    assert centre.states == ["dialling", "ringing", "answered", "done"]
    await call.until("ended")


async def test_a_test_call_that_is_refused(peer: Carrier, centre: Centre) -> None:
    peer.accept = lambda call: call.reject("484 Address Incomplete")
    assert (await centre.test("13800138000"))["ok"]
    await centre.until(lambda: centre.states[-1:] == ["failed"], "failed")
    assert (centre.told[-1]["sip"], centre.told[-1]["answer"]) == (484, "incomplete")


async def test_a_trunk_that_is_full_takes_no_call(peer: Carrier, centre: Centre) -> None:
    first = await peer.call("4711", shown="+8613900139000")
    await first.until("talking")
    (call,) = centre.runner.engine.centre.calls.values()
    assert (call.ani, call.dnis, call.trunk) == ("013900139000", trunks.FIXED, trunks.BY_ADDRESS)
    second = await peer.call("4711", shown="13900139001")
    await second.until("ended")
    assert second.status == 503
    assert (await centre.test())["error"] == "trunk.full"
    first.hangup()
    await centre.until(lambda: not centre.runner.engine.centre.calls, "over")
