"""What a conformance test may do: act as the callers and phones around a switch, whatever the switch is.

``World`` and ``Leg`` are what tests see. A switch's rig implements both; tests ask for capabilities, never for a name.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cti.domain.switch.commands import Answer, Bridge, DeviceTarget, Originate
from cti.domain.switch.events import ChannelAnswered, ChannelBridged, ChannelOffered
from cti.domain.switch.terms import Cause
from cti.switches.base import Switch
from tests.fakes.events import EventLog

TRUNK = "t1"
SHORT, LONG = "conf/short", "conf/long"  # prompts of 0.3 s and 20 s
LONG_HERTZ = 700.0
CUSTOMER_HERTZ, AGENT_HERTZ = 440.0, 1000.0


class Leg(Protocol):
    """One call as the far end has it: a customer's line or an agent's phone."""

    @property
    def digits(self) -> str:
        """Keys that the far end was sent."""

    def answer(self) -> None: ...
    def reject(self, cause: Cause) -> None: ...
    def hangup(self) -> None: ...
    def press(self, digits: str) -> None: ...
    def hold(self, held: bool) -> None: ...
    def say(self, hertz: float) -> None: ...
    async def talking(self) -> None: ...
    async def ended(self) -> None: ...
    async def was_sent(self, digits: str) -> None: ...
    async def hears(self, hertz: float) -> None: ...
    async def hears_sound(self) -> None: ...
    async def hears_silence(self) -> None: ...


class World(Protocol):
    """A switch with its surroundings. ``devices``: ``1001`` and ``1002`` exist, not registered."""

    log: EventLog
    spool: Path

    @property
    def switch(self) -> Switch: ...

    async def register(self, device: str) -> None: ...
    async def unregister(self, device: str) -> None: ...
    async def register_elsewhere(self, device: str) -> None:
        """As when a phone gets another address, or a browser dies and another opens: the old one says nothing."""

    async def call_in(self, dialed: str, number: str, name: str = "") -> Leg: ...
    async def dial_from(self, device: str, dialed: str) -> Leg: ...
    async def rings(self, device: str) -> Leg: ...
    async def rings_outside(self, number: str) -> Leg: ...
    async def nothing_rings(self, device: str) -> None: ...
    async def cut_link(self) -> None: ...
    async def restore_link(self) -> None: ...
    async def restart_driver(self) -> None:
        """As when the engine is killed and started anew: a driver that knows nothing."""


# ---------------------------------------------------------------- sentences of the trade

_ids = iter(range(1, 10**9))


async def eventually(condition: Callable[[], bool], what: str, deadline: float = 5.0) -> None:
    """Wait for what no event tells: looked at every few milliseconds."""
    until = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < until, f"not within {deadline:g} s: {what}"
        await asyncio.sleep(0.003)


def new_channel() -> str:
    """A channel id no earlier run on the same switch has used."""
    return f"conf-{secrets.token_hex(6)}-{next(_ids)}"


async def customer_calls(world: World, number: str = "13800138000", name: str = "") -> tuple[str, Leg]:
    """A customer's call is offered; return its channel and the customer's end."""
    since = world.log.mark()
    leg = await world.call_in("8000", number, name)
    offered = await world.log.until(ChannelOffered, since=since)
    return offered.channel, leg


async def customer_is_served(world: World) -> tuple[str, Leg]:
    """A customer has called and was answered."""
    channel, leg = await customer_calls(world)
    await world.switch.execute(Answer(channel))
    await world.log.until(ChannelAnswered, channel=channel)
    await leg.talking()
    leg.say(CUSTOMER_HERTZ)
    return channel, leg


async def phone_rings(world: World, device: str = "1001", **options: object) -> tuple[str, Leg]:
    """The phone is registered and made to ring; return the channel and the phone's end."""
    await world.register(device)
    channel = new_channel()
    await world.switch.execute(Originate(channel, DeviceTarget(device), "8000", **options))  # type: ignore[arg-type]
    return channel, await world.rings(device)


async def agent_is_on(world: World, device: str = "1001") -> tuple[str, Leg]:
    """The agent's phone rang and was picked up."""
    channel, leg = await phone_rings(world, device)
    leg.answer()
    await world.log.until(ChannelAnswered, channel=channel)
    await leg.talking()
    leg.say(AGENT_HERTZ)
    return channel, leg


async def they_talk(world: World) -> tuple[tuple[str, Leg], tuple[str, Leg]]:
    """Customer and agent are joined."""
    customer = await customer_is_served(world)
    agent = await agent_is_on(world)
    await join(world, customer[0], agent[0])
    return customer, agent


async def join(world: World, channel: str, peer: str) -> None:
    since = world.log.mark()
    await world.switch.execute(Bridge(channel, peer))
    await world.log.until(ChannelBridged, since=since, channel=channel, peer=peer)
