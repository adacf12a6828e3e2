"""What a step of a chart does to the board, to the channel on the line and to who listens. It must not know when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cards.host.board import LineKind, Tone
from cards.host.channel import Channel, Line
from cards.host.charts import Do
from cti.domain.switch.events import ChannelAnswered, ChannelOffered, ChannelRinging, ChannelWatched
from cti.domain.switch.terms import Cause

if TYPE_CHECKING:
    from cards.host.floor import Floor

LONGEST_WATCHED = 4 * 3600.0
"""Seconds after which a telephone that was never replaced is recorded no longer."""

_ENDS: dict[Do, tuple[Cause, bool]] = {
    Do.END_CANCELLED: (Cause.CANCELLED, True),
    Do.END_GONE: (Cause.NORMAL, True),
    Do.END_NO_ANSWER: (Cause.NO_ANSWER, False),
    Do.END_FAR_NO_ANSWER: (Cause.NO_ANSWER, True),
    Do.END_BUSY: (Cause.BUSY, True),
    Do.END_NO_DIAL_TONE: (Cause.CONGESTION, False),
    Do.END_NO_SIGNAL: (Cause.FAILED, False),
}


def carry_out(floor: Floor, line: Line, effect: Do) -> None:
    board, number, chan = floor.board, line.number, line.channel
    if effect in (Do.END_ASKED, Do.END_CLEARED) or effect in _ENDS:
        if chan is not None:
            _end(floor, chan, effect)
    elif effect is Do.CLEAR_NUMBER:
        line.caller_number = line.caller_name = ""
    elif effect is Do.OFFER:
        _offer(floor, line)
    elif effect in (Do.WATCH_IN, Do.WATCH_OUT):
        _watch(floor, line, effect is Do.WATCH_IN)
    elif effect is Do.PICK_UP:
        board.pick_up(number)
    elif effect is Do.ON_HOOK:
        board.on_hook(number, line.cause)
    elif effect is Do.SEND_NUMBER:
        board.dial(number, line.dialled, chan.caller_number if chan is not None else "", chan is None or chan.hidden)
    elif effect is Do.RING_PHONE:
        board.ring(number, True, chan.caller_number if chan is not None else "")
    elif effect is Do.STOP_RINGING:
        board.ring(number, False)
    elif effect in (Do.DIAL_TONE, Do.BUSY_TONE, Do.TONE_OFF):
        _tone(floor, line, effect)
    elif chan is not None:
        _tell(floor, chan, effect)


def _end(floor: Floor, chan: Channel, effect: Do) -> None:
    line = chan.line
    if effect is Do.END_ASKED:
        line.cause = chan.asked_cause
    elif effect in _ENDS:
        line.cause = _ENDS[effect][0]
    floor.end(chan, line.cause, by_far_side=effect is Do.END_CLEARED or _ENDS.get(effect, (Cause.NORMAL, False))[1])


def _tell(floor: Floor, chan: Channel, effect: Do) -> None:
    if effect is Do.TELL_RINGING:
        floor.emit(ChannelRinging(floor.wall(), chan.id))
    elif effect is Do.TELL_ANSWERED and not (chan.watched and chan.answered):  # a flash is no second answer
        chan.answered, chan.controlled = True, not chan.watched
        floor.emit(ChannelAnswered(floor.wall(), chan.id))
    elif effect in (Do.TELL_HELD, Do.TELL_RETRIEVED):
        floor.hold(chan, effect is Do.TELL_HELD)


def _tone(floor: Floor, line: Line, effect: Do) -> None:
    if line.kind is LineKind.EXTENSION:
        tone = {Do.DIAL_TONE: Tone.DIAL, Do.BUSY_TONE: Tone.BUSY}.get(effect, Tone.NONE)
        floor.board.tone(line.number, tone)
    elif effect is Do.BUSY_TONE:
        floor.player.play(line, floor.prompts.busy())
    else:
        floor.player.stop(line)


def _offer(floor: Floor, line: Line) -> None:
    plan, extension_line = floor.plan.of(line.number), line.kind is LineKind.EXTENSION
    chan = Channel(
        id=floor.new_id(),
        line=line,
        created_at=floor.clock(),
        caller_number=plan.device if extension_line else line.caller_number,
        caller_name="" if extension_line else line.caller_name,
        dialed=plan.dialed if line.kind is LineKind.TRUNK else line.dialled or plan.dialed,
        device=plan.device if extension_line else "",
        trunk="" if extension_line else plan.trunk,
        incoming=True,
        controlled=True,
    )
    floor.seat(chan)
    floor.emit(
        ChannelOffered(
            floor.wall(),
            chan.id,
            chan.caller_number,
            chan.caller_name,
            chan.dialed,
            device=chan.device,
            trunk=chan.trunk,
        )
    )


def _watch(floor: Floor, line: Line, incoming: bool) -> None:
    """Tell the call that passes by, or what is known of it by now."""
    plan, chan = floor.plan.of(line.number), line.channel
    if chan is None:
        now = floor.clock()
        chan = Channel(floor.new_id(), line, now, device=plan.device, incoming=incoming, watched=True)
        chan.give_up_at = now + LONGEST_WATCHED
        floor.seat(chan)
    chan.caller_number, chan.caller_name = (line.caller_number, line.caller_name) if incoming else (plan.dialed, "")
    chan.dialed = plan.dialed if incoming else line.dialled
    floor.emit(
        ChannelWatched(floor.wall(), chan.id, incoming, chan.caller_number, chan.caller_name, chan.dialed, chan.device)
    )
