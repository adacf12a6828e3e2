"""The simulator switch: the whole contract without media, in process and deterministic.

Tests drive it by hand (``incoming``, ``phone("1001").answer()``, ``press``, ``cut_link``). With ``auto`` it stands in
for a switch where none is to be had: the named devices count as registered, outside numbers pick up by themselves and
``AnswerDevice`` makes a phone answer. Events are delivered in order from the loop, never from inside a command. It must
not know agents, queues or calls.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from cti.domain.errors import LinkDown, SwitchError
from cti.domain.switch.commands import Command
from cti.domain.switch.events import ChannelOffered, Digit, LinkLost, LinkUp, PlayEnd
from cti.domain.switch.snapshot import ChannelSnapshot, Snapshot
from cti.domain.switch.terms import Capability, Cause
from cti.switches.base import EventSink
from cti.switches.sim import commands
from cti.switches.sim.floor import Floor, Schedule
from cti.switches.sim.model import FarEnd, SimChannel


class SimSwitch(Floor):
    """See the module. ``schedule(delay, call)`` replaces the loop's timers, for tests with their own time."""

    capabilities = frozenset(Capability) - {Capability.MEDIA, Capability.WATCH}

    def __init__(
        self,
        name: str = "sim",
        clock: Callable[[], float] = time.time,
        *,
        spool_dir: str | Path | None = None,
        play_seconds: float = 0.02,
        auto: bool = False,
        devices: Iterable[str] = (),
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(clock, spool_dir, schedule)
        self.name = name
        self.play_seconds = play_seconds
        self.auto = auto
        self.commands: deque[Command] = deque(maxlen=1000)
        self._phones: dict[str, FarEnd] = {}
        self._outside: dict[str, FarEnd] = {}
        self._ids = itertools.count(1)
        self._failures: dict[type, list[SwitchError]] = {}
        self.trunk_faults: dict[str, Cause] = {}  # how every call out by a trunk ends, before it rings
        self.peers: dict[str, SimSwitch] = {}
        self.set_devices(devices)

    # ------------------------------------------------------------ the contract

    async def start(self, sink: EventSink) -> None:
        self._sink = sink
        self.restore_link()

    async def stop(self) -> None:
        """Forget the sink and every timer; the channels stay, as on a real switch."""
        self._sink, self.link = None, False
        self._events.clear()

    async def execute(self, command: Command, deadline: float = 5.0) -> None:
        if not self.link:
            raise LinkDown(f"{self.name}: no link")
        self.commands.append(command)
        planned = self._failures.get(type(command))
        if planned:
            raise planned.pop(0)
        commands.HANDLERS[type(command)](self, command)

    async def snapshot(self, deadline: float = 5.0) -> Snapshot:
        if not self.link:
            raise LinkDown(f"{self.name}: no link")
        now = self.clock()
        return Snapshot(
            at=now,
            channels=tuple(_snapshot(c, now) for c in self.channels.values()),
            devices={name: phone.registered for name, phone in self._phones.items()},
            relayed=frozenset(self.relayed),
        )

    # ------------------------------------------------------------ what a test or the outside world does

    def incoming(
        self,
        dialed: str,
        caller_number: str,
        caller_name: str = "",
        *,
        device: str = "",
        trunk: str = "trunk",
        channel: str = "",
    ) -> str:
        """A call comes in; return its channel id."""
        chan = SimChannel(
            id=channel or f"{self.name}-{next(self._ids)}",
            created_at=self.clock(),
            caller_number=caller_number,
            caller_name=caller_name,
            dialed=dialed,
            device=device,
            trunk="" if device else trunk,
            incoming=True,
            controlled=True,
        )
        self.channels[chan.id] = chan
        if device:
            chan.far = self.phone(device)
            chan.far.channels.append(chan)
        self.emit(
            ChannelOffered(
                chan.created_at, chan.id, caller_number, caller_name, dialed, device=device, trunk=chan.trunk
            )
        )
        return chan.id

    def phone(self, device: str) -> FarEnd:
        """The phone of this device name. It becomes known, registered only in ``auto`` mode, when first asked for."""
        phone = self._phones.get(device)
        if phone is None:
            phone = self._phones[device] = FarEnd(device, self, registered=self.auto)
        return phone

    def outside(self, number: str) -> FarEnd:
        """The outside number ``number``, as reached through any trunk."""
        far = self._outside.get(number)
        if far is None:
            far = FarEnd(number, self, registered=True)
            if not self.auto:
                self._outside[number] = far
            else:
                far.will_answer(2.0)
        return far

    def set_devices(self, devices: Iterable[str]) -> None:
        """Make these devices known and registered, and report those that are new to us."""
        for device in devices:
            self.set_registered(self.phone(device), True)

    def hangup_by_caller(self, channel: str, cause: Cause = Cause.NORMAL) -> None:
        self.far_end(self.channel(channel), cause)

    def press(self, channel: str, digits: str) -> None:
        """The far side presses keys."""
        chan = self.channel(channel)
        for digit in digits:
            self.emit(Digit(self.clock(), channel, digit))
            if chan.playing is not None and chan.playing.barge_in:
                self.end_play(chan, PlayEnd.DIGIT)

    def fall_silent(self, channel: str) -> None:
        """The far side has said nothing for as long as a recording goes on without."""
        chan = self.channel(channel)
        for recording_id in [i for i, recording in chan.recordings.items() if recording.silence > 0]:
            self.stop_recording(chan, recording_id)

    def cut_link(self, reason: str = "cut") -> None:
        """Lose the connection: calls go on, nothing is reported until ``restore_link``."""
        if self.link:
            self.emit(LinkLost(self.clock(), reason))
            self.link = False

    def connect(self, other: SimSwitch) -> None:
        """Make two simulators ring each other's phones."""
        self.peers[other.name], other.peers[self.name] = other, self

    def crash(self) -> None:
        """The process dies with its calls; until ``restore_link`` nothing reaches it. Phones stay registered."""
        self.cut_link("crashed")
        self.alive = False
        self.lose_everything()

    def restore_link(self) -> None:
        self.alive = True
        if not self.link:
            self.link = True
            self.emit(LinkUp(self.clock()))

    def fail_next(self, command: type, error: SwitchError) -> None:
        """Let the next command of this type raise ``error`` and do nothing."""
        self._failures.setdefault(command, []).append(error)

    async def settle(self) -> None:
        """Return when every event so far has been delivered."""
        if self._events:
            await self._delivered.wait()


def _snapshot(chan: SimChannel, now: float) -> ChannelSnapshot:
    return ChannelSnapshot(
        channel=chan.id,
        caller_number=chan.caller_number,
        caller_name=chan.caller_name,
        dialed=chan.dialed,
        answered=chan.answered,
        controlled=chan.controlled,
        peer=chan.peer.id if chan.peer else "",
        state=chan.state,
        device=chan.device,
        trunk=chan.trunk,
        incoming=chan.incoming,
        age=max(0.0, now - chan.created_at),
        spying=chan.spying.id if chan.spying else "",
        conference=chan.conference,
    )
