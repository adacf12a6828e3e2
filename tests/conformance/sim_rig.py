"""The simulator as a ``World``: its far ends moved by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cti.domain.switch.events import LinkUp
from cti.domain.switch.terms import Cause
from cti.switches.sim import SimSwitch
from cti.switches.sim.model import SimChannel
from tests.conformance.world import TRUNK
from tests.fakes.events import EventLog


class SimLeg:
    def __init__(self, sim: SimSwitch, chan: SimChannel) -> None:
        self._sim, self._chan = sim, chan

    @property
    def digits(self) -> str:
        return self._chan.digits_sent

    def answer(self) -> None:
        self._sim.far_answer(self._chan)

    def reject(self, cause: Cause) -> None:
        self._sim.far_end(self._chan, cause)

    def hangup(self) -> None:
        self._sim.far_end(self._chan, Cause.NORMAL)

    def press(self, digits: str) -> None:
        self._sim.press(self._chan.id, digits)

    def hold(self, held: bool) -> None:
        self._sim.far_hold(self._chan, held)

    def say(self, hertz: float) -> None:
        """No media here."""

    async def talking(self) -> None:
        assert self._chan.answered

    async def ended(self) -> None:
        assert self._chan.id not in self._sim.channels

    async def was_sent(self, digits: str) -> None:
        assert self._chan.digits_sent == digits

    async def hears(self, hertz: float) -> None:
        raise AssertionError("no media: the test must ask for the capability")

    async def hears_sound(self) -> None:
        raise AssertionError("no media: the test must ask for the capability")

    async def hears_silence(self) -> None:
        raise AssertionError("no media: the test must ask for the capability")


class SimWorld:
    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.log = EventLog()
        self.switch = SimSwitch(spool_dir=spool)
        for device in ("1001", "1002"):
            self.switch.phone(device)

    async def __aenter__(self) -> SimWorld:
        await self.switch.start(self.log)
        await self.log.until(LinkUp)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.switch.stop()

    async def register(self, device: str) -> None:
        self.switch.phone(device).register()
        await self.switch.settle()

    async def unregister(self, device: str) -> None:
        self.switch.phone(device).unregister()

    async def register_elsewhere(self, device: str) -> None:
        await self.register(device)

    async def call_in(self, dialed: str, number: str, name: str = "") -> SimLeg:
        channel = self.switch.incoming(dialed, number, name, trunk=TRUNK)
        return SimLeg(self.switch, self.switch.channels[channel])

    async def dial_from(self, device: str, dialed: str) -> SimLeg:
        channel = self.switch.phone(device).dial(dialed)
        return SimLeg(self.switch, self.switch.channels[channel])

    async def rings(self, device: str) -> SimLeg:
        return SimLeg(self.switch, self.switch.phone(device).channel)

    async def rings_outside(self, number: str) -> SimLeg:
        return SimLeg(self.switch, self.switch.outside(number).channel)

    async def nothing_rings(self, device: str) -> None:
        await asyncio.sleep(0)
        assert not self.switch.phone(device).ringing

    async def cut_link(self) -> None:
        self.switch.cut_link()

    async def restore_link(self) -> None:
        self.switch.restore_link()

    async def restart_driver(self) -> None:
        await self.switch.stop()
        since = self.log.mark()
        await self.switch.start(self.log)
        await self.log.until(LinkUp, since=since)
