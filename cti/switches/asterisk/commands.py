"""How each command of the contract is carried out on Asterisk: checks, the actions in order, what to remember.

Actions of one command are sent together and in order, then their answers are awaited; commands of one channel take
effect in the order in which they were executed. Must not know sockets; the driver sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from cti.domain.errors import ChannelGone, CommandRefused, DeadlineExceeded, LinkDown
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
from cti.domain.switch.events import ChannelHungUp, PlayEnd, PlayFinished, RecordingStarted, RecordingStopped
from cti.domain.switch.terms import Capability, Cause
from cti.switches.asterisk import contacts, requests
from cti.switches.asterisk.channels import AstChannel, Pending, Playback, Recording, on_line, pack_recordings
from cti.switches.asterisk.wire import Action, text

if TYPE_CHECKING:
    from cti.switches.asterisk.driver import AsteriskSwitch

MONITOR_GONE = 0.08
"""Seconds until a stopped MixMonitor has left the channel: it goes with the next frames, one each 20 ms."""


async def originate(switch: AsteriskSwitch, command: Originate, deadline: float) -> None:
    if not switch.first_use(command.channel):
        return
    target = command.target
    to = switch.lines.dial(target)
    chan = AstChannel(
        id=command.channel,
        caller_number=command.caller_number,
        caller_name=command.caller_name,
        device=getattr(target, "device", ""),
        trunk=getattr(target, "trunk", ""),
        via=getattr(target, "switch", ""),
    )
    switch.channels[chan.id] = chan
    now = asyncio.get_running_loop().time
    until = now() + deadline
    try:
        if isinstance(target, DeviceTarget) and not (to or target.switch):
            to = await _registered_at(switch, chan, deadline)
            if not to:
                return
        await switch.ask(requests.originate(command, to), until - now())
    except CommandRefused:
        switch.channels.pop(chan.id, None)
        raise


async def _registered_at(switch: AsteriskSwitch, chan: AstChannel, deadline: float) -> str:
    """The channel to dial, by the address that events told of, else as Asterisk says; empty where the phone has no
    contact or the call was given up meanwhile, which is told."""
    if address := switch.place(chan.device):
        return contacts.channel(chan.device, address)
    try:
        answer = await switch.ask(contacts.asked(chan.device), deadline)
    except (LinkDown, DeadlineExceeded):
        switch.channels.pop(chan.id, None)
        raise
    to = contacts.dialled(chan.device, text(answer, "Value"))
    if to and chan.hangup_asked is None:
        return to
    if switch.channels.pop(chan.id, None) is not None:
        cause = Cause.UNREACHABLE if chan.hangup_asked is None else Cause.CANCELLED
        switch.report(ChannelHungUp(switch.clock(), chan.id, cause, by_far_side=False))
    return ""


async def answer(switch: AsteriskSwitch, command: Answer, deadline: float) -> None:
    chan = switch.channel(command.channel)
    if chan.answered:
        return
    _controlled(switch, command.channel)
    actions = [requests.agi(chan, "ANSWER")[1]]
    if not chan.busy_playing:
        actions.append(requests.wake(chan))
    await switch.ask_all(chan, actions, deadline)


async def answer_device(switch: AsteriskSwitch, command: AnswerDevice, deadline: float) -> None:
    if Capability.REMOTE_ANSWER not in switch.capabilities:
        raise CommandRefused("this Asterisk has no PJSIPNotify (res_pjsip_notify)", channel=command.channel)
    chan = switch.channels.get(command.channel)
    if chan is None:
        relay = await switch.relay(command.channel, deadline)
        if relay is None or not relay.phone:
            raise ChannelGone(f"no channel {command.channel}", channel=command.channel)
        await switch.ask(requests.answer_device(relay.phone), deadline)
    elif on_line(chan.name):
        raise CommandRefused("a telephone on a board's line is answered by hand only", channel=command.channel)
    elif not (chan.incoming or chan.answered):
        await switch.ask_all(chan, [requests.answer_device(chan.address)], deadline)


async def hangup(switch: AsteriskSwitch, command: Hangup, deadline: float) -> None:
    chan = switch.channels.get(command.channel)
    if chan is None:
        await _hangup_relay(switch, command.channel, deadline)
        return
    if not chan.ending:
        chan.hangup_asked = command.cause
    try:
        await switch.ask_all(chan, [requests.hangup(chan, command.cause)], deadline)
    except ChannelGone:
        return


async def _hangup_relay(switch: AsteriskSwitch, channel: str, deadline: float) -> None:
    relay = await switch.relay(channel, deadline)
    if relay is not None:
        try:
            await switch.ask(requests.hangup_relay(relay.line or relay.phone), deadline)
        except ChannelGone:
            return


async def play(switch: AsteriskSwitch, command: Play, deadline: float) -> None:
    chan = _controlled(switch, command.channel)
    actions = _stop_playing(switch, chan)
    playback = Playback(command.play_id, [switch.prompt_file(p) for p in command.prompts], command.barge_in)
    if not playback.left:
        switch.report(PlayFinished(switch.clock(), chan.id, command.play_id, PlayEnd.COMPLETED))
    else:
        command_id, action = requests.prompt(chan, playback.left.pop(0), playback.barge_in)
        chan.pending[command_id] = Pending(playback=playback)
        chan.playback = playback
        actions.append(action)
    chan.music = False
    await switch.ask_all(chan, actions, deadline)


async def stop_play(switch: AsteriskSwitch, command: StopPlay, deadline: float) -> None:
    chan = switch.channel(command.channel)
    await switch.ask_all(chan, _stop_playing(switch, chan), deadline)


async def music(switch: AsteriskSwitch, command: Music, deadline: float) -> None:
    chan = _controlled(switch, command.channel)
    actions = _stop_playing(switch, chan) if command.on else []
    actions.append(requests.agi(chan, f"SET MUSIC ON {command.music}" if command.on else "SET MUSIC OFF")[1])
    chan.music = command.on
    await switch.ask_all(chan, actions, deadline)


async def send_digits(switch: AsteriskSwitch, command: SendDigits, deadline: float) -> None:
    await switch.digits.send(switch.channel(command.channel), command.digits, deadline)


async def bridge(switch: AsteriskSwitch, command: Bridge, deadline: float) -> None:
    await _monitor_gone(switch.channel(command.channel))
    chan, peer = _controlled(switch, command.channel), _controlled(switch, command.peer)
    if chan is peer or not (chan.answered and peer.answered):
        raise CommandRefused("both channels of a bridge must be answered", channel=chan.id, peer=peer.id)
    lead, other = (peer, chan) if _busy(chan) < _busy(peer) else (chan, peer)
    command_id, join = requests.bridge(lead, other)
    actions = _stop_playing(switch, lead)
    if _busy(other):
        async with asyncio.timeout(deadline):
            await _quiet(switch, other, deadline)
        _controlled(switch, lead.id), _controlled(switch, other.id)
    if lead.music:
        actions.append(requests.agi(lead, "SET MUSIC OFF")[1])
    lead.pending[command_id] = Pending(bridge_to=other.id)
    chan.bridge_to = peer.id
    lead.controlled = other.controlled = False
    try:
        await switch.ask_all(lead, [*actions, join, requests.wake(lead)], deadline)
    except (CommandRefused, ChannelGone):
        lead.pending.pop(command_id, None)
        for one in (lead, other):
            one.controlled = one.id in switch.channels and not one.bridge and not one.ending
        raise


async def unbridge(switch: AsteriskSwitch, command: Unbridge, deadline: float) -> None:
    chan = switch.channel(command.channel)
    if chan.spying or chan.conference:
        await _take_out(switch, chan, None, deadline)
        return
    peer = switch.peer(chan)
    if peer is None:
        return
    chan.parting = peer.parting = True
    try:
        await switch.ask_all(chan, [requests.part(chan, peer)], deadline)
    except ChannelGone:
        switch.not_parted(chan, peer)
        switch.channel(chan.id)  # if only the other one is gone they are parted, as was wished
    except CommandRefused:
        switch.not_parted(chan, peer)
        raise


async def spy(switch: AsteriskSwitch, command: Spy, deadline: float) -> None:
    chan, target = switch.channel(command.channel), switch.channel(command.target)
    if chan is target or not (chan.answered and target.answered):
        raise CommandRefused("both channels must be answered", channel=chan.id, target=target.id)
    if chan.spying:
        await _take_out(switch, chan, command, deadline)
        return
    _controlled(switch, chan.id)
    chan.spying = target.id
    await _go_away(switch, chan, requests.spy(chan, target, command.mode), deadline)


async def confer(switch: AsteriskSwitch, command: Confer, deadline: float) -> None:
    await _monitor_gone(switch.channel(command.channel))
    chan = switch.channel(command.channel)
    if chan.conference == command.conference:
        return
    _controlled(switch, chan.id)
    if not chan.answered:
        raise CommandRefused("a channel in a conference must be answered", channel=chan.id)
    chan.conference = command.conference
    await _go_away(switch, chan, requests.confer(chan, command.conference), deadline)


async def _go_away(switch: AsteriskSwitch, chan: AstChannel, what: tuple[str, Action], deadline: float) -> None:
    """Let a controlled channel do something that ends when it is taken out of it."""
    actions = _stop_playing(switch, chan)
    if chan.music:
        actions.append(requests.agi(chan, "SET MUSIC OFF")[1])
    command_id, action = what
    chan.pending[command_id] = Pending(away=True)
    chan.controlled, chan.music = False, False
    try:
        await switch.ask_all(chan, [*actions, action, requests.wake(chan)], deadline)
    except (CommandRefused, ChannelGone):
        chan.pending.pop(command_id, None)
        chan.controlled, chan.spying, chan.conference = chan.id in switch.channels and not chan.ending, "", ""
        raise


async def _take_out(switch: AsteriskSwitch, chan: AstChannel, then: Spy | None, deadline: float) -> None:
    """Parked, it reports itself, or goes on as ``then`` says."""
    chan.parting, chan.spy_next = True, then
    try:
        await switch.ask_all(chan, [requests.park(chan)], deadline)
    except (CommandRefused, ChannelGone):
        chan.spy_next = None
        switch.not_parted(chan)
        raise


async def record_start(switch: AsteriskSwitch, command: RecordStart, deadline: float) -> None:
    await _monitor_gone(switch.channel(command.channel))
    chan = switch.channel(command.channel)
    if command.recording_id in chan.recordings:
        return
    recording = Recording(command.recording_id, "", command.name, command.silence)
    chan.recordings[command.recording_id] = recording
    actions = [requests.record(chan, switch.recording_file(command.name))]
    if command.silence:
        chan.talked = False
        actions.append(requests.notice_talk(chan, command.silence))
    try:
        answer, *_ = await switch.ask_all(chan, actions, deadline)
    except (CommandRefused, ChannelGone):
        chan.recordings.pop(command.recording_id, None)
        raise
    recording.monitor = text(answer, "MixMonitorID")
    if chan.id in switch.channels:
        switch.report(RecordingStarted(switch.clock(), chan.id, command.recording_id))
        switch.silence.begin(chan, recording)
        await switch.ask_all(chan, [_note_recordings(chan)], deadline)


async def record_stop(switch: AsteriskSwitch, command: RecordStop, deadline: float) -> None:
    chan = switch.channel(command.channel)
    recording = chan.recordings.get(command.recording_id)
    if recording is None:
        return
    chan.monitored_until = asyncio.get_running_loop().time()
    actions = [requests.stop_recording(chan, recording.monitor)]
    if recording.silence:
        actions.append(requests.notice_talk(chan, 0))
    await switch.ask_all(chan, actions, deadline)
    if chan.recordings.pop(command.recording_id, None) is not None and chan.id in switch.channels:
        at, file = switch.clock(), f"{recording.name}.raw"
        switch.report(RecordingStopped(at, chan.id, command.recording_id, file))
        await switch.ask_all(chan, [_note_recordings(chan)], deadline)


async def _monitor_gone(chan: AstChannel) -> None:
    """Wait until a MixMonitor stopped just now is off the channel, before another one or another voice comes on.

    Asterisk keeps one translator for all of a channel's monitors as long as there is one, and that drops frames with
    RTP sequence numbers lower than the last speaker's: the next one would be missing for seconds (22.10, measured).
    """
    await asyncio.sleep(max(0.0, chan.monitored_until + MONITOR_GONE - asyncio.get_running_loop().time()))


async def record_pause(switch: AsteriskSwitch, command: RecordPause, deadline: float) -> None:
    chan = switch.channel(command.channel)
    recording = chan.recordings.get(command.recording_id)
    if recording is None:
        raise CommandRefused(f"no recording {command.recording_id}", channel=chan.id)
    await switch.ask_all(chan, [requests.pause_recording(chan, recording.monitor, command.paused)], deadline)


async def set_state(switch: AsteriskSwitch, command: SetState, deadline: float) -> None:
    chan = switch.channel(command.channel)
    variables = requests.state_variables(command.state)
    await switch.ask_all(chan, [requests.set_variable(chan, name, value) for name, value in variables], deadline)


async def test_call(switch: AsteriskSwitch, command: TestCall, deadline: float) -> None:
    await switch.ask(requests.test_call(command, switch.new_test_id()), deadline)


def _controlled(switch: AsteriskSwitch, channel: str) -> AstChannel:
    chan = switch.channel(channel)
    if not chan.controlled or chan.ending:
        raise CommandRefused(f"channel {channel} is not controlled", channel=channel)
    return chan


def _busy(chan: AstChannel) -> bool:
    return chan.music or chan.busy_playing


def _stop_playing(switch: AsteriskSwitch, chan: AstChannel) -> list[Action]:
    """What ends the present prompt, if there is one; its ``PlayFinished`` says stopped."""
    playback = chan.playback
    if playback is not None and playback.reason is PlayEnd.COMPLETED:
        playback.reason = PlayEnd.STOPPED
        playback.left.clear()
    if not chan.busy_playing:
        return []
    switch.watch_stop(chan)
    return [requests.stop(chan)]


async def _quiet(switch: AsteriskSwitch, chan: AstChannel, deadline: float) -> None:
    """Stop prompts and music of ``chan`` and wait until it has: it could not do so any more in a bridge."""
    done = asyncio.Event()
    actions = _stop_playing(switch, chan)
    command_id, action = requests.agi(chan, "SET MUSIC OFF")
    chan.pending[command_id] = Pending(done=done.set)
    chan.music = False
    try:
        await switch.ask_all(chan, [*actions, action], deadline)
        await done.wait()
    finally:
        chan.pending.pop(command_id, None)


def _note_recordings(chan: AstChannel) -> Action:
    return requests.set_variable(chan, requests.RECORDINGS_VARIABLE, pack_recordings(chan.recordings.values()))


Handler = Callable[["AsteriskSwitch", Any, float], Awaitable[None]]
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
