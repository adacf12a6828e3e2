"""How each command of the contract is carried out on FreeSWITCH: checks, the lines in order, what to remember.

Lines of one command are sent together and in order, then their replies are awaited; ``api`` and ``sendmsg`` take effect
in the order in which they were sent. Must not know sockets; the driver sends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from cti.domain.errors import ChannelGone, CommandRefused
from cti.domain.switch.commands import (
    Answer,
    AnswerDevice,
    Bridge,
    Confer,
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
from cti.domain.switch.events import PlayEnd, PlayFinished, RecordingStarted, RecordingStopped
from cti.switches.freeswitch import requests
from cti.switches.freeswitch.channels import FsChannel, Recording, Sound, pack_recordings

if TYPE_CHECKING:
    from cti.switches.freeswitch.driver import FreeSwitch

Lines = tuple[str, ...]


async def originate(switch: FreeSwitch, command: Originate, deadline: float) -> None:
    if not switch.first_use(command.channel):
        return
    target = command.target
    chan = FsChannel(
        id=command.channel,
        caller_number=command.caller_number,
        caller_name=command.caller_name,
        device=getattr(target, "device", ""),
        trunk=getattr(target, "trunk", ""),
        via=getattr(target, "switch", ""),
    )
    switch.channels[chan.id] = chan
    line = requests.originate(command, switch.place(chan.device))
    try:
        await switch.asking.start_job(line, deadline, lambda reply: switch.originated(chan, reply))
    except CommandRefused:
        switch.channels.pop(chan.id, None)
        raise


async def answer(switch: FreeSwitch, command: Answer, deadline: float) -> None:
    chan = switch.channel(command.channel)
    if not chan.answered:
        _controlled(switch, command.channel)
        await switch.ask(chan, deadline, (requests.answer(chan),))


async def answer_device(switch: FreeSwitch, command: AnswerDevice, deadline: float) -> None:
    chan = switch.channels.get(command.channel)
    if chan is None:
        relay = FsChannel(requests.relay(command.channel))
        await switch.ask(relay, deadline, (requests.answer_device(relay.id),))
    elif not (chan.incoming or chan.answered):
        await switch.ask(chan, deadline, (requests.answer_device(chan.id),))


async def hangup(switch: FreeSwitch, command: Hangup, deadline: float) -> None:
    chan = switch.channels.get(command.channel)
    if chan is None:
        await _hangup_relay(switch, command.channel, deadline)
        return
    if not chan.ending and chan.hangup_asked is None:
        chan.hangup_asked = command.cause
    try:
        await switch.ask(chan, deadline, (requests.hangup(chan, command.cause),))
    except ChannelGone:
        return


async def _hangup_relay(switch: FreeSwitch, channel: str, deadline: float) -> None:
    """If it is a channel of another switch, whose phone is here."""
    try:
        await switch.ask(FsChannel(requests.relay(channel)), deadline, (requests.hangup_relay(channel),))
    except ChannelGone:
        return


async def play(switch: FreeSwitch, command: Play, deadline: float) -> None:
    chan = _controlled(switch, command.channel)
    files = [switch.prompt_file(prompt) for prompt in command.prompts]
    sound = Sound(requests.new_name("play"), command.play_id, command.barge_in) if files else None
    lines = _replace_sound(switch, chan, sound)
    if sound is None:
        switch.report(PlayFinished(switch.clock(), chan.id, command.play_id, PlayEnd.COMPLETED))
    else:
        lines.append(requests.play(chan, requests.prompts(files), sound.app))
    await switch.ask(chan, deadline, *lines)


async def stop_play(switch: FreeSwitch, command: StopPlay, deadline: float) -> None:
    chan = switch.channel(command.channel)
    if chan.sound is not None and chan.sound.play_id:
        await switch.ask(chan, deadline, *_replace_sound(switch, chan, None))


async def music(switch: FreeSwitch, command: Music, deadline: float) -> None:
    chan = _controlled(switch, command.channel)
    if not command.on:
        if chan.sound is None or not chan.sound.play_id:
            chan.take_sound(None)
            await switch.ask(chan, deadline, (requests.stop(chan, queued=True),))
        return
    sound = Sound(requests.new_name("music"))
    lines = _replace_sound(switch, chan, sound)
    lines.append(requests.play(chan, requests.music(command.music), sound.app))
    await switch.ask(chan, deadline, *lines)


async def send_digits(switch: FreeSwitch, command: SendDigits, deadline: float) -> None:
    chan = switch.channel(command.channel)
    await switch.ask(chan, deadline, (requests.digits(chan, command.digits),))


async def bridge(switch: FreeSwitch, command: Bridge, deadline: float) -> None:
    chan, peer = _controlled(switch, command.channel), _controlled(switch, command.peer)
    if chan is peer or not (chan.answered and peer.answered):
        raise CommandRefused("both channels of a bridge must be answered", channel=chan.id, peer=peer.id)
    lead, other = (peer, chan) if peer.incoming and not chan.incoming else (chan, peer)  # the first one is the safe one
    lines = [*_replace_sound(switch, chan, None), *_replace_sound(switch, peer, None), (requests.bridge(lead, other),)]
    chan.bridge_to = peer.id
    chan.controlled = peer.controlled = False
    chan.stranded = peer.stranded = False
    chan.joining_since = peer.joining_since = switch.clock()
    try:
        await switch.ask(chan, deadline, *lines)
    except (CommandRefused, ChannelGone):
        chan.bridge_to = ""
        for one in (chan, peer):
            one.controlled = one.id in switch.channels and not one.peer and not one.ending
        raise


async def unbridge(switch: FreeSwitch, command: Unbridge, deadline: float) -> None:
    chan = switch.channel(command.channel)
    if chan.spying or chan.conference:
        await switch.ask(chan, deadline, (requests.park_anew(chan),))
        return
    peer = switch.channels.get(chan.peer)
    if chan.peer:
        await switch.ask(chan, deadline, (requests.park(chan),))
        for one in filter(None, (chan, peer)):
            switch.watch.park(one)


async def spy(switch: FreeSwitch, command: Spy, deadline: float) -> None:
    chan, target = switch.channel(command.channel), switch.channel(command.target)
    if chan is target or not (chan.answered and target.answered):
        raise CommandRefused("both channels must be answered", channel=chan.id, target=target.id)
    if not chan.spying:
        _controlled(switch, chan.id)
    stop = _replace_sound(switch, chan, None)
    chan.controlled, chan.spying = False, target.id
    lines = [(line,) for line in requests.spy(chan, target.id, command.mode)]
    await switch.ask(chan, deadline, *stop, *lines)


async def confer(switch: FreeSwitch, command: Confer, deadline: float) -> None:
    chan = switch.channel(command.channel)
    if chan.conference == command.conference:
        return
    _controlled(switch, chan.id)
    if not chan.answered:
        raise CommandRefused("a channel in a conference must be answered", channel=chan.id)
    stop = _replace_sound(switch, chan, None)
    chan.controlled, chan.conference = False, command.conference
    try:
        await switch.ask(chan, deadline, *stop, (requests.confer(chan, command.conference),))
    except (CommandRefused, ChannelGone):
        chan.controlled, chan.conference = chan.id in switch.channels and not chan.ending, ""
        raise


async def record_start(switch: FreeSwitch, command: RecordStart, deadline: float) -> None:
    chan = switch.channel(command.channel)
    if command.recording_id in chan.recordings:
        return
    chan.recordings[command.recording_id] = Recording(command.recording_id, command.name)
    try:
        await switch.ask(chan, deadline, (_start(chan, switch.recording_file(command.name), command.silence),))
    except (CommandRefused, ChannelGone):
        chan.recordings.pop(command.recording_id, None)
        raise
    if chan.id in switch.channels and command.recording_id in chan.recordings:
        switch.report(RecordingStarted(switch.clock(), chan.id, command.recording_id))
        await switch.ask(chan, deadline, _note_recordings(chan))


def _start(chan: FsChannel, file: str, silence: float) -> str:
    return requests.record_speech(chan, file, silence) if silence else requests.record(chan, "start", file)


async def record_stop(switch: FreeSwitch, command: RecordStop, deadline: float) -> None:
    """``RECORD_STOP`` reports it; a recording the switch does not know is over as well."""
    chan = switch.channel(command.channel)
    recording = chan.recordings.get(command.recording_id)
    if recording is None:
        return
    try:
        await switch.ask(chan, deadline, (requests.record(chan, "stop", switch.recording_file(recording.name)),))
    except CommandRefused:
        if chan.recordings.pop(command.recording_id, None) is not None:
            at, file = switch.clock(), f"{recording.name}.raw"
            switch.report(RecordingStopped(at, chan.id, command.recording_id, file))
    left = [r for r in chan.recordings.values() if r is not recording]
    if chan.id in switch.channels:
        await switch.ask(chan, deadline, (requests.set_variable(chan, requests.RECORDINGS, pack_recordings(left)),))


async def record_pause(switch: FreeSwitch, command: RecordPause, deadline: float) -> None:
    chan = switch.channel(command.channel)
    recording = chan.recordings.get(command.recording_id)
    if recording is None:
        raise CommandRefused(f"no recording {command.recording_id}", channel=chan.id)
    action = "mask" if command.paused else "unmask"
    await switch.ask(chan, deadline, (requests.record(chan, action, switch.recording_file(recording.name)),))


async def set_state(switch: FreeSwitch, command: SetState, deadline: float) -> None:
    chan = switch.channel(command.channel)
    await switch.ask(chan, deadline, (requests.set_variable(chan, requests.STATE, command.state),))


async def test_call(switch: FreeSwitch, command: TestCall, deadline: float) -> None:
    await switch.asking.start_job(requests.test_call(command, switch.new_test_id()), deadline, lambda _reply: None)


def _controlled(switch: FreeSwitch, channel: str) -> FsChannel:
    chan = switch.channel(channel)
    if not chan.controlled or chan.ending:
        raise CommandRefused(f"channel {channel} is not controlled", channel=channel)
    return chan


def _replace_sound(switch: FreeSwitch, chan: FsChannel, sound: Sound | None) -> list[Lines]:
    """What ends the present sound, if there is one; a prompt is reported as stopped."""
    before = chan.take_sound(sound)
    if before is None:
        return []
    if before.play_id:
        switch.report(PlayFinished(switch.clock(), chan.id, before.play_id, PlayEnd.STOPPED))
    switch.watch.stop(chan, before)
    return [(requests.stop(chan, queued=True),)]


def _note_recordings(chan: FsChannel) -> Lines:
    return (requests.set_variable(chan, requests.RECORDINGS, pack_recordings(chan.recordings.values())),)


Handler = Callable[["FreeSwitch", Any, float], Awaitable[None]]
HANDLERS: dict[type, Handler] = {
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
