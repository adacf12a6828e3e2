"""Events of FreeSWITCH to events of the contract, with what must be sent in answer. No sockets, no clock.

``feed`` is a pure step on the channel table. Controlled is parked: a channel of ours parks when it comes in, when it is
answered, and when its bridge ends. Events about channels that are not ours change nothing.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

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
    DeviceRegistered,
    Digit,
    PlayEnd,
    PlayFinished,
    RecordingStopped,
    SwitchEvent,
)
from cti.domain.switch.terms import Cause
from cti.switches.freeswitch import causes, requests, truth
from cti.switches.freeswitch.capture import Dialog
from cti.switches.freeswitch.channels import RELAY_ID, TEST_ID, FsChannel, Recording
from cti.switches.freeswitch.trunks import FsTrunks
from cti.switches.freeswitch.wire import Event, text, variable

FAR_SIDE = "recv_"
CONFERENCES = "conference::maintenance"
JOIN_PATIENCE = 3.0
KNOWN_GONE = 2_000


@dataclass(slots=True)
class Step:
    """What one event led to. ``lookups`` are devices whose registration must be asked for, ``stranded`` channels that
    must park within a moment or be parked."""

    events: list[SwitchEvent] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    lookups: list[str] = field(default_factory=list)
    stranded: list[FsChannel] = field(default_factory=list)


class Translator:
    """The channel table and the rules that move it. ``file_of`` gives the path a recording is written to."""

    def __init__(self, file_of: Callable[[str], str]) -> None:
        self.channels: dict[str, FsChannel] = {}
        self.devices: dict[str, bool] = {}
        self.trunks = FsTrunks()
        self.places: dict[str, str] = {}
        self.registrations: Counter[str] = Counter()
        self.gone: OrderedDict[str, None] = OrderedDict()
        self._file_of = file_of

    def feed(self, event: Event, at: float) -> Step:
        """Apply one event received at ``at`` (epoch seconds)."""
        step = Step()
        name = text(event, "Event-Name")
        if name == "CUSTOM":
            if text(event, "Event-Subclass") == "sofia::gateway_state":
                self.trunks.told(event)
                step.events += self.trunks.changes(at)
            elif text(event, "Event-Subclass") == CONFERENCES:
                self._conference(event, at, step)
            else:
                self._device(event, at, step)
            return step
        if name == "CHANNEL_CREATE" and truth.replaces(event):
            step.actions.append(requests.refuse(text(event, "Unique-ID")))
            return step
        if name == "CHANNEL_HANGUP_COMPLETE":
            self._remember_gone(text(event, "Unique-ID"))
        handler = _HANDLERS.get(name)
        chan = self.channels.get(text(event, "Unique-ID"))
        if handler is not None and chan is not None:
            handler(self, chan, event, at, step)
        elif name in ("CHANNEL_HOLD", "CHANNEL_UNHOLD"):
            self._relay_held(event, at, step)
        elif name == "CHANNEL_PARK" and chan is None:
            self._offered(event, at, step)
        return step

    def seen_parked(self, channel: str, at: float) -> list[SwitchEvent]:
        """The truth says that it is parked. If it was told to be joined and that never came about, it is ours again."""
        chan = self.channels[channel]
        if chan.controlled or chan.ending or not chan.joining_since or at - chan.joining_since < JOIN_PATIENCE:
            return []
        self._part(chan)
        chan.controlled, chan.joining_since = True, 0.0
        return [ChannelUnbridged(at, chan.id)]

    def leaves(self, dialog: Dialog, at: float) -> list[ChannelLeaving]:
        """A BYE has come in this dialog. Only one of a phone that we rang counts, and its first."""
        chan = next((one for one in self.channels.values() if one.dialog == dialog and one.device), None)
        if chan is None or chan.ending or chan.leaving or chan.hangup_asked is not None:
            return []
        chan.leaving = True
        return [ChannelLeaving(at, chan.id)]

    def _remember_gone(self, channel: str) -> None:
        self.gone[channel] = None
        if len(self.gone) > KNOWN_GONE:
            self.gone.popitem(last=False)

    def not_originated(self, chan: FsChannel, reply: str, at: float) -> list[SwitchEvent]:
        """The job of an ``originate`` failed; where there was a channel, its hang-up says why."""
        if chan.exists or chan.id not in self.channels:
            return []
        del self.channels[chan.id]
        cause = causes.not_originated(reply) if chan.hangup_asked is None else Cause.CANCELLED
        return [ChannelHungUp(at, chan.id, cause, by_far_side=False)]

    def registered(self, device: str, registered: bool, at: float) -> list[SwitchEvent]:
        """Take note of a device's registration; the event if it changed."""
        if not registered:
            self.places.pop(device, None)
        if self.devices.get(device, False) == registered:
            self.devices[device] = registered
            return []
        self.devices[device] = registered
        return [DeviceRegistered(at, device, registered)]

    def _device(self, event: Event, at: float, step: Step) -> None:
        device = text(event, "from-user") or text(event, "username") or text(event, "user")
        if device not in self.devices:
            return
        if text(event, "Event-Subclass") == "sofia::register":
            self.registrations[device] += 1
            before, place = self.places.get(device), _place(event)
            self.places[device] = place
            news = self.registered(device, True, at)
            if place != before and not news:
                step.actions += requests.note_place(device, place)  # one that is new is noted before it is told
            step.events += news
        else:
            step.lookups.append(device)

    def _conference(self, event: Event, at: float, step: Step) -> None:
        chan = self.channels.get(text(event, "Unique-ID"))
        if chan is not None and chan.conference and text(event, "Action") == "add-member":
            chan.controlled = False
            step.events.append(ChannelConferenced(at, chan.id, chan.conference))

    def _offered(self, event: Event, at: float, step: Step) -> None:
        chan = truth.channel(event)
        if chan is None or not chan.incoming or chan.id.startswith(TEST_ID):
            return
        chan.exists = chan.controlled = True
        self.channels[chan.id] = chan
        step.events.append(
            ChannelOffered(
                at, chan.id, chan.caller_number, chan.caller_name, chan.dialed, device=chan.device, trunk=chan.trunk
            )
        )

    # -------------------------------------------------------- channels of ours

    def _created(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        chan.exists = True
        if chan.hangup_asked is not None:
            step.actions.append(requests.hangup(chan, chan.hangup_asked))

    def _ringing(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        if not (chan.incoming or chan.ringing or chan.answered):
            chan.ringing = True
            step.events.append(ChannelRinging(at, chan.id))

    def _answered(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        """A caller's; one that we dialled counts when it parks."""
        if chan.device and not chan.incoming:
            chan.dialog = truth.dialog(event)
        if chan.incoming and not chan.answered:
            chan.answered = True
            step.events.append(ChannelAnswered(at, chan.id))

    def _parked(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        if variable(event, "park_after_bridge") != "true":
            step.actions.append(requests.set_variable(chan, "park_after_bridge", "true"))
            step.actions.append(requests.park_anew(chan))
            return
        chan.stranded = False
        if chan.controlled or chan.ending:
            return
        self._part(chan)
        chan.joining_since, chan.spying, chan.conference = 0.0, "", ""
        was_answered = chan.answered
        chan.controlled = chan.answered = True
        step.events.append(ChannelUnbridged(at, chan.id) if was_answered else ChannelAnswered(at, chan.id))

    def _unparked(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        """Nobody asked for it: a park that came when it was parked already leaves a channel in no state at all."""
        if chan.controlled and not chan.ending:
            step.actions.append(requests.park_anew(chan))

    def _bridged(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        peer = self.channels.get(text(event, "Other-Leg-Unique-ID") or text(event, "Bridge-B-Unique-ID"))
        if peer is None or chan.peer == peer.id:
            return
        chan.peer, peer.peer = peer.id, chan.id
        chan.controlled = peer.controlled = False
        first, second = (peer, chan) if peer.bridge_to == chan.id else (chan, peer)
        chan.bridge_to = peer.bridge_to = ""
        chan.joining_since = peer.joining_since = 0.0
        step.events.append(ChannelBridged(at, first.id, second.id))

    def _unbridged(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        self._part(chan)

    def _part(self, chan: FsChannel) -> None:
        peer = self.channels.get(chan.peer)
        chan.peer = chan.bridge_to = ""
        if peer is not None and peer.peer == chan.id:
            peer.peer = ""

    def _held(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        step.events.append(ChannelHeld(at, chan.id, text(event, "Event-Name") == "CHANNEL_HOLD"))

    def _relay_held(self, event: Event, at: float, step: Step) -> None:
        """At a phone here in a call of another switch, which cannot see it: the music comes from here."""
        leg = text(event, "Unique-ID")
        if leg.startswith(RELAY_ID):
            held = text(event, "Event-Name") == "CHANNEL_HOLD"
            step.events.append(ChannelHeld(at, leg.removeprefix(RELAY_ID), held))

    def _digit(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        step.events.append(Digit(at, chan.id, text(event, "DTMF-Digit")))
        sound = chan.sound
        if sound is not None and sound.play_id and sound.barge_in and not sound.over:
            chan.take_sound(None)
            step.actions.append(requests.stop(chan, queued=True))
            step.events.append(PlayFinished(at, chan.id, sound.play_id, PlayEnd.DIGIT))

    def _executes(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        app = text(event, "Application-UUID")
        if chan.sound is not None and chan.sound.app == app:
            chan.sound.running = True
        elif app in chan.stopping:
            chan.stopping[app].running = True
            step.actions.append(requests.stop(chan))
        elif self._left_alone(chan):
            step.actions.append(requests.stop(chan))

    def _left_alone(self, chan: FsChannel) -> bool:
        """Its peer hangs up: music that FreeSWITCH plays to it for a hold would keep it in the bridge for ever."""
        peer = self.channels.get(chan.peer)
        alone = peer is None or peer.ending
        return chan.answered and not (chan.controlled or chan.conference) and alone

    def _executed(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        app = text(event, "Application-UUID")
        chan.stopping.pop(app, None)
        sound = chan.sound
        if sound is None or sound.app != app:
            return
        chan.sound = None
        if sound.play_id and not sound.over:
            sound.over = True
            reason = PlayEnd.FAILED if chan.ending else PlayEnd.COMPLETED
            step.events.append(PlayFinished(at, chan.id, sound.play_id, reason))

    def _recorded(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        path = text(event, "Record-File-Path")
        for recording in list(chan.recordings.values()):
            if path == self._file_of(recording.name):
                del chan.recordings[recording.recording_id]
                step.events.append(self._stopped(chan, recording, at))

    def _stopped(self, chan: FsChannel, recording: Recording, at: float) -> RecordingStopped:
        return RecordingStopped(at, chan.id, recording.recording_id, f"{recording.name}.raw")

    def _hanging_up(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        """From here nothing can be done with it; who waits to be joined with it is parked again."""
        chan.ending = True
        chan.controlled = False
        peer = self.channels.get(chan.peer)
        if peer is not None and not peer.ending:
            step.actions.append(requests.stop(peer, queued=True))
        for other in self.channels.values():
            waits = other.bridge_to == chan.id or (chan.bridge_to == other.id and not other.peer)
            if waits and not (other.controlled or other.peer or other.ending):
                other.bridge_to = ""
                step.stranded.append(other)

    def _gone(self, chan: FsChannel, event: Event, at: float, step: Step) -> None:
        self._part(chan)
        del self.channels[chan.id]
        sound = chan.sound
        if sound is not None and sound.play_id and not sound.over:
            sound.over = True
            step.events.append(PlayFinished(at, chan.id, sound.play_id, PlayEnd.FAILED))
        step.events += [self._stopped(chan, recording, at) for recording in chan.recordings.values()]
        by_far_side = chan.hangup_asked is None and variable(event, "sip_hangup_disposition").startswith(FAR_SIDE)
        cause = causes.ended(
            text(event, "Hangup-Cause") or variable(event, "hangup_cause"),
            answered=chan.answered,
            by_far_side=by_far_side,
            incoming=chan.incoming,
            asked=chan.hangup_asked,
            relayed=bool(chan.via),
        )
        step.events.append(ChannelHungUp(at, chan.id, cause, by_far_side, _sip(chan, event)))


def _sip(chan: FsChannel, event: Event) -> int:
    """The answer of the far side that ended a call out before it was answered."""
    status = variable(event, "sip_invite_failure_status") or variable(event, "sip_term_status")
    refused = not (chan.answered or chan.incoming) and status.isdigit() and chan.hangup_asked is None
    return int(status) if refused and 300 <= int(status) < 700 else 0


def _place(event: Event) -> str:
    return truth.place(text(event, "network-ip"), text(event, "network-port"), text(event, "contact"))


_Handler = Callable[[Translator, FsChannel, Event, float, Step], None]
_HANDLERS: dict[str, _Handler] = {
    "CHANNEL_CREATE": Translator._created,
    "CHANNEL_PROGRESS": Translator._ringing,
    "CHANNEL_PROGRESS_MEDIA": Translator._ringing,
    "CHANNEL_ANSWER": Translator._answered,
    "CHANNEL_PARK": Translator._parked,
    "CHANNEL_UNPARK": Translator._unparked,
    "CHANNEL_BRIDGE": Translator._bridged,
    "CHANNEL_UNBRIDGE": Translator._unbridged,
    "CHANNEL_HOLD": Translator._held,
    "CHANNEL_UNHOLD": Translator._held,
    "DTMF": Translator._digit,
    "CHANNEL_EXECUTE": Translator._executes,
    "CHANNEL_EXECUTE_COMPLETE": Translator._executed,
    "RECORD_STOP": Translator._recorded,
    "CHANNEL_HANGUP": Translator._hanging_up,
    "CHANNEL_HANGUP_COMPLETE": Translator._gone,
}
