"""How the simulator carries out each command of the contract: one function a command, one table.

The functions move channels and let the switch report; they must not know the sink or the link.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import (
    Answer,
    AnswerDevice,
    Bridge,
    Confer,
    DeviceTarget,
    Hangup,
    Music,
    Originate,
    Play,
    RecordPause,
    RecordStart,
    RecordStop,
    SendDigits,
    SetState,
    Spy,
    StopPlay,
    TestCall,
    Unbridge,
)
from cti.domain.switch.events import ChannelAnswered, ChannelConferenced, PlayEnd, RecordingStarted
from cti.domain.switch.terms import Cause
from cti.switches.checks import check_command
from cti.switches.sim.model import FarEnd, Playing, Recording, SimChannel

if TYPE_CHECKING:
    from cti.switches.sim.driver import SimSwitch


def originate(sim: SimSwitch, command: Originate) -> None:
    check_command(command)
    if not sim.first_use(command.channel):
        return
    target = command.target
    chan = SimChannel(
        id=command.channel,
        created_at=sim.clock(),
        caller_number=command.caller_number,
        caller_name=command.caller_name,
        device=target.device if isinstance(target, DeviceTarget) else "",
        trunk="" if isinstance(target, DeviceTarget) else target.trunk,
        state=command.state,
        auto_answer=command.auto_answer,
        at=sim,
    )
    sim.channels[chan.id] = chan
    if isinstance(target, DeviceTarget):
        _ring_device(sim, chan, target, command.ring_timeout)
    elif target.trunk in sim.trunk_faults:
        sim.end(chan, sim.trunk_faults[target.trunk], by_far_side=True)
    else:
        _ring(sim, chan, sim.outside(target.number), command.ring_timeout)


def _ring_device(sim: SimSwitch, chan: SimChannel, target: DeviceTarget, ring_timeout: float) -> None:
    carrier = sim.peers.get(target.switch, sim) if target.switch else sim
    if target.switch and not carrier.alive:
        chan.ring_timer = sim.later(ring_timeout, lambda: sim.end(chan, Cause.NO_ANSWER, by_far_side=False))
    elif (target.switch and carrier is sim) or not carrier.phone(target.device).registered:
        sim.end(chan, Cause.UNREACHABLE, by_far_side=False)
    else:
        if carrier is not sim:
            carrier.relayed[chan.id], chan.relayed_by = chan, carrier.relayed
        _ring(sim, chan, carrier.phone(target.device), ring_timeout)


def _ring(sim: SimSwitch, chan: SimChannel, far: FarEnd, ring_timeout: float) -> None:
    chan.far = far
    far.channels.append(chan)
    chan.ring_timer = sim.later(ring_timeout, lambda: sim.end(chan, Cause.NO_ANSWER, by_far_side=False))
    sim.ring(chan)


def answer(sim: SimSwitch, command: Answer) -> None:
    chan = sim.channel(command.channel)
    if chan.answered:
        return
    if not chan.incoming:
        raise CommandRefused(f"channel {chan.id} is not a caller's", channel=chan.id)
    chan.answered = True
    sim.emit(ChannelAnswered(sim.clock(), chan.id))


def answer_device(sim: SimSwitch, command: AnswerDevice) -> None:
    chan = sim.relayed.get(command.channel) or sim.channel(command.channel)
    if not chan.incoming:
        (chan.at or sim).far_answer(chan)


def hangup(sim: SimSwitch, command: Hangup) -> None:
    chan = sim.channels.get(command.channel)
    if chan is None:
        sim.end_relayed(command.channel)
        return
    cause = command.cause
    if not chan.answered and cause is Cause.NORMAL:
        cause = Cause.CANCELLED
    sim.end(chan, cause, by_far_side=False)


def play(sim: SimSwitch, command: Play) -> None:
    check_command(command)
    chan = sim.controlled(command.channel)
    sim.end_play(chan, PlayEnd.STOPPED)
    chan.music, chan.prompts = "", command.prompts
    seconds = sim.play_seconds * len(command.prompts)
    timer = sim.later(seconds, lambda: sim.end_play(chan, PlayEnd.COMPLETED))
    chan.playing = Playing(command.play_id, command.barge_in, timer)


def stop_play(sim: SimSwitch, command: StopPlay) -> None:
    sim.end_play(sim.channel(command.channel), PlayEnd.STOPPED)


def music(sim: SimSwitch, command: Music) -> None:
    check_command(command)
    chan = sim.controlled(command.channel)
    if command.on:
        sim.end_play(chan, PlayEnd.STOPPED)
    chan.music = command.music if command.on else ""


def send_digits(sim: SimSwitch, command: SendDigits) -> None:
    check_command(command)
    sim.channel(command.channel).digits_sent += command.digits


def bridge(sim: SimSwitch, command: Bridge) -> None:
    chan, peer = sim.controlled(command.channel), sim.controlled(command.peer)
    if chan is peer or not (chan.answered and peer.answered):
        raise CommandRefused("both channels of a bridge must be answered", channel=chan.id, peer=peer.id)
    sim.bridged(chan, peer)


def unbridge(sim: SimSwitch, command: Unbridge) -> None:
    chan = sim.channel(command.channel)
    if chan.spying is not None or chan.conference:
        sim.alone_again(chan)
        return
    peer = sim.part(chan)
    if peer is not None:
        sim.unbridged(chan)
        sim.unbridged(peer)


def confer(sim: SimSwitch, command: Confer) -> None:
    check_command(command)
    chan = sim.channel(command.channel)
    if chan.conference == command.conference:
        return
    sim.controlled(chan.id)
    if not chan.answered:
        raise CommandRefused("a channel in a conference must be answered", channel=chan.id)
    sim.end_play(chan, PlayEnd.STOPPED)
    chan.music, chan.controlled, chan.conference = "", False, command.conference
    sim.emit(ChannelConferenced(sim.clock(), chan.id, chan.conference))


def spy(sim: SimSwitch, command: Spy) -> None:
    check_command(command)
    chan, target = sim.channel(command.channel), sim.channel(command.target)
    if chan.spying is None:
        sim.controlled(chan.id)
    if chan is target or not (chan.answered and target.answered):
        raise CommandRefused("both channels must be answered", channel=chan.id, target=target.id)
    sim.end_play(chan, PlayEnd.STOPPED)
    chan.music, chan.controlled, chan.spying, chan.spy_mode = "", False, target, command.mode


def record_start(sim: SimSwitch, command: RecordStart) -> None:
    check_command(command)
    chan = sim.channel(command.channel)
    if command.recording_id in chan.recordings:
        return
    chan.recordings[command.recording_id] = Recording(command.name, sim.clock(), command.silence)
    sim.emit(RecordingStarted(sim.clock(), chan.id, command.recording_id))


def record_stop(sim: SimSwitch, command: RecordStop) -> None:
    sim.stop_recording(sim.channel(command.channel), command.recording_id)


def record_pause(sim: SimSwitch, command: RecordPause) -> None:
    recording = sim.channel(command.channel).recordings.get(command.recording_id)
    if recording is None:
        raise CommandRefused(f"no recording {command.recording_id}", channel=command.channel)
    recording.paused = command.paused


def set_state(sim: SimSwitch, command: SetState) -> None:
    check_command(command)
    sim.channel(command.channel).state = command.state


def test_call(sim: SimSwitch, command: TestCall) -> None:
    check_command(command)
    channel = sim.incoming(command.dialed, command.caller_number, command.caller_name, trunk="test")
    chan = sim.channels[channel]

    def press() -> None:
        if chan.answered:
            sim.press(channel, command.digits)
        else:
            chan.timers.append(sim.later(command.digit_after, press))

    if command.digits:
        chan.timers.append(sim.later(command.digit_after, press))
    chan.timers.append(sim.later(command.max_seconds, lambda: sim.far_end(chan, Cause.NORMAL)))


HANDLERS: dict[type, Callable[[SimSwitch, Any], None]] = {
    Originate: originate,
    Answer: answer,
    AnswerDevice: answer_device,
    Hangup: hangup,
    Play: play,
    StopPlay: stop_play,
    Music: music,
    SendDigits: send_digits,
    Bridge: bridge,
    Unbridge: unbridge,
    Confer: confer,
    Spy: spy,
    RecordStart: record_start,
    RecordStop: record_stop,
    RecordPause: record_pause,
    SetState: set_state,
    TestCall: test_call,
}
