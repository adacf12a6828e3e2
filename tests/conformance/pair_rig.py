"""Real switches that are peers, as a pair of worlds: calls live on ``home``, phones are registered at ``other``.

Started once for the whole run; a FreeSWITCH that is not there is left out and named.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cti.domain.switch.commands import DeviceTarget, Originate
from cti.domain.switch.events import ChannelAnswered
from cti.provision.apt import ProvisionFailed
from cti.provision.freeswitch import require_freeswitch
from cti.switch_settings import Peer, SwitchSettings
from tests.conformance.asterisk_rig import (
    AsteriskLeg,
    AsteriskWorld,
    RunningAsterisk,
    asterisk_settings,
    running_asterisk,
)
from tests.conformance.freeswitch_rig import (
    FreeSwitchWorld,
    RunningFreeSwitch,
    freeswitch_settings,
    running_freeswitch,
)
from tests.conformance.world import AGENT_HERTZ, new_channel

ASTERISK, SECOND, FREESWITCH = "asterisk", "second", "freeswitch"
Running = RunningAsterisk | RunningFreeSwitch


@dataclass(frozen=True)
class Centre:
    """``missing`` says why a switch is not among the running ones."""

    running: dict[str, Running]
    missing: dict[str, str]


@contextmanager
def running_centre(folder: Path) -> Iterator[Centre]:
    missing: dict[str, str] = {}
    switches = [
        replace(asterisk_settings(folder / ASTERISK), name=ASTERISK),
        replace(asterisk_settings(folder / SECOND), name=SECOND),
    ]
    freeswitch = replace(freeswitch_settings(folder / FREESWITCH), name=FREESWITCH)
    try:
        require_freeswitch(freeswitch)
        switches.append(freeswitch)
    except ProvisionFailed as error:
        missing[FREESWITCH] = str(error)
    with ExitStack() as stack:
        running: dict[str, Running] = {}
        for switch in _introduced(switches):
            start = running_freeswitch if switch.name == FREESWITCH else running_asterisk
            running[switch.name] = stack.enter_context(start(folder / switch.name, switch))
        yield Centre(running, missing)


def _introduced(switches: list[SwitchSettings]) -> list[SwitchSettings]:
    """Each with the others as its peers, each two with a secret of their own."""
    pairs = {frozenset((a.name, b.name)): secrets.token_urlsafe(24) for a in switches for b in switches if a is not b}
    return [
        replace(
            one,
            peers=tuple(
                Peer(other.name, "127.0.0.1", other.sip_port, pairs[frozenset((one.name, other.name))])
                for other in switches
                if other is not one
            ),
        )
        for one in switches
    ]


def world_of(running: Running) -> AsteriskWorld:
    return FreeSwitchWorld(running) if isinstance(running, RunningFreeSwitch) else AsteriskWorld(running)


@dataclass
class Pair:
    home: AsteriskWorld
    other: AsteriskWorld
    other_name: str

    async def rings(self, device: str = "1001", **options: object) -> tuple[str, AsteriskLeg]:
        """A phone of the other switch is rung from home; the channel at home and the phone's end."""
        await self.other.register(device)
        channel = new_channel()
        target = DeviceTarget(device, self.other_name)
        given = {"caller_number": "13800138000", **options}
        await self.home.switch.execute(Originate(channel, target, **given))  # type: ignore[arg-type]
        return channel, await self.other.rings(device)

    async def agent_is_on(self, device: str = "1001", **options: object) -> tuple[str, AsteriskLeg]:
        channel, leg = await self.rings(device, **options)
        leg.answer()
        await self.home.log.until(ChannelAnswered, channel=channel)
        await leg.talking()
        leg.say(AGENT_HERTZ)
        return channel, leg
