"""The lines of one board and the channels on them: what the board tells moves charts, charts tell the engine.

One thread, no waiting: ``step`` is called every few milliseconds, commands (``commands.py``) in between. It must not
know the bus, nor agents, queues or calls.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from cards.host import extension, trunk_in, trunk_out, trunk_pri, watched
from cards.host.board import OUTSIDE, Board, BoardError, LineKind
from cards.host.channel import Channel, Line, Playing
from cards.host.charts import LIMITS, LineEvent, LineState
from cards.host.effects import carry_out
from cards.host.hearing import hearing
from cards.host.plan import Plan
from cards.host.player import Player
from cards.host.sound import Prompts
from cards.host.tapes import Tapes
from cards.host.told import take
from cards.host.usable import devices, trunk_lines, trunks, usable
from cti.domain.errors import CommandRefused
from cti.domain.switch.events import (
    ChannelHeld,
    ChannelHungUp,
    ChannelUnbridged,
    DeviceRegistered,
    PlayEnd,
    PlayFinished,
    RecordingStopped,
    SwitchEvent,
    TrunkChanged,
)
from cti.domain.switch.terms import Cause, TrunkState
from cti.switches.known import KnownChannels

RING_GAP = 6.5  # seconds from the beginning of a ring; past it the caller has given up (the cadence is 1 on, 4 off)
TAPE_EVERY = 0.2
RUNG = (LineKind.TRUNK, LineKind.RECORDER)

log = structlog.get_logger(__name__)


class Floor(KnownChannels[Channel]):
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
        super().__init__()
        self.name, self.board, self.prompts, self.spool = name, board, prompts, spool
        self.emit, self.clock, self.wall = emit, clock, wall
        self.plan = Plan()
        self.lines: dict[int, Line] = {}
        self.tapes = Tapes(board, spool / ".taps" / name, clock)
        self.player = Player(board, self.tapes)
        self.chance = random.Random()
        self.last_taken: dict[str, int] = {}
        self.boot, self.began = secrets.token_hex(4), clock()
        self._count = 0
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
            number: Line(number, kind, now, dead=kind is LineKind.PRI)  # until its E1 is heard of
            for number, kind in enumerate(kinds)
            if kind is not LineKind.EMPTY
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
        self.tell_usable()

    def step(self) -> None:
        """Take what the board tells, then see whose time is over. Raises ``BoardError`` when the board is lost."""
        for event in self.board.poll():
            take(self, event)
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
        rung = line.state in (LineState.RINGING_IN, LineState.WAITING) and line.kind in RUNG
        if rung and now - line.last_ring >= RING_GAP:
            self.happen(line, LineEvent.RING_ENDED)
        chan = line.channel
        if chan is not None and chan.give_up_at and now >= chan.give_up_at and (chan.watched or not chan.answered):
            chan.give_up_at = 0.0
            self.happen(line, LineEvent.GIVE_UP)
        if chan is not None and chan.deaf_until and now >= chan.deaf_until:
            chan.deaf_until = 0.0
            self._reconnect_now()
        if line.test_until and now >= line.test_until:
            self.end_test(line)

    # ------------------------------------------------------------ the charts

    def happen(self, line: Line, event: LineEvent) -> bool:
        """Move the line's chart; whether it had a step for this."""
        if line.kind is LineKind.RECORDER:
            line.chart = watched.TABLE
        elif event in (LineEvent.RING, LineEvent.NUMBER) and line.state is LineState.IDLE:
            line.chart = trunk_in.TABLE
        elif event is LineEvent.CALLED and line.state is LineState.IDLE:
            line.chart = trunk_pri.INBOUND
        elif event is LineEvent.SEIZE:
            line.chart = trunk_pri.OUTBOUND if line.kind is LineKind.PRI else trunk_out.TABLE
        elif line.kind is LineKind.EXTENSION:
            line.chart = extension.TABLE
        found = line.chart.get((line.state, event))
        if found is None:
            return False
        state, effects = found
        line.enter(state, self.clock())
        try:
            for effect in effects:
                carry_out(self, line, effect)
        except BoardError as error:
            log.error("board.line_failed", board=self.name, line=line.number, event=event.value, error=str(error))
            self._given_up(line)
        return True

    def _given_up(self, line: Line) -> None:
        """The board did not do what the chart wants: the call on this line has failed, the others go on."""
        if line.channel is not None:
            self.end(line.channel, Cause.FAILED, by_far_side=False)
        line.enter(LineState.BUSY_TONE if line.kind is LineKind.EXTENSION else LineState.RELEASING, self.clock())
        if line.kind in OUTSIDE:
            self.board.on_hook(line.number, Cause.FAILED)

    # ------------------------------------------------------------ channels

    def new_id(self) -> str:
        self._count += 1
        return f"{self.name}-{self.boot}.{self._count}"

    def seat(self, chan: Channel) -> None:
        self.channels[chan.id] = chan
        chan.line.channel = chan

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

    def hold(self, chan: Channel, held: bool) -> None:
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

    def play_ended(self, line: Line) -> None:
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

    def tell_usable(self) -> None:
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
