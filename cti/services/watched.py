"""Calls that pass by on lines that are only listened to: in the log, recorded, shown to whose telephone it is.

They are kept apart from the calls that are driven: nobody can hold, transfer or end them, they take no agent out of a
queue, and no command goes to them but recording. What the switch reports of them is all that happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.errors import CallyardError
from cti.domain.ids import new_id
from cti.domain.legs import Leg, LegKind
from cti.domain.switch.commands import RecordStart, SetState
from cti.domain.switch.events import ChannelAnswered, ChannelHungUp, ChannelWatched, SwitchEvent
from cti.domain.switch.snapshot import ChannelSnapshot, Snapshot
from cti.domain.switch.terms import Cause
from cti.machines.connection import LegEvent
from cti.services import channel_state
from cti.services.calls import CallControl
from cti.services.centre import Centre

TEXT_LIMIT = 80


class WatchedCalls:
    def __init__(self, centre: Centre, control: CallControl) -> None:
        self._centre, self._control = centre, control

    # ------------------------------------------------------------ events

    def seen(self, switch: str, event: ChannelWatched) -> None:
        """It is new, or more is known of it."""
        call = self._centre.watched.get(event.channel)
        new = call is None
        if call is None:
            direction = Direction.INBOUND if event.incoming else Direction.OUTBOUND
            call = Call(new_id(self._centre.now), switch, direction, self._centre.now)
            self._begin(call, event)
        self._centre.watched[event.channel] = call
        call.ani, call.dnis = clean(event.caller_number, 64), clean(event.dialed, 64)
        call.ani_name = clean(event.caller_name, TEXT_LIMIT)
        outside = call.legs[0]
        outside.number = call.ani if event.incoming else call.dnis
        if new:
            self._centre.command(call, SetState(event.channel, channel_state.encode(call, outside)))
            if not event.incoming:  # it is said before the number is whole
                self._control.recorder.watched(call)
        self._log("offered" if event.incoming else "originated", call)

    def event(self, call: Call, event: SwitchEvent) -> None:
        """Of a channel in ``Centre.watched``."""
        if isinstance(event, ChannelAnswered):
            self._answered(call)
        elif isinstance(event, ChannelHungUp):
            self._centre.gone[event.channel] = self._centre.now
            self._ended(call, event.cause)

    def failed(self, command: object, error: CallyardError) -> None:
        """A recording that did not start is no recording; nothing else is asked for."""
        call = self._centre.watched.get(getattr(command, "channel", ""))
        if call is not None and isinstance(command, RecordStart):
            self._control.recorder.not_started(call, command.recording_id)
            self._centre.counters[f"watched:not_recorded:{error.code}"] += 1

    # ------------------------------------------------------------ after a connect, and on a timer

    def reconcile(self, switch: str, snapshot: Snapshot, news: float, ledger: Mapping[str, dict[str, Any]]) -> None:
        """The switch is the truth: calls it has are taken up or found, others have ended."""
        there = {one.channel: one for one in snapshot.channels if one.watched}
        for channel, shown in there.items():
            if channel not in self._centre.watched and channel not in self._centre.gone:
                self._take(switch, shown, ledger)
            if (call := self._centre.watched.get(channel)) is not None and shown.answered:
                self._answered(call)
        for channel, call in list(self._centre.watched.items()):
            if call.switch == switch and channel not in there and call.legs[0].changed_at <= news:
                self._ended(call, Cause.FAILED)

    def _take(self, switch: str, shown: ChannelSnapshot, ledger: Mapping[str, dict[str, Any]]) -> None:
        state = channel_state.decode(shown.state)
        known = self._revived(str(state.get("c", "")), shown.channel, ledger)
        if known is not None:
            self._centre.watched[shown.channel] = known
            self._dirty(known)
            return
        number, name, dialled = shown.caller_number, shown.caller_name, shown.dialed
        event = ChannelWatched(self._centre.now, shown.channel, shown.incoming, number, name, dialled, shown.device)
        self.seen(switch, event)

    def _revived(self, call_id: str, channel: str, ledger: Mapping[str, dict[str, Any]]) -> Call | None:
        try:
            call = Call.from_document(ledger[call_id])
        except (KeyError, ValueError, TypeError):
            return None
        return call if call.legs and call.legs[0].channel == channel else None

    # ------------------------------------------------------------ inside

    def _begin(self, call: Call, event: ChannelWatched) -> None:
        call.watched, call.phase = True, CallPhase.OFFERED if event.incoming else CallPhase.DIALLING
        agent = self._centre.agent_by_number(event.device.removesuffix("-web")) if event.device else None
        now, channel = self._centre.now, event.channel
        call.legs.append(Leg(new_id(now), LegKind.CUSTOMER, channel, now, changed_at=now))
        if agent is not None:
            leg = Leg(new_id(now), LegKind.AGENT, channel, now, event.device, agent.number, agent.agent_id)
            leg.changed_at = now
            call.legs.append(leg)
        for leg in call.legs:
            self._centre.leg_event(leg, LegEvent.RING)

    def _answered(self, call: Call) -> None:
        if call.answered_at is not None:
            return
        call.answered_at, call.phase = self._centre.now, CallPhase.CONNECTED
        for leg in call.legs:
            self._centre.leg_event(leg, LegEvent.ANSWER)
            leg.joined = leg.answered = True
            leg.changed_at = self._centre.now
        self._control.recorder.watched(call)
        self._log("established", call)

    def _ended(self, call: Call, cause: Cause) -> None:
        self._centre.watched.pop(call.legs[0].channel, None)
        now = self._centre.now
        for leg in call.live_legs():
            leg.cause = cause
            self._centre.leg_event(leg, LegEvent.CLEAR)
        for recording in call.recordings:
            recording.ended_at = recording.ended_at or now
        call.ended_at, call.phase, call.cause = now, CallPhase.ENDED, cause
        self._log("callCleared", call)

    def _log(self, event: str, call: Call) -> None:
        self._centre.log_call(event, call, call.cause)
        self._dirty(call)

    def _dirty(self, call: Call) -> None:
        self._centre.dirty_agents.update(leg.agent_id for leg in call.legs if leg.agent_id)


def clean(text: str, limit: int) -> str:
    """Text of a stranger: control characters out, length limited; everything else as it is."""
    return "".join(c for c in text if c.isprintable())[:limit]
