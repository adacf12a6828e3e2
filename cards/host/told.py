"""What a board tells of its lines, as events of their charts. It must not know prompts, recordings or joins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cards.host.board import (
    BoardEvent,
    Called,
    Cleared,
    FarGone,
    Fault,
    Flashed,
    Key,
    Lifted,
    LineKind,
    NumberRead,
    PlayEnded,
    Progressed,
    Rang,
    Released,
    Replaced,
)
from cards.host.channel import Line
from cards.host.charts import UP, LineEvent, LineState
from cards.host.usable import takes_calls
from cti.domain.switch.events import Digit, PlayEnd
from cti.domain.switch.terms import Cause
from cti.switches.checks import strangers_number

if TYPE_CHECKING:
    from cards.host.floor import Floor

TEST_TONE = 5.0  # seconds

_KEYS = frozenset("0123456789*#ABCD")


def take(floor: Floor, event: BoardEvent) -> None:
    line = floor.lines.get(event.line)
    if line is None:
        return
    match event:
        case Rang():
            _rang(floor, line)
        case NumberRead():
            _number(floor, line, event)
        case Progressed():
            floor.happen(line, LineEvent(event.progress.value))
        case FarGone():
            floor.happen(line, LineEvent.FAR_GONE)
        case Called():
            _called(floor, line, event)
        case Cleared():
            line.cause = event.cause
            floor.happen(line, LineEvent.CLEARED)
        case Released():
            floor.happen(line, LineEvent.RELEASED)
        case Lifted():
            _lifted(floor, line)
        case Replaced():
            line.test_until = 0.0
            floor.happen(line, LineEvent.REPLACED)
        case Flashed():
            if line.channel is not None and (line.channel.peer or line.channel.conference):
                floor.happen(line, LineEvent.FLASH)
        case Key():
            _key(floor, line, event.digit)
        case PlayEnded():
            floor.play_ended(line)
        case Fault():
            _fault(floor, line, event)


def _rang(floor: Floor, line: Line) -> None:
    line.last_ring = floor.clock()
    if takes_calls(line, floor.plan):
        floor.happen(line, LineEvent.RING)


def _number(floor: Floor, line: Line, event: NumberRead) -> None:
    line.last_ring = max(line.last_ring, floor.clock() - 1.0)
    late = line.state is LineState.WAITING and line.kind is LineKind.RECORDER
    if (late or line.state in (LineState.IDLE, LineState.RINGING_IN)) and takes_calls(line, floor.plan):
        line.caller_number = strangers_number(event.number)
        line.caller_name = "".join(c for c in event.name if c.isprintable())[:80]
        floor.happen(line, LineEvent.NUMBER if line.caller_number else LineEvent.NO_NUMBER)


def _called(floor: Floor, line: Line, event: Called) -> None:
    if line.state is not LineState.IDLE or not takes_calls(line, floor.plan):
        floor.board.on_hook(line.number, Cause.CONGESTION)
        return
    line.caller_number = strangers_number(event.number)
    line.caller_name = "".join(c for c in event.name if c.isprintable())[:80]
    line.dialled = strangers_number(event.dialled)
    floor.happen(line, LineEvent.CALLED)


def _lifted(floor: Floor, line: Line) -> None:
    if line.kind is LineKind.RECORDER:
        if line.state is not LineState.IDLE or takes_calls(line, floor.plan):
            if line.channel is None:
                line.dialled = ""
            floor.happen(line, LineEvent.LIFTED)
        return
    testing = line.test_until and line.state is LineState.RINGING
    if not floor.happen(line, LineEvent.LIFTED):
        return
    plan = floor.plan.of(line.number)
    if line.state is LineState.DIALLING and (plan.blocked or not plan.device):
        floor.happen(line, LineEvent.TIME)  # nobody's telephone: no dial tone, but busy
    if testing:
        line.test_until = floor.clock() + TEST_TONE
        floor.player.play(line, floor.prompts.test_tone())


def _key(floor: Floor, line: Line, digit: str) -> None:
    if digit not in _KEYS:
        return
    chan = line.channel
    if line.kind is LineKind.RECORDER:
        _dials_watched(floor, line, digit)
        return
    if chan is None:
        if line.kind is LineKind.EXTENSION:
            _dials(floor, line, digit)
        return
    if line.state not in UP:
        return
    floor.emit(Digit(floor.wall(), chan.id, digit))
    if chan.playing is not None and chan.playing.barge_in:
        floor.end_play(chan, PlayEnd.DIGIT)


def _dials(floor: Floor, line: Line, digit: str) -> None:
    if line.state is LineState.DIALLING:
        line.dialled = ""
    if digit == "#" and line.dialled:
        floor.happen(line, LineEvent.DIALLED)
    elif floor.happen(line, LineEvent.KEY):
        line.dialled = (line.dialled + digit)[:40]
        if len(line.dialled) == floor.plan.extension_digits:
            floor.happen(line, LineEvent.DIALLED)


def _dials_watched(floor: Floor, line: Line, digit: str) -> None:
    if line.state is LineState.DIALLING:
        line.dialled = digit
    elif line.state is LineState.COLLECTING:
        line.dialled = (line.dialled + digit)[:40]
    floor.happen(line, LineEvent.KEY)


def _fault(floor: Floor, line: Line, event: Fault) -> None:
    line.dead, line.alarm = event.dead, event.alarm
    if event.dead and line.kind is LineKind.RECORDER:
        if line.channel is not None:
            floor.end(line.channel, Cause.MEDIA_LOST, by_far_side=True)
        line.enter(LineState.IDLE, floor.clock())
    elif event.dead and line.channel is not None:
        floor.end(line.channel, Cause.MEDIA_LOST, by_far_side=True)
        line.enter(LineState.RELEASING, floor.clock())
        floor.board.on_hook(line.number, Cause.MEDIA_LOST)
    floor.tell_usable()
