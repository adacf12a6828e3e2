"""The lines of one board and the channels on them: what the board tells moves charts, charts tell the engine.

One thread, no waiting: ``step`` is called every few milliseconds, commands (``commands.py``) in between. It must not
know the bus, nor agents, queues or calls.
"""

from __future__ import annotations

import random
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import structlog

from cards.host import extension, trunk_in, trunk_out
from cards.host.board import (
    Board,
    BoardError,
    BoardEvent,
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
    Replaced,
    Tone,
)
from cards.host.channel import Channel, Line, Playing
from cards.host.charts import LIMITS, UP, Do, LineEvent, LineState
from cards.host.hearing import hearing
from cards.host.plan import Plan
from cards.host.player import Player
from cards.host.sound import Prompts
from cards.host.tapes import Tapes
from cards.host.usable import devices, takes_calls, trunk_lines, trunks, usable
from cti.domain.errors import ChannelGone, CommandRefused
from cti.domain.switch import (
    Cause,
    ChannelAnswered,
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
    TrunkChanged,
    TrunkState,
)
from cti.switches.checks import strangers_number

RING_GAP = 6.5  # seconds from the beginning of a ring; past it the caller has given up (the cadence is 1 on, 4 off)
KNOWN_IDS = 100_000
TAPE_EVERY = 0.2
TEST_TONE = 5.0  # seconds

_ENDS: dict[Do, tuple[Cause, bool]] = {
    Do.END_CANCELLED: (Cause.CANCELLED, True),
    Do.END_GONE: (Cause.NORMAL, True),
    Do.END_NO_ANSWER: (Cause.NO_ANSWER, False),
    Do.END_FAR_NO_ANSWER: (Cause.NO_ANSWER, True),
    Do.END_BUSY: (Cause.BUSY, True),
    Do.END_NO_DIAL_TONE: (Cause.CONGESTION, False),
    Do.END_NO_SIGNAL: (Cause.FAILED, False),
}
_KEYS = frozenset("0123456789*#ABCD")

log = structlog.get_logger(__name__)


class Floor:
    """``clock`` counts seconds as the board does, ``wall`` is for the time of events."""

    def __init__(
        self,
        name: str,
        board: Board,
        prompts: Prompts,
        spool: Path,
        emit: Callable[[SwitchEvent], None],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.name, self.board, self.prompts, self.spool = name, board, prompts, spool
        self.emit, self.clock, self.wall = emit, clock, wall
        self.plan = Plan()
        self.lines: dict[int, Line] = {}
        self.channels: dict[str, Channel] = {}
        self.tapes = Tapes(board, spool / ".taps" / name, clock)
        self.player = Player(board, self.tapes)
        self.chance = random.Random()
        self.last_taken: dict[str, int] = {}
        self.boot = secrets.token_hex(4)
        self._count = 0
        self._used: OrderedDict[str, None] = OrderedDict()
        self._hearing: dict[int, frozenset[int]] = {}
        self._usable: dict[str, bool] = {}
        self._tape_at = 0.0
        self._disk_told = False

    # ------------------------------------------------------------ life

    def open(self) -> None:
        """Start the board. Raises ``BoardError``."""
        kinds = self.board.open()
        now = self.clock()
        self.lines = {
            number: Line(number, kind, now)
            for number, kind in enumerate(kinds)
            if kind in (LineKind.TRUNK, LineKind.EXTENSION)
        }
        self.tapes.clean()
        self.set_plan(self.plan)

    def close(self) -> None:
        self.lose_everything()
        self.board.close()

    def lose_everything(self) -> None:
        """The board is lost: every call on it has failed."""
        for chan in list(self.channels.values()):
            self.end(chan, Cause.FAILED, by_far_side=False)

    def set_plan(self, plan: Plan) -> None:
        """Calls that are on a line go on as they began."""
        self.plan = plan
        self._tell_usable()

    def step(self) -> None:
        """Take what the board tells, then see whose time is over. Raises ``BoardError`` when the board is lost."""
        for event in self.board.poll():
            self.on_board(event)
        now = self.clock()
        for line in self.lines.values():
            self._time(line, now)
        if now >= self._tape_at:
            self._tape_at = now + TAPE_EVERY
            self._write_tapes()

    def _write_tapes(self) -> None:
        """A full disk is told once, and made up for when there is room."""
        try:
            self.tapes.advance()
            self._disk_told = False
        except OSError as error:
            if not self._disk_told:
                log.error("board.disk", board=self.name, error=str(error))
            self._disk_told = True

    def _time(self, line: Line, now: float) -> None:
        limit = LIMITS.get(line.state)
        if limit is not None and now - line.since >= limit:
            self.happen(line, LineEvent.TIME)
        rung = line.state in (LineState.RINGING_IN, LineState.WAITING) and line.kind is LineKind.TRUNK
        if rung and now - line.last_ring >= RING_GAP:
            self.happen(line, LineEvent.RING_ENDED)
        chan = line.channel
        if chan is not None and chan.give_up_at and now >= chan.give_up_at and not chan.answered:
            chan.give_up_at = 0.0
            self.happen(line, LineEvent.GIVE_UP)
        if chan is not None and chan.deaf_until and now >= chan.deaf_until:
            chan.deaf_until = 0.0
            self._reconnect_now()
        if line.test_until and now >= line.test_until:
            self.end_test(line)

    # ------------------------------------------------------------ what the board tells

    def on_board(self, event: BoardEvent) -> None:
        line = self.lines.get(event.line)
        if line is None:
            return
        match event:
            case Rang():
                self._rang(line)
            case NumberRead():
                self._number(line, event)
            case Progressed():
                self.happen(line, LineEvent(event.progress.value))
            case FarGone():
                self.happen(line, LineEvent.FAR_GONE)
            case Lifted():
                self._lifted(line)
            case Replaced():
                line.test_until = 0.0
                self.happen(line, LineEvent.REPLACED)
            case Flashed():
                if line.channel is not None and (line.channel.peer or line.channel.conference):
                    self.happen(line, LineEvent.FLASH)
            case Key():
                self._key(line, event.digit)
            case PlayEnded():
                self._play_ended(line)
            case Fault():
                self._fault(line, event.dead)

    def _rang(self, line: Line) -> None:
        line.last_ring = self.clock()
        if takes_calls(line, self.plan):
            self.happen(line, LineEvent.RING)

    def _number(self, line: Line, event: NumberRead) -> None:
        line.last_ring = max(line.last_ring, self.clock() - 1.0)
        if line.state in (LineState.IDLE, LineState.RINGING_IN) and takes_calls(line, self.plan):
            line.caller_number = strangers_number(event.number)
            line.caller_name = "".join(c for c in event.name if c.isprintable())[:80]
            self.happen(line, LineEvent.NUMBER if line.caller_number else LineEvent.NO_NUMBER)

    def _lifted(self, line: Line) -> None:
        testing = line.test_until and line.state is LineState.RINGING
        if not self.happen(line, LineEvent.LIFTED):
            return
        plan = self.plan.of(line.number)
        if line.state is LineState.DIALLING and (plan.blocked or not plan.device):
            self.happen(line, LineEvent.TIME)  # nobody's telephone: no dial tone, but busy
        if testing:
            line.test_until = self.clock() + TEST_TONE
            self.player.play(line, self.prompts.test_tone())

    def _key(self, line: Line, digit: str) -> None:
        if digit not in _KEYS:
            return
        chan = line.channel
        if chan is None:
            if line.kind is LineKind.EXTENSION:
                self._dials(line, digit)
            return
        if line.state not in UP:
            return
        self.emit(Digit(self.wall(), chan.id, digit))
        if chan.playing is not None and chan.playing.barge_in:
            self.end_play(chan, PlayEnd.DIGIT)

    def _dials(self, line: Line, digit: str) -> None:
        if line.state is LineState.DIALLING:
            line.dialled = ""
        if digit == "#" and line.dialled:
            self.happen(line, LineEvent.DIALLED)
        elif self.happen(line, LineEvent.KEY):
            line.dialled = (line.dialled + digit)[:40]
            if len(line.dialled) == self.plan.extension_digits:
                self.happen(line, LineEvent.DIALLED)

    def _fault(self, line: Line, dead: bool) -> None:
        line.dead = dead
        if dead and line.channel is not None:
            self.end(line.channel, Cause.MEDIA_LOST, by_far_side=True)
            line.enter(LineState.RELEASING, self.clock())
            self.board.on_hook(line.number)
        self._tell_usable()

    # ------------------------------------------------------------ the charts

    def happen(self, line: Line, event: LineEvent) -> bool:
        """Move the line's chart; whether it had a step for this."""
        if event in (LineEvent.RING, LineEvent.NUMBER) and line.state is LineState.IDLE:
            line.chart = trunk_in.TABLE
        elif event is LineEvent.SEIZE:
            line.chart = trunk_out.TABLE
        elif line.kind is LineKind.EXTENSION:
            line.chart = extension.TABLE
        found = line.chart.get((line.state, event))
        if found is None:
            return False
        state, effects = found
        line.enter(state, self.clock())
        try:
            for effect in effects:
                self._do(line, effect)
        except BoardError as error:
            log.error("board.line_failed", board=self.name, line=line.number, event=event.value, error=str(error))
            self._given_up(line)
        return True

    def _given_up(self, line: Line) -> None:
        """The board did not do what the chart wants: the call on this line has failed, the others go on."""
        if line.channel is not None:
            self.end(line.channel, Cause.FAILED, by_far_side=False)
        line.enter(LineState.BUSY_TONE if line.kind is LineKind.EXTENSION else LineState.RELEASING, self.clock())
        if line.kind is LineKind.TRUNK:
            self.board.on_hook(line.number)

    def _do(self, line: Line, effect: Do) -> None:
        board, number, chan = self.board, line.number, line.channel
        if effect is Do.END_ASKED:
            if chan is not None:
                self.end(chan, chan.asked_cause, by_far_side=False)
        elif effect in _ENDS:
            if chan is not None:
                cause, by_far_side = _ENDS[effect]
                self.end(chan, cause, by_far_side)
        elif effect is Do.CLEAR_NUMBER:
            line.caller_number = line.caller_name = ""
        elif effect is Do.OFFER:
            self._offer(line)
        elif effect is Do.PICK_UP:
            board.pick_up(number)
        elif effect is Do.ON_HOOK:
            board.on_hook(number)
        elif effect is Do.SEND_NUMBER:
            board.dial(number, line.dialled)
        elif effect is Do.RING_PHONE:
            board.ring(number, True, chan.caller_number if chan is not None else "")
        elif effect is Do.STOP_RINGING:
            board.ring(number, False)
        elif effect in (Do.DIAL_TONE, Do.BUSY_TONE, Do.TONE_OFF):
            self._tone(line, effect)
        elif chan is not None:
            self._tell(chan, effect)

    def _tell(self, chan: Channel, effect: Do) -> None:
        if effect is Do.TELL_RINGING:
            self.emit(ChannelRinging(self.wall(), chan.id))
        elif effect is Do.TELL_ANSWERED:
            chan.answered = chan.controlled = True
            self.emit(ChannelAnswered(self.wall(), chan.id))
        elif effect in (Do.TELL_HELD, Do.TELL_RETRIEVED):
            self._hold(chan, effect is Do.TELL_HELD)

    def _tone(self, line: Line, effect: Do) -> None:
        if line.kind is LineKind.EXTENSION:
            tone = {Do.DIAL_TONE: Tone.DIAL, Do.BUSY_TONE: Tone.BUSY}.get(effect, Tone.NONE)
            self.board.tone(line.number, tone)
        elif effect is Do.BUSY_TONE:
            self.player.play(line, self.prompts.busy())
        else:
            self.player.stop(line)

    def _offer(self, line: Line) -> None:
        self._count += 1
        plan, extension_line = self.plan.of(line.number), line.kind is LineKind.EXTENSION
        chan = Channel(
            id=f"{self.name}-{self.boot}.{self._count}",
            line=line,
            created_at=self.clock(),
            caller_number=plan.device if extension_line else line.caller_number,
            caller_name="" if extension_line else line.caller_name,
            dialed=line.dialled if extension_line else plan.dialed,
            device=plan.device if extension_line else "",
            trunk="" if extension_line else plan.trunk,
            incoming=True,
            controlled=True,
        )
        self.seat(chan)
        self.emit(
            ChannelOffered(
                self.wall(),
                chan.id,
                chan.caller_number,
                chan.caller_name,
                chan.dialed,
                device=chan.device,
                trunk=chan.trunk,
            )
        )

    # ------------------------------------------------------------ channels

    def seat(self, chan: Channel) -> None:
        self.channels[chan.id] = chan
        chan.line.channel = chan

    def channel(self, channel: str) -> Channel:
        try:
            return self.channels[channel]
        except KeyError:
            raise ChannelGone(f"no channel {channel}", channel=channel) from None

    def controlled(self, channel: str) -> Channel:
        chan = self.channel(channel)
        if not chan.controlled:
            raise CommandRefused(f"channel {channel} is not controlled", channel=channel)
        return chan

    def first_use(self, channel: str) -> bool:
        """True the first time an id is dialled."""
        if channel in self._used or channel in self.channels:
            return False
        self._used[channel] = None
        if len(self._used) > KNOWN_IDS:
            self._used.popitem(last=False)
        return True

    def end(self, chan: Channel, cause: Cause, by_far_side: bool) -> None:
        """The channel goes away: its prompt, recordings and joins first, then itself, then word to who is left."""
        if self.channels.pop(chan.id, None) is None:
            return
        self.silence(chan, PlayEnd.FAILED)
        for recording_id in list(chan.recordings):
            self.stop_recording(chan, recording_id)
        chan.line.channel = None
        peer = self.part(chan)
        chan.conference, chan.spying = "", None
        self.emit(ChannelHungUp(self.wall(), chan.id, cause, by_far_side))
        left = [peer] if peer is not None else []
        for one in [*left, *(spy for spy in self.channels.values() if spy.spying is chan)]:
            self.alone_again(one)
        self._reconnect_now()

    def part(self, chan: Channel) -> Channel | None:
        """Take ``chan`` out of its bridge; return the peer. Reports and connects nothing."""
        peer = chan.peer
        if peer is not None:
            chan.peer = peer.peer = None
            for one in (chan, peer):
                self._unhold(one)
        return peer

    def alone_again(self, chan: Channel) -> None:
        """It is in no bridge, no conference, and does not listen any more. The board is told by ``reconnect``."""
        self._unhold(chan)
        chan.spying, chan.conference, chan.controlled = None, "", True
        self.happen(chan.line, LineEvent.PART)
        self.emit(ChannelUnbridged(self.wall(), chan.id))

    def stop_recording(self, chan: Channel, recording_id: str) -> None:
        name = chan.recordings.pop(recording_id, None)
        if name is None:
            return
        try:
            self.tapes.stop(recording_id)
        except (OSError, BoardError) as error:
            log.error("board.recording_cut", board=self.name, recording=recording_id, error=str(error))
        self.emit(RecordingStopped(self.wall(), chan.id, recording_id, f"{name}.raw"))

    # ------------------------------------------------------------ who hears whom

    def reconnect(self) -> None:
        """Make the board's connections those of the channels. Raises ``BoardError``."""
        wanted = hearing(self.channels)
        if wanted != self._hearing:
            self.board.connect(wanted)
            self._hearing = wanted
            self.tapes.hearing(wanted)

    def _reconnect_now(self) -> None:
        """As ``reconnect``, where there is nobody to refuse it to."""
        try:
            self.reconnect()
        except BoardError as error:
            log.error("board.not_connected", board=self.name, error=str(error))

    def _hold(self, chan: Channel, held: bool) -> None:
        chan.held = held
        if chan.peer is not None:
            if held:
                self._reconnect_now()
                self.start_music(chan.peer, "default")
            else:
                self.player.stop(chan.peer.line)
        self._reconnect_now()
        self.emit(ChannelHeld(self.wall(), chan.id, held))

    def _unhold(self, chan: Channel) -> None:
        if chan.held:
            chan.held = False
            if chan.peer is not None:
                self.player.stop(chan.peer.line)
        if chan.peer is None and chan.line.looping and not chan.music:
            self.player.stop(chan.line)

    # ------------------------------------------------------------ prompts and music

    def start_play(self, chan: Channel, playing: Playing) -> None:
        self.silence(chan, PlayEnd.STOPPED)
        chan.playing = playing
        self.happen(chan.line, LineEvent.PLAY)
        self._next_file(chan)

    def start_music(self, chan: Channel, name: str) -> None:
        self.happen(chan.line, LineEvent.PLAY)
        self.player.play(chan.line, self.prompts.music(name), loop=True)

    def silence(self, chan: Channel, reason: PlayEnd) -> None:
        """End prompt and music."""
        self.end_play(chan, reason)
        if chan.line.looping is not None:
            chan.music = ""
            self.player.stop(chan.line)
            self.happen(chan.line, LineEvent.PLAY_ENDED)

    def end_play(self, chan: Channel, reason: PlayEnd) -> None:
        playing, chan.playing = chan.playing, None
        if playing is not None:
            self.player.stop(chan.line)
            self.happen(chan.line, LineEvent.PLAY_ENDED)
            self.emit(PlayFinished(self.wall(), chan.id, playing.play_id, reason))

    def _next_file(self, chan: Channel) -> None:
        while chan.playing is not None:
            if not chan.playing.files:
                self.end_play(chan, PlayEnd.COMPLETED)
            elif self.player.play(chan.line, chan.playing.files.pop(0)):
                return

    def _play_ended(self, line: Line) -> None:
        if self.player.ended(line) and line.channel is not None and line.channel.playing is not None:
            self._next_file(line.channel)

    # ------------------------------------------------------------ lines as others see them

    def usable(self, line: Line) -> bool:
        return usable(line, self.plan)

    def devices(self) -> dict[str, bool]:
        return devices(self.lines, self.plan)

    def trunks(self) -> dict[str, TrunkState]:
        return trunks(self.lines, self.plan)

    def trunk_lines(self, trunk: str = "") -> list[Line]:
        return trunk_lines(self.lines, self.plan, trunk)

    def _tell_usable(self) -> None:
        now = {f"device {name}": there for name, there in self.devices().items()}
        now |= {f"trunk {name}": state is TrunkState.UP for name, state in self.trunks().items()}
        before, self._usable = self._usable, now
        for key in sorted({*before, *now}):
            if before.get(key, False) != now.get(key, False):
                kind, name = key.split(" ", 1)
                there = now.get(key, False)
                if kind == "device":
                    self.emit(DeviceRegistered(self.wall(), name, there))
                else:
                    self.emit(TrunkChanged(self.wall(), name, TrunkState.UP if there else TrunkState.DOWN))

    # ------------------------------------------------------------ testing a line

    def begin_test(self, line: Line) -> None:
        """Ring a telephone that is free; who lifts it hears a tone of 1,000 Hz."""
        if line.kind is not LineKind.EXTENSION or line.state is not LineState.IDLE or line.dead:
            raise CommandRefused(f"line {line.number} is no free telephone", line=line.number)
        line.test_until = self.clock() + 30.0
        self.happen(line, LineEvent.CALL)

    def end_test(self, line: Line) -> None:
        line.test_until = 0.0
        self.player.stop(line)
        self.happen(line, LineEvent.HANG_UP)
