"""What each thing that a switch reports leads to: its events, and commands that did not do their work."""

from __future__ import annotations

from collections import deque

from cti.domain.calls import Call, CallPhase
from cti.domain.errors import CallyardError, DeadlineExceeded, LinkDown
from cti.domain.legs import Leg, LegKind
from cti.domain.switch.commands import (
    Bridge,
    Confer,
    Hangup,
    Music,
    Originate,
    Play,
    RecordStart,
    Spy,
    TestCall,
    Unbridge,
)
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelBridged,
    ChannelConferenced,
    ChannelHeld,
    ChannelHungUp,
    ChannelLeaving,
    ChannelOffered,
    ChannelRinging,
    ChannelUnbridged,
    ChannelWatched,
    DeviceRegistered,
    Digit,
    LinkLost,
    LinkUp,
    PlayEnd,
    PlayFinished,
    RecordingStarted,
    RecordingStopped,
    SwitchEvent,
    TrunkChanged,
)
from cti.domain.switch.terms import Cause
from cti.services.centre import Centre
from cti.services.effects import SwitchCommand
from cti.services.parts import Parts

EARLY_LIMIT = 10_000

ChannelEvent = (
    ChannelRinging
    | ChannelAnswered
    | ChannelBridged
    | ChannelUnbridged
    | ChannelConferenced
    | ChannelHeld
    | Digit
    | PlayFinished
    | ChannelLeaving
    | ChannelHungUp
)


class SwitchEvents:
    def __init__(self, centre: Centre, parts: Parts) -> None:
        self._centre = centre
        self._control = parts.control
        self._routing = parts.routing
        self._lifecycle = parts.lifecycle
        self._endings = parts.endings
        self._desk = parts.desk
        self._arrivals = parts.arrivals
        self._links = parts.links
        self._watched = parts.watched
        self._recordings = parts.recordings
        self._trunk_tests = parts.trunk_tests
        self._outputs = parts.outputs
        self._early: dict[str, deque[SwitchEvent]] = {}  # of channels not known yet, before the first snapshot

    def catch_up(self, switch: str) -> None:
        """After a snapshot: what came before it, of channels that nobody knew."""
        for event in self._early.pop(switch, ()):
            self.event(switch, event)

    def event(self, switch: str, event: SwitchEvent) -> None:
        if isinstance(event, LinkUp | LinkLost):
            self._link(switch, event)
        elif isinstance(event, DeviceRegistered):
            self._links.device(switch, event)
        elif isinstance(event, TrunkChanged):
            self._outputs.centre_changed |= self._centre.switches[switch].note_trunk(event)
        elif isinstance(event, ChannelOffered):
            self._arrivals.offered(switch, event)
        elif isinstance(event, ChannelWatched):
            self._watched.seen(switch, event)
        elif isinstance(event, RecordingStarted | RecordingStopped):
            self._recordings.event(event)
            found = self._centre.channels.get(event.channel)
            if found is not None and isinstance(event, RecordingStopped):
                self._routing.voicemail.stopped(found[0], event.recording_id)
        elif (watched := self._centre.watched.get(event.channel)) is not None:
            self._watched.event(watched, event)
        else:
            found = self._centre.channels.get(event.channel)
            if found is not None and found[0].switch != switch:
                self._relayed_event(switch, found[1], event)
                return
            if isinstance(event, ChannelHungUp):
                self._centre.gone[event.channel] = self._centre.now
            if found is None:
                self._stray(switch, event)
            else:
                self._channel_event(found[0], found[1], event)

    def _channel_event(self, call: Call, leg: Leg, event: ChannelEvent) -> None:
        match event:
            case ChannelRinging():
                self._lifecycle.ringing(call, leg)
            case ChannelAnswered() if self._trunk_tests.is_one(call):
                self._trunk_tests.picked_up(call, leg)
            case ChannelAnswered():
                self._lifecycle.answered(call, leg)
            case ChannelBridged():
                self._lifecycle.bridged(call, event.channel, event.peer)
            case ChannelUnbridged():
                self._control.unbridged(call, leg)
                self._routing.survey.free(call)
            case ChannelConferenced():
                self._lifecycle.conferenced(call, leg, event.conference)
            case ChannelHeld():
                self._desk.held_on_phone(call, leg, event.held)
            case Digit():
                if leg.kind is LegKind.CUSTOMER:
                    self._routing.digit(call, event.digit)
                else:
                    self._lifecycle.answering.digit(call, leg, event.digit)
            case PlayFinished():
                self._lifecycle.answering.asked(call, leg, event.play_id, event.reason)
                self._played(call, event.play_id, event.reason)
            case ChannelLeaving():
                self._endings.leaving.leaves(call, leg)
            case ChannelHungUp():
                leg.sip = event.sip
                self._endings.gone(call, leg, event.cause, event.by_far_side)

    def _played(self, call: Call, play_id: str, reason: PlayEnd) -> None:
        if play_id == call.greeting:
            self._lifecycle.answering.greeted(call)
        else:
            self._routing.play_finished(call, play_id, reason)

    def _relayed_event(self, switch: str, leg: Leg, event: SwitchEvent) -> None:
        """Of a channel that lives on another switch: only a key pressed at the phone carried for it means anything."""
        if leg.via == switch and isinstance(event, ChannelHeld):
            self._desk.held_on_phone(self._centre.channels[leg.channel][0], leg, event.held)
        else:
            self._centre.counters["event:foreign"] += 1

    def _stray(self, switch: str, event: SwitchEvent) -> None:
        """An event of a channel no longer ours. One that was answered too late must not stay up."""
        if not self._centre.switches[switch].reconciled:
            self._early.setdefault(switch, deque(maxlen=EARLY_LIMIT)).append(event)
            return
        self._centre.counters["stray"] += 1
        if isinstance(event, ChannelAnswered) and event.channel.startswith("cy-"):
            self._centre.effects.append(SwitchCommand(switch, Hangup(event.channel, Cause.CANCELLED)))

    def _link(self, switch: str, event: LinkUp | LinkLost) -> None:
        self._links.changed(switch, event)
        self._early.pop(switch, None)
        self._outputs.centre_changed = True

    def failed(self, effect: SwitchCommand, error: CallyardError) -> None:
        """What is not repaired here is by the settle timer or reconciliation."""
        command = effect.command
        self._centre.counters[f"failed:{type(command).__name__}:{error.code}"] += 1
        if isinstance(command, TestCall):
            return
        found = self._centre.channels.get(command.channel)
        if found is None:
            self._watched.failed(command, error)
        else:
            call, leg = found
            if isinstance(command, Originate) and not isinstance(error, DeadlineExceeded | LinkDown):
                refused = error.code == "switch.refused"
                self._endings.gone(call, leg, Cause.UNREACHABLE if refused else Cause.CANCELLED, False)
            elif isinstance(command, Play):
                self._played(call, command.play_id, PlayEnd.FAILED)
            elif isinstance(command, RecordStart) and not isinstance(error, DeadlineExceeded):
                self._control.recorder.not_started(call, command.recording_id)
                if call.phase is CallPhase.VOICEMAIL:
                    self._routing.voicemail.not_recorded(call)
            elif isinstance(command, Music):
                leg.music_on = not command.on
            elif isinstance(command, Spy):
                self._control.not_heard(call, leg)
            elif isinstance(command, Bridge | Unbridge | Confer | Hangup):
                self._control.refused(call, leg, error)
