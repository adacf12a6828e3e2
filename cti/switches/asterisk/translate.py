"""Frames of an Asterisk manager to events of the contract, with what must be sent in answer. No sockets, no clock.

``feed`` is a pure step on the channel table: it returns events in order, and actions (the next prompt, the hang-up of a
channel that was given up before it existed). Frames about channels that are not ours change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelBridged,
    ChannelConferenced,
    ChannelHeld,
    ChannelHungUp,
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
from cti.switches.asterisk import causes, requests
from cti.switches.asterisk.channels import TRUNK_PREFIX, AstChannel, Devices, Pending, Playback, is_phone, origin
from cti.switches.asterisk.lines import AstLines
from cti.switches.asterisk.trunks import AstTrunks
from cti.switches.asterisk.wire import Action, Frame, text
from cti.switches.checks import strangers_number

INBOUND_CONTEXTS = ("callyard-trunk", "callyard-did", "callyard-agent", "callyard-dahdi")
PARKED_CONTEXT = "callyard-parked"
RINGING, UP = "5", "6"


@dataclass(slots=True)
class Step:
    """What one frame led to."""

    events: list[SwitchEvent] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    silent: list[AstChannel] = field(default_factory=list)  # have stopped talking
    failed: list[tuple[AstChannel, Cause]] = field(default_factory=list)  # not dialled, as far as is known


class Translator:
    """The channel table and the rules that move it. ``originating`` are ids dialled by us and not yet channels."""

    def __init__(self) -> None:
        self.channels: dict[str, AstChannel] = {}
        self.devices = Devices()
        self.trunks = AstTrunks()
        self.lines = AstLines()
        self._bridges: dict[str, list[str]] = {}

    def feed(self, frame: Frame, at: float) -> Step:
        """Apply one event frame received at ``at`` (epoch seconds)."""
        step = Step()
        name = text(frame, "Event")
        if name == "ContactStatus":
            self._contact(frame, at, step)
        elif name == "Registry":
            self.trunks.registry(text(frame, "Username"), text(frame, "Status"))
            step.events += self.trunks.changes(at)
        elif name in ("Alarm", "AlarmClear"):
            self._alarm(frame, at, step)
        elif name in ("SpanAlarm", "SpanAlarmClear"):
            self.lines.span_alarm(text(frame, "Span"), text(frame, "Alarm"))
        elif name == "AsyncAGIStart":
            self._agi_start(frame, at, step)
        elif name == "OriginateResponse":
            self._originated(frame, at, step)
        else:
            handler = _HANDLERS.get(name)
            chan = self.channels.get(text(frame, "DestUniqueid" if name == "DialState" else "Uniqueid"))
            if handler is not None and chan is not None:
                handler(self, chan, frame, at, step)
        return step

    def bridged_with(self, chan: AstChannel) -> AstChannel | None:
        """The other channel of ours in the same bridge."""
        in_pair = chan.bridge and not chan.conference
        others = [i for i in self._bridges.get(chan.bridge, []) if i != chan.id] if in_pair else []
        return self.channels.get(others[0]) if others else None

    def put_in_bridge(self, chan: AstChannel, bridge: str) -> None:
        """Note that ``chan`` is in ``bridge`` (an id of Asterisk's)."""
        members = self._bridges.setdefault(bridge, [])
        if chan.id not in members:
            members.append(chan.id)
        chan.bridge, chan.controlled, chan.music = bridge, False, False

    def not_parted(self, channels: Iterable[AstChannel], at: float) -> list[SwitchEvent]:
        """The Redirect failed. Who came back from the bridge while it was on its way is under control again."""
        step = Step()
        for chan in channels:
            chan.parting = False
            if chan.id in self.channels and chan.back_while_parting:
                self._back(chan, at, step)
        return step.events

    # -------------------------------------------------------- no channel yet, or not by channel

    def _contact(self, frame: Frame, at: float, step: Step) -> None:
        device = text(frame, "EndpointName")
        if device.startswith(TRUNK_PREFIX):
            self.trunks.contact(device, text(frame, "ContactStatus"), text(frame, "RoundtripUsec"))
            step.events += self.trunks.changes(at)
        if not is_phone(device):
            return
        changed = self.devices.contact(device, text(frame, "URI"), text(frame, "ContactStatus"))
        if changed is not None:
            step.events.append(DeviceRegistered(at, device, changed))

    def _alarm(self, frame: Frame, at: float, step: Step) -> None:
        before = self.lines.devices()
        if self.lines.alarm(text(frame, "DAHDIChannel"), text(frame, "Alarm")):
            step.events += self.lines_changed(before, at)

    def lines_changed(self, before: Mapping[str, bool], at: float) -> list[SwitchEvent]:
        """What telephones and trunks on lines are to be told of, where telephones were as ``before``."""
        self.lines.tell(self.trunks)
        now = self.lines.devices()
        told = [DeviceRegistered(at, name, now.get(name, False)) for name in sorted({*before, *now})
                if before.get(name, False) != now.get(name, False)]  # fmt: skip
        return [*told, *self.trunks.changes(at)]

    def _agi_start(self, frame: Frame, at: float, step: Step) -> None:
        chan = self.channels.get(text(frame, "Uniqueid"))
        if chan is None:
            self._offered(frame, at, step)
            return
        chan.name = text(frame, "Channel")
        if chan.controlled:
            return
        self._leave_bridge(chan)
        self._drop_pending(chan, at, step)
        chan.spying = chan.conference = ""
        if self._spies_on(chan, step):
            return
        was_answered = chan.answered
        chan.controlled, chan.answered = True, True
        chan.parting = chan.back_while_parting = False
        step.events.append(ChannelUnbridged(at, chan.id) if was_answered else ChannelAnswered(at, chan.id))

    def _spies_on(self, chan: AstChannel, step: Step) -> bool:
        """It was taken out of listening only to go on in another way."""
        wish, chan.spy_next = chan.spy_next, None
        target = self.channels.get(wish.target) if wish is not None else None
        if wish is None or target is None:
            return False
        command, action = requests.spy(chan, target, wish.mode)
        chan.pending[command], chan.spying = Pending(away=True), target.id
        chan.parting = chan.back_while_parting = False
        step.actions += [action, requests.wake(chan)]
        return True

    def _offered(self, frame: Frame, at: float, step: Step) -> None:
        if text(frame, "Context") not in INBOUND_CONTEXTS:
            return
        name = text(frame, "Channel")
        device, trunk = origin(name, text(frame, "AccountCode"))
        chan = AstChannel(
            id=text(frame, "Uniqueid"),
            name=name,
            incoming=True,
            caller_number=strangers_number(text(frame, "CallerIDNum")),
            caller_name=text(frame, "CallerIDName"),
            dialed=text(frame, "Exten"),
            device=device,
            trunk=trunk,
            answered=text(frame, "ChannelState") == UP,
            controlled=True,
        )
        self.channels[chan.id] = chan
        step.events.append(
            ChannelOffered(at, chan.id, chan.caller_number, chan.caller_name, chan.dialed, device=device, trunk=trunk)
        )

    def _originated(self, frame: Frame, at: float, step: Step) -> None:
        """A failure with a channel is ended by its ``Hangup``, which says why. Without one it may have overtaken the
        channel's events, which go another way in Asterisk."""
        chan = self.channels.get(text(frame, "Uniqueid"))
        if chan is None or chan.incoming or chan.name or text(frame, "Response") != "Failure":
            return
        step.failed.append((chan, causes.not_originated(text(frame, "Reason"))))

    def never_was(self, chan: AstChannel, cause: Cause, at: float) -> list[SwitchEvent]:
        """No event of ``chan`` has come since its dialling failed: there was no channel."""
        if self.channels.get(chan.id) is not chan or chan.name:
            return []
        del self.channels[chan.id]
        return [ChannelHungUp(at, chan.id, cause if chan.hangup_asked is None else Cause.CANCELLED, by_far_side=False)]

    # -------------------------------------------------------- channels of ours

    def _new_channel(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        chan.name = text(frame, "Channel")
        if chan.hangup_asked is not None:
            step.actions.append(requests.hangup(chan, chan.hangup_asked))

    def _rename(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        chan.name = text(frame, "Newname")

    def _new_state(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        state = text(frame, "ChannelState")
        if state == RINGING:
            self._ringing(chan, at, step)
        elif state == UP and chan.incoming and not chan.answered:
            chan.answered = True
            step.events.append(ChannelAnswered(at, chan.id))

    def _dial_state(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        if text(frame, "DialStatus") in ("RINGING", "PROGRESS"):
            self._ringing(chan, at, step)

    def _ringing(self, chan: AstChannel, at: float, step: Step) -> None:
        if not (chan.incoming or chan.ringing or chan.answered):
            chan.ringing = True
            step.events.append(ChannelRinging(at, chan.id))

    def _agi_exec(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        pending = chan.pending.pop(text(frame, "CommandId"), None)
        if pending is None:
            self._back_from_unknown(chan, at, step)
            return
        if pending.playback is not None:
            self._prompt_done(chan, pending.playback, at, step)
        if pending.bridge_to:
            self._bridge_over(chan, pending, at, step)
        if pending.away:
            chan.spying = chan.conference = ""
            self._back(chan, at, step)
        if pending.done is not None:
            pending.done()

    def _back_from_unknown(self, chan: AstChannel, at: float, step: Step) -> None:
        """A command of an earlier connection is done; if it was its bridge, the channel is under control again."""
        told_to_go = any(pending.bridge_to or pending.away for pending in chan.pending.values())
        if chan.answered and not chan.bridge and not told_to_go:
            chan.spying = chan.conference = ""
            self._back(chan, at, step)

    def _back(self, chan: AstChannel, at: float, step: Step) -> None:
        """The channel's own bridge command is done. Being parted, it will report itself from where it is parked."""
        chan.back_while_parting = chan.parting
        if not (chan.parting or chan.ending or chan.controlled):
            chan.controlled = True
            step.events.append(ChannelUnbridged(at, chan.id))

    def _bridge_over(self, chan: AstChannel, pending: Pending, at: float, step: Step) -> None:
        """The bridging channel is back; the other one reports itself, unless they never met."""
        self._leave_bridge(chan)
        back = [chan]
        peer = self.channels.get(pending.bridge_to)
        if peer is not None and not (pending.met or peer.bridge):
            back.append(peer)
        for one in back:
            self._back(one, at, step)

    def _prompt_done(self, chan: AstChannel, playback: Playback, at: float, step: Step) -> None:
        if playback.over:
            return
        if chan.ending and playback.reason is PlayEnd.COMPLETED:
            playback.reason = PlayEnd.FAILED
        if playback.reason is PlayEnd.COMPLETED and playback.left:
            command, action = requests.prompt(chan, playback.left.pop(0), playback.barge_in)
            chan.pending[command] = Pending(playback=playback)
            step.actions.append(action)
        else:
            self._play_over(chan, playback, at, step)

    def _play_over(self, chan: AstChannel, playback: Playback, at: float, step: Step) -> None:
        playback.over = True
        if chan.playback is playback:
            chan.playback = None
        step.events.append(PlayFinished(at, chan.id, playback.play_id, playback.reason))

    def _digit(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        if text(frame, "Direction") != "Received":
            return
        step.events.append(Digit(at, chan.id, text(frame, "Digit")))
        playback = chan.playback
        if playback is not None and playback.barge_in and playback.reason is PlayEnd.COMPLETED:
            playback.reason = PlayEnd.DIGIT
            self._play_over(chan, playback, at, step)

    def _bridge_enter(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        self.put_in_bridge(chan, text(frame, "BridgeUniqueid"))
        if chan.conference:
            step.events.append(ChannelConferenced(at, chan.id, chan.conference))
        peer = self.bridged_with(chan)
        if peer is None:
            return
        first, second = (chan, peer) if chan.bridge_to == peer.id else (peer, chan)
        first.bridge_to = ""
        for pending in (*chan.pending.values(), *peer.pending.values()):
            pending.met = pending.met or pending.bridge_to in (chan.id, peer.id)
        step.events.append(ChannelBridged(at, first.id, second.id))

    def _bridge_leave(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        self._leave_bridge(chan)

    def _leave_bridge(self, chan: AstChannel) -> None:
        members = self._bridges.get(chan.bridge, [])
        if chan.id in members:
            members.remove(chan.id)
        if not members:
            self._bridges.pop(chan.bridge, None)
        chan.bridge = chan.bridge_to = ""

    def _talks(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        chan.talked = True

    def _silent(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        step.silent.append(chan)

    def _held(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        step.events.append(ChannelHeld(at, chan.id, text(frame, "Event") == "Hold"))

    def _hangup_request(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        if not chan.ending:
            chan.ending = True
            chan.by_far_side = text(frame, "Event") == "HangupRequest" and chan.hangup_asked is None

    def _hangup(self, chan: AstChannel, frame: Frame, at: float, step: Step) -> None:
        self._leave_bridge(chan)
        del self.channels[chan.id]
        self._drop_pending(chan, at, step)
        for recording in chan.recordings.values():
            step.events.append(RecordingStopped(at, chan.id, recording.recording_id, f"{recording.name}.raw"))
        cause = causes.ended(
            text(frame, "Cause"),
            answered=chan.answered,
            by_far_side=chan.by_far_side,
            incoming=chan.incoming,
            asked=chan.hangup_asked,
            relayed=bool(chan.via),
        )
        step.events.append(ChannelHungUp(at, chan.id, cause, chan.by_far_side, _sip(chan, frame)))

    def _drop_pending(self, chan: AstChannel, at: float, step: Step) -> None:
        """The channel has left the AGI: what waited for it will not be done."""
        waiting, chan.pending = list(chan.pending.values()), {}
        for pending in waiting:
            playback = pending.playback
            if playback is not None and not playback.over:
                playback.reason = PlayEnd.FAILED if playback.reason is PlayEnd.COMPLETED else playback.reason
                self._play_over(chan, playback, at, step)
            if pending.done is not None:
                pending.done()


def _sip(chan: AstChannel, frame: Frame) -> int:
    """The answer of the far side that ended a call out before it was answered."""
    status = text(frame, "TechCause")
    refused = not (chan.answered or chan.incoming) and status.isdigit() and chan.hangup_asked is None
    return int(status) if refused and 300 <= int(status) < 700 else 0


_Handler = Callable[[Translator, AstChannel, Frame, float, Step], None]
_HANDLERS: dict[str, _Handler] = {
    "Newchannel": Translator._new_channel,
    "Rename": Translator._rename,
    "Newstate": Translator._new_state,
    "DialState": Translator._dial_state,
    "AsyncAGIExec": Translator._agi_exec,
    "DTMFEnd": Translator._digit,
    "BridgeEnter": Translator._bridge_enter,
    "BridgeLeave": Translator._bridge_leave,
    "ChannelTalkingStart": Translator._talks,
    "ChannelTalkingStop": Translator._silent,
    "Hold": Translator._held,
    "Unhold": Translator._held,
    "HangupRequest": Translator._hangup_request,
    "SoftHangupRequest": Translator._hangup_request,
    "Hangup": Translator._hangup,
}
