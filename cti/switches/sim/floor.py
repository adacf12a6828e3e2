"""The simulator's floor: live channels and what can happen to them, reported in order from the loop.

It must not know the contract's commands or the tests that drive it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelBridged,
    ChannelHeld,
    ChannelHungUp,
    ChannelRinging,
    ChannelUnbridged,
    DeviceRegistered,
    PlayEnd,
    PlayFinished,
    RecordingStopped,
    SwitchEvent,
)
from cti.domain.switch.terms import Cause
from cti.switches.base import EventSink
from cti.switches.known import KnownChannels
from cti.switches.sim.audio import write_recording
from cti.switches.sim.model import FarEnd, SimChannel, Timer

Schedule = Callable[[float, Callable[[], None]], Timer]
SIP = {Cause.BUSY: 486, Cause.REJECTED: 603, Cause.UNALLOCATED: 404, Cause.CONGESTION: 503}


class Floor(KnownChannels[SimChannel]):
    """Channels by id. ``relayed`` are those of other switches whose far end is a phone of ours.

    ``schedule(delay, call)`` replaces the loop's timers, for tests with their own time.
    """

    def __init__(self, clock: Callable[[], float], spool_dir: str | Path | None, schedule: Schedule | None) -> None:
        super().__init__()
        self.clock = clock
        self.relayed: dict[str, SimChannel] = {}
        self.alive = True
        self.link = False
        self._spool = Path(spool_dir) if spool_dir else None
        self._schedule = schedule
        self._events: deque[SwitchEvent] = deque()
        self._delivered = asyncio.Event()
        self._draining = False
        self._sink: EventSink | None = None

    def emit(self, event: SwitchEvent) -> None:
        if not self.link:
            return
        self._events.append(event)
        self._drain_soon()

    def later(self, delay: float, call: Callable[[], None]) -> Timer:
        if self._schedule is not None:
            return self._schedule(delay, call)
        return asyncio.get_running_loop().call_later(delay, call)

    def end_play(self, chan: SimChannel, reason: PlayEnd) -> None:
        playing, chan.playing = chan.playing, None
        if playing is not None:
            playing.timer.cancel()
            self.emit(PlayFinished(self.clock(), chan.id, playing.play_id, reason))

    def part(self, chan: SimChannel) -> SimChannel | None:
        """Take ``chan`` out of its bridge; return the peer. Reports nothing."""
        peer = chan.peer
        if peer is not None:
            for one in (chan, peer):
                one.peer, one.controlled = None, True
        return peer

    def alone_again(self, chan: SimChannel) -> None:
        """It listened, or was in a conference, and is so no more."""
        chan.spying, chan.spy_mode, chan.conference, chan.controlled = None, None, "", True
        self.unbridged(chan)

    def unbridged(self, chan: SimChannel) -> None:
        self.emit(ChannelUnbridged(self.clock(), chan.id))

    def stop_recording(self, chan: SimChannel, recording_id: str) -> None:
        recording = chan.recordings.pop(recording_id, None)
        if recording is None:
            return
        file, now = f"{recording.name}.raw", self.clock()
        if self._spool is not None:
            write_recording(self._spool / file, now - recording.started_at)
        self.emit(RecordingStopped(now, chan.id, recording_id, file))

    def end(self, chan: SimChannel, cause: Cause, by_far_side: bool) -> None:
        """The channel goes away: its play, recordings and bridge first, then itself, then word to the survivor."""
        if self.channels.pop(chan.id, None) is None:
            return
        cancel_timers(chan)
        self.end_play(chan, PlayEnd.FAILED)
        for recording_id in list(chan.recordings):
            self.stop_recording(chan, recording_id)
        forget_far_end(chan)
        survivor = self.part(chan)
        refused = by_far_side and not (chan.answered or chan.incoming)
        self.emit(ChannelHungUp(self.clock(), chan.id, cause, by_far_side, SIP.get(cause, 0) if refused else 0))
        if survivor is not None:
            self.unbridged(survivor)
        for spy in [one for one in self.channels.values() if one.spying is chan]:
            self.alone_again(spy)

    def lose_everything(self) -> None:
        """The process dies: nobody is told. Phones elsewhere that this switch was talking to do not know it yet."""
        for chan in self.channels.values():
            cancel_timers(chan)
            if chan.playing is not None:
                chan.playing.timer.cancel()
            if chan.relayed_by is None:
                forget_far_end(chan)
        self.channels.clear()
        for chan in list(self.relayed.values()):
            forget_far_end(chan)

    def end_relayed(self, channel: str) -> None:
        """Hang up a phone of ours in a call of another switch; that switch, if it lives, hears of it."""
        chan = self.relayed.get(channel)
        if chan is None:
            return
        forget_far_end(chan)
        if chan.at is not None and chan.at.alive:
            chan.at.end(chan, Cause.NORMAL, by_far_side=True)

    def bridged(self, chan: SimChannel, peer: SimChannel) -> None:
        for one, other in ((chan, peer), (peer, chan)):
            self.end_play(one, PlayEnd.STOPPED)
            one.music, one.controlled, one.peer = "", False, other
        self.emit(ChannelBridged(self.clock(), chan.id, peer.id))

    # ------------------------------------------------------------ the far end's side

    def ring(self, chan: SimChannel) -> None:
        if chan.id not in self.channels or chan.far is None:
            return
        chan.ringing = True
        self.emit(ChannelRinging(self.clock(), chan.id))
        if chan.auto_answer and chan.far.auto_answers:
            self.far_answer(chan)
        elif chan.far.on_ring is not None:
            chan.far.on_ring(chan)

    def set_registered(self, far: FarEnd, registered: bool) -> None:
        changed, far.registered = far.registered != registered, registered
        if changed:
            self.emit(DeviceRegistered(self.clock(), far.address, registered))

    def answer_later(self, channel: SimChannel, after: float) -> None:
        if after <= 0:
            self.far_answer(channel)
        else:
            channel.timers.append(self.later(after, lambda: self.far_answer(channel)))

    def end_later(self, channel: SimChannel, cause: Cause, after: float) -> None:
        if after <= 0:
            self.far_end(channel, cause)
        else:
            channel.timers.append(self.later(after, lambda: self.far_end(channel, cause)))

    def far_answer(self, channel: SimChannel) -> None:
        if channel.id not in self.channels or channel.answered:
            return
        if channel.ring_timer is not None:
            channel.ring_timer.cancel()
        channel.answered = channel.controlled = True
        self.emit(ChannelAnswered(self.clock(), channel.id))

    def far_end(self, channel: SimChannel, cause: Cause) -> None:
        if channel.incoming and not channel.answered and cause is Cause.NORMAL:
            cause = Cause.CANCELLED
        self.end(channel, cause, by_far_side=True)

    def far_hold(self, channel: SimChannel, held: bool) -> None:
        self.emit(ChannelHeld(self.clock(), channel.id, held))

    def _drain(self) -> None:
        self._draining = False
        try:
            while self._events and self._sink is not None:
                self._sink(self._events.popleft())
        finally:
            if not self._events:
                self._delivered.set()
            elif self._sink is not None:
                self._drain_soon()

    def _drain_soon(self) -> None:
        if not self._draining:
            self._draining = True
            self._delivered.clear()
            asyncio.get_running_loop().call_soon(self._drain)


def cancel_timers(chan: SimChannel) -> None:
    for timer in (*chan.timers, *([chan.ring_timer] if chan.ring_timer is not None else [])):
        timer.cancel()


def forget_far_end(chan: SimChannel) -> None:
    """The phone is out of the call, and so is the switch that carried it there."""
    if chan.relayed_by is not None:
        chan.relayed_by.pop(chan.id, None)
        chan.relayed_by = None
    if chan.far is not None:
        chan.far.channels.remove(chan)
        chan.far = None
