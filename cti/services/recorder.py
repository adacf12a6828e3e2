"""What is recorded of a call, on which channel, and for whose leg. Of the files it knows only the name it gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import takewhile

from cti.domain.calls import Call, Recording
from cti.domain.ids import new_id
from cti.domain.legs import Leg, LegKind
from cti.domain.switch.commands import RecordStart, RecordStop
from cti.services.centre import Centre

MOST_TRIES = 4


class Recorder:
    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def ensure(self, call: Call, a: Leg, b: Leg) -> None:
        """Record the conversation about to start, on the channel of ``a``, for the leg of the agent in it."""
        agent_leg = b if b.agent_id or _our_phone(b) else a
        if any(r.ended_at is None and r.leg_id == agent_leg.leg_id and r.channel == a.channel for r in call.recordings):
            return
        if not (a.agent_id or b.agent_id or _our_phone(b)):
            return
        self.stop(call, a)  # two at once on one channel starve the newer of what the channel hears
        self.record(call, a, agent_leg)

    def again(self, call: Call) -> None:
        """What could not be recorded when the two were joined, while they talk; ``MOST_TRIES`` times in all."""
        a, b = (call.leg(leg_id) for leg_id in call.pair) if call.pair else (None, None)
        if a is None or b is None or (a.peer, b.peer) != (b.channel, a.channel):
            return
        last = (r for r in reversed(call.recordings) if r.channel == a.channel)
        tries = sum(1 for _ in takewhile(lambda r: r.ended_at == r.started_at, last))
        if 0 < tries < MOST_TRIES:
            self.ensure(call, a, b)

    def watched(self, call: Call) -> None:
        """All of a call on a line that is only listened to, for the agent whose telephone it is."""
        if all(r.ended_at is not None for r in call.recordings):
            self.record(call, call.legs[0], call.legs[-1])

    def message(self, call: Call, leg: Leg, silence: float) -> None:
        """Record what a caller says to the queue of the call, until so many seconds of silence; 0: for ever."""
        self.record(call, leg, leg, voicemail=call.queue_id, silence=silence)

    def record(self, call: Call, a: Leg, whose: Leg, voicemail: str = "", silence: float = 0.0) -> None:
        now = self._centre.now
        day = time.strftime("%Y/%m/%d", time.gmtime(now))
        recording = Recording(
            recording_id=new_id(now),
            leg_id=whose.leg_id,
            agent_id=whose.agent_id,
            channel=a.channel,
            name=f"{day}/{call.call_id}-{len(call.recordings) + 1}",
            started_at=now,
            voicemail=voicemail,
        )
        call.recordings.append(recording)
        self._centre.command(call, RecordStart(a.channel, recording.recording_id, recording.name, silence))

    def not_started(self, call: Call, recording_id: str) -> None:
        """It did not start: over at once, and tried again at the next join or look at the switch."""
        for recording in call.recordings:
            if recording.recording_id == recording_id and recording.ended_at is None:
                recording.ended_at = recording.started_at

    def stop(self, call: Call, leg: Leg) -> None:
        """End what is recorded on the channel of ``leg``."""
        self.stop_those(call, lambda r: r.channel == leg.channel)

    def stop_those(self, call: Call, which: Callable[[Recording], bool]) -> None:
        for recording in call.recordings:
            if recording.ended_at is None and which(recording):
                recording.ended_at = self._centre.now
                if self._stays(recording.channel):
                    self._centre.command(call, RecordStop(recording.channel, recording.recording_id))

    def _stays(self, channel: str) -> bool:
        return channel in self._centre.channels and not self._centre.is_leaving(channel)


def _our_phone(leg: Leg) -> bool:
    """A phone of the centre with which nobody is signed in."""
    return leg.kind is LegKind.OUTSIDE and bool(leg.device)
