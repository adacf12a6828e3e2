"""How the floor carries out each command of the switch contract: one function a command, one table.

Each raises ``ChannelGone`` or ``CommandRefused`` and has then changed nothing. It must not know the bus.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cards.host.board import BoardError, LineKind
from cards.host.channel import Channel, Line, Playing
from cards.host.charts import UP, LineEvent, LineState
from cards.host.floor import Floor
from cards.host.plan import choose
from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import (
    Answer,
    Bridge,
    Command,
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
    Unbridge,
)
from cti.domain.switch.events import ChannelBridged, ChannelConferenced, ChannelHungUp, PlayEnd, RecordingStarted
from cti.domain.switch.snapshot import ChannelSnapshot, Snapshot
from cti.domain.switch.terms import Cause
from cti.switches.checks import check_command

DIGIT_SECONDS = 0.2
LONGEST_RING = 45.0  # seconds; the board design gives up an extension then
_DIALLED = re.compile(r"\+?[0-9*#]{1,32}")


def execute(floor: Floor, command: Command) -> None:
    """Raises ``ChannelGone`` or ``CommandRefused``."""
    check_command(command)
    handler = HANDLERS.get(type(command))
    if handler is None:
        raise CommandRefused(f"a board cannot {type(command).__name__}")
    _not_driven(floor, command)
    try:
        handler(floor, command)
    except (BoardError, OSError) as error:
        raise CommandRefused(f"{type(command).__name__}: {error}") from error


def _not_driven(floor: Floor, command: Command) -> None:
    """A call on a line that is only listened to is recorded, and nothing else."""
    chan = floor.channels.get(getattr(command, "channel", ""))
    if chan is not None and chan.watched and not isinstance(command, RecordStart | RecordStop | RecordPause | SetState):
        raise CommandRefused(f"line {chan.line.number} is only listened to", channel=chan.id)


def snapshot(floor: Floor) -> Snapshot:
    now = floor.clock()
    return Snapshot(
        at=floor.wall(),
        channels=tuple(_shown(chan, now) for chan in floor.channels.values()),
        devices=floor.devices(),
        trunks=floor.trunks(),
        up_for=now - floor.began,
    )


def _shown(chan: Channel, now: float) -> ChannelSnapshot:
    return ChannelSnapshot(
        channel=chan.id,
        caller_number=chan.caller_number,
        caller_name=chan.caller_name,
        dialed=chan.dialed,
        answered=chan.answered,
        controlled=chan.controlled,
        peer=chan.peer.id if chan.peer is not None else "",
        state=chan.state,
        device=chan.device,
        trunk=chan.trunk,
        incoming=chan.incoming,
        age=max(now - chan.created_at, 0.0),
        spying=chan.spying.id if chan.spying is not None else "",
        conference=chan.conference,
        watched=chan.watched,
    )


# ---------------------------------------------------------------- calls


def originate(floor: Floor, command: Originate) -> None:
    target = command.target
    if isinstance(target, DeviceTarget) and target.switch not in ("", floor.name):
        raise CommandRefused("a board reaches no phone of another switch", switch=target.switch)
    if not isinstance(target, DeviceTarget) and not _DIALLED.fullmatch(target.number):
        raise CommandRefused(f"an outside line cannot dial {target.number[:40]!r}", field="number")
    if not floor.first_use(command.channel):
        return
    line, cause = (
        _telephone(floor, target.device) if isinstance(target, DeviceTarget) else _outside(floor, target.trunk)
    )
    if line is None:
        floor.emit(ChannelHungUp(floor.wall(), command.channel, cause, cause is Cause.BUSY))
        return
    chan = Channel(
        id=command.channel,
        line=line,
        created_at=floor.clock(),
        caller_number=command.caller_number,
        caller_name=command.caller_name,
        device=target.device if isinstance(target, DeviceTarget) else "",
        trunk="" if isinstance(target, DeviceTarget) else target.trunk,
        hidden=not isinstance(target, DeviceTarget) and target.hidden,
        state=command.state,
    )
    longest = LONGEST_RING if isinstance(target, DeviceTarget) else command.ring_timeout
    chan.give_up_at = floor.clock() + min(command.ring_timeout, longest)
    floor.seat(chan)
    if isinstance(target, DeviceTarget):
        floor.happen(line, LineEvent.CALL)
    else:
        line.dialled = target.number.replace("+", "00", 1)
        floor.happen(line, LineEvent.SEIZE)


def _telephone(floor: Floor, device: str) -> tuple[Line | None, Cause]:
    own = (floor.lines.get(number) for number in floor.plan.of_device(device))
    line = next((one for one in own if one is not None and one.kind is LineKind.EXTENSION), None)
    if line is None or not floor.usable(line):
        return None, Cause.UNREACHABLE
    return (line, Cause.NORMAL) if line.state is LineState.IDLE and line.channel is None else (None, Cause.BUSY)


def _outside(floor: Floor, trunk: str) -> tuple[Line | None, Cause]:
    """The free line that is next; the cause where there is none."""
    lines = [line for line in floor.trunk_lines(trunk) if floor.usable(line)]
    free = [line.number for line in lines if line.state is LineState.IDLE and line.channel is None]
    chosen = choose(floor.plan.hunt, free, floor.last_taken.get(trunk, -1), floor.chance)
    if chosen is None:
        return None, Cause.CONGESTION if lines else Cause.UNREACHABLE
    floor.last_taken[trunk] = chosen
    return floor.lines[chosen], Cause.NORMAL


def answer(floor: Floor, command: Answer) -> None:
    chan = floor.channel(command.channel)
    if chan.answered:
        return
    if not chan.incoming:
        raise CommandRefused(f"channel {chan.id} is not a caller's", channel=chan.id)
    floor.happen(chan.line, LineEvent.ANSWER)


def hangup(floor: Floor, command: Hangup) -> None:
    chan = floor.channels.get(command.channel)
    if chan is None:
        return
    chan.asked_cause = command.cause
    if not chan.answered and command.cause is Cause.NORMAL:
        chan.asked_cause = Cause.CANCELLED
    if not floor.happen(chan.line, LineEvent.HANG_UP):
        floor.end(chan, chan.asked_cause, by_far_side=False)


# ---------------------------------------------------------------- sound


def play(floor: Floor, command: Play) -> None:
    chan = _speakable(floor, command.channel)
    files = [file for name in command.prompts if (file := floor.prompts.file(name)) is not None]
    floor.start_play(chan, Playing(command.play_id, files, command.barge_in))


def stop_play(floor: Floor, command: StopPlay) -> None:
    floor.end_play(floor.channel(command.channel), PlayEnd.STOPPED)


def music(floor: Floor, command: Music) -> None:
    chan = _speakable(floor, command.channel)
    if command.on:
        floor.silence(chan, PlayEnd.STOPPED)
        chan.music = command.music
        floor.start_music(chan, command.music)
    elif chan.music:
        floor.silence(chan, PlayEnd.STOPPED)


def _speakable(floor: Floor, channel: str) -> Channel:
    """Controlled, and its line is picked up."""
    chan = floor.controlled(channel)
    if chan.line.state not in UP:
        raise CommandRefused(f"channel {channel} is not answered: nobody can be played to on it", channel=channel)
    return chan


def send_digits(floor: Floor, command: SendDigits) -> None:
    chan = floor.channel(command.channel)
    if chan.line.state not in UP:
        raise CommandRefused(f"channel {chan.id} is not answered", channel=chan.id)
    chan.deaf_until = floor.clock() + DIGIT_SECONDS * len(command.digits) + 0.2
    floor.reconnect()
    floor.board.send_digits(chan.line.number, command.digits.upper())


# ---------------------------------------------------------------- who talks with whom


def bridge(floor: Floor, command: Bridge) -> None:
    chan, peer = floor.controlled(command.channel), floor.controlled(command.peer)
    if chan is peer or not (chan.answered and peer.answered):
        raise CommandRefused("both channels of a bridge must be answered", channel=chan.id, peer=peer.id)
    for one, other in ((chan, peer), (peer, chan)):
        floor.silence(one, PlayEnd.STOPPED)
        one.peer, one.controlled = other, False
        floor.happen(one.line, LineEvent.JOIN)
    try:
        floor.reconnect()
    except BoardError:
        floor.part(chan)
        for one in (chan, peer):
            one.controlled = True
            floor.happen(one.line, LineEvent.PART)
        raise
    floor.emit(ChannelBridged(floor.wall(), chan.id, peer.id))


def unbridge(floor: Floor, command: Unbridge) -> None:
    chan = floor.channel(command.channel)
    peer = floor.part(chan)
    if peer is None and chan.spying is None and not chan.conference:
        return
    for one in (chan, peer):
        if one is not None:
            floor.alone_again(one)
    floor.reconnect()


def confer(floor: Floor, command: Confer) -> None:
    chan = floor.channel(command.channel)
    if chan.conference == command.conference:
        return
    _free_to_join(floor, chan)
    chan.conference = command.conference
    _joined(floor, chan)
    floor.emit(ChannelConferenced(floor.wall(), chan.id, chan.conference))


def spy(floor: Floor, command: Spy) -> None:
    chan, target = floor.channel(command.channel), floor.channel(command.target)
    if chan.spying is None:
        _free_to_join(floor, chan)
    if chan is target or not target.answered:
        raise CommandRefused("both channels must be answered", channel=chan.id, target=target.id)
    chan.spying, chan.spy_mode = target, command.mode
    _joined(floor, chan)


def _free_to_join(floor: Floor, chan: Channel) -> None:
    floor.controlled(chan.id)
    if not chan.answered:
        raise CommandRefused("a channel must be answered to join others", channel=chan.id)


def _joined(floor: Floor, chan: Channel) -> None:
    """It listens, or is in its conference: the board is told, and where that cannot do it all is as before."""
    floor.silence(chan, PlayEnd.STOPPED)
    chan.controlled = False
    floor.happen(chan.line, LineEvent.JOIN)
    try:
        floor.reconnect()
    except BoardError:
        chan.spying, chan.conference, chan.controlled = None, "", True
        floor.happen(chan.line, LineEvent.PART)
        floor.reconnect()
        raise


# ---------------------------------------------------------------- recordings and state


def record_start(floor: Floor, command: RecordStart) -> None:
    chan = floor.channel(command.channel)
    if command.recording_id in chan.recordings:
        return
    if chan.line.state not in UP and not chan.watched:
        raise CommandRefused(f"channel {chan.id} is not answered", channel=chan.id)
    path = floor.spool / f"{command.name}.raw"
    floor.tapes.start(command.recording_id, chan.line.number, path, both=chan.watched)
    chan.recordings[command.recording_id] = command.name
    floor.emit(RecordingStarted(floor.wall(), chan.id, command.recording_id))


def record_stop(floor: Floor, command: RecordStop) -> None:
    floor.stop_recording(floor.channel(command.channel), command.recording_id)


def record_pause(floor: Floor, command: RecordPause) -> None:
    if command.recording_id not in floor.channel(command.channel).recordings:
        raise CommandRefused(f"no recording {command.recording_id}", channel=command.channel)
    floor.tapes.pause(command.recording_id, command.paused)


def set_state(floor: Floor, command: SetState) -> None:
    floor.channel(command.channel).state = command.state


HANDLERS: dict[type, Callable[[Floor, Any], None]] = {
    Originate: originate,
    Answer: answer,
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
}
