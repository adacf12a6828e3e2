"""The gateway of one board: calls of its lines and calls of the SIP peer, joined by the chart, and their sound.

Lives in the board's thread beside the floor, whose events it takes and whose commands it gives, as the engine does
where there is no softswitch. It must not know SIP messages, RTP packets or boards.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from cards.gateway.chart import TABLE, Do, Event, State
from cards.gateway.rtp import PIECE, Rtp
from cards.gateway.sdp import USUAL_EVENTS, BadOffer, Sound, read, write
from cards.gateway.sip import Call, Said, Sip, Told
from cards.host import commands
from cards.host.charts import LineState
from cards.host.floor import Floor
from cards.host.sound import SILENCE, from_alaw
from cti.domain.errors import CallyardError
from cti.domain.switch.commands import Answer, Hangup, Originate, SendDigits, TrunkTarget
from cti.domain.switch.events import ChannelAnswered, ChannelHungUp, ChannelOffered, ChannelRinging, Digit, SwitchEvent
from cti.domain.switch.terms import Cause

RINGS_AT_MOST = 120.0  # seconds; the softswitch gives up sooner
LOST_AFTER = 120.0  # seconds without a packet of an answered call: the softswitch has died
HELD_AT_MOST = 3600.0  # … of one that the softswitch holds
SILENT_AFTER = 900.0  # seconds without any sound of an answered line: its exchange has told no end
QUIET = bytes(code for code in range(256) if abs(int(from_alaw(bytes([code]))[0])) <= 100)  # below -50 dBm0
NO_SOUND = bytes([SILENCE]) * PIECE
LATE = 0.04  # seconds between two steps past which a step counts as late
MOST_PIECES = 4  # of one line in one step

log = structlog.get_logger(__name__)


class Streams(Protocol):
    """The sound of a board's lines, in pieces of 20 ms of A-law."""

    def stream(self, line: int, on: bool) -> None: ...
    def take(self, lines: Sequence[int]) -> list[bytes | None]: ...
    def give(self, pieces: Sequence[tuple[int, bytes]]) -> None: ...


@dataclass(slots=True, eq=False)
class Joined:
    """A line's channel and a SIP call."""

    channel: str
    rtp: Rtp
    state: State
    call: Call | None = None
    sound: Sound | None = None
    line: int = -1  # whose sound is carried
    loud_at: float = 0.0
    keys_until: float = 0.0  # the line is sent digits: speech over them would make others of them, or none
    cause: Cause = Cause.NORMAL


class Gateway:
    def __init__(self, streams: Streams, host: str, port: int, peer: tuple[str, int]) -> None:
        self.sip = Sip(host, port, peer, self._told)
        self.steps = self.late = 0
        self._streams, self._host, self._peer = streams, host, peer[0]
        self._floor: Floor
        self._by_channel: dict[str, Joined] = {}
        self._by_call: dict[Call, Joined] = {}
        self._count, self._stepped, self._lost = 0, 0.0, 0

    def open(self, floor: Floor) -> None:
        """In the board's thread. Raises ``BoardError``."""
        self._floor = floor
        self.sip.open()

    def close(self) -> None:
        for one in [*self._by_channel.values()]:
            self._happen(one, Event.LINE_GONE, Cause.FAILED)
        self.sip.close()
        log.info("gateway.closed", steps=self.steps, late=self.late, lost=self.lost)

    @property
    def lost(self) -> int:
        """Packets of the peer that never came."""
        return self._lost + sum(one.rtp.lost for one in self._by_channel.values())

    def step(self) -> None:
        """After each step of the floor."""
        now = time.monotonic()
        self.steps += 1
        self.late += bool(self._stepped) and now - self._stepped > LATE
        self._stepped = now
        self.sip.poll()
        self._from_lines()
        self._from_peer()

    # ------------------------------------------------------------ what the lines say

    def on_event(self, event: SwitchEvent) -> None:
        """The floor's."""
        if isinstance(event, ChannelOffered):
            self._line_calls(event)
            return
        one = self._by_channel.get(getattr(event, "channel", ""))
        if one is None:
            return
        match event:
            case ChannelRinging():
                self._happen(one, Event.LINE_RINGING)
            case ChannelAnswered():
                self._happen(one, Event.LINE_ANSWERED)
            case ChannelHungUp():
                self._happen(one, Event.LINE_GONE, event.cause)
            case Digit():
                one.rtp.press(event.digit)

    def _line_calls(self, event: ChannelOffered) -> None:
        rtp = self._rtp()
        if rtp is None or event.device:
            self._command(Hangup(event.channel, Cause.CONGESTION))
            return
        one = self._by_channel[event.channel] = Joined(event.channel, rtp, State.CALLING)
        sdp = write(self._host, rtp.port, USUAL_EVENTS)
        one.call = self.sip.call(event.dialed, event.caller_number, event.caller_name, sdp)
        self._by_call[one.call] = one

    # ------------------------------------------------------------ what the peer says

    def _told(self, told: Told) -> None:
        if told.said is Said.CALL:
            self._peer_calls(told)
            return
        one = self._by_call.get(told.call)
        if one is None:
            return
        if told.said is Said.GONE:
            self._happen(one, Event.PEER_GONE, told.cause)
        elif told.said in (Said.ANSWERED, Said.CHANGED, Said.AGREED):
            self._sound_agreed(one, told)

    def _sound_agreed(self, one: Joined, told: Told) -> None:
        try:
            sound = self._trusted(read(told.sdp))
        except BadOffer as error:
            log.warning("gateway.sdp", error=str(error))
            if told.said is Said.CHANGED:
                told.call.refuse(488, "Not Acceptable Here")
            elif told.said is Said.ANSWERED:
                told.call.end(Cause.FAILED)
                self._happen(one, Event.PEER_GONE, Cause.FAILED)
            return
        one.sound = sound
        one.rtp.to(sound)
        if told.said is Said.CHANGED:
            told.call.answer(write(self._host, one.rtp.port, sound.events, sound.way))
        elif told.said is Said.ANSWERED:
            self._happen(one, Event.PEER_ANSWERED)

    def _peer_calls(self, told: Told) -> None:
        try:
            sound = self._trusted(read(told.sdp))
        except BadOffer as error:
            log.warning("gateway.sdp", error=str(error))
            told.call.refuse(488, "Not Acceptable Here")
            return
        trunk, rtp = self._trunk(), self._rtp()
        if rtp is None:
            told.call.end(Cause.CONGESTION)
            return
        self._count += 1
        channel = f"{self._floor.name}-{self._floor.boot}.g{self._count}"
        one = Joined(channel, rtp, State.SEIZING, told.call, sound)
        rtp.to(sound)
        self._by_channel[channel] = self._by_call[told.call] = one
        target = TrunkTarget(trunk, told.number)
        self._command(Originate(channel, target, told.caller, ring_timeout=RINGS_AT_MOST), one)

    def _trunk(self) -> str:
        """One of the plan's with a free line, else any of them."""
        floor = self._floor
        names = sorted(floor.plan.trunks()) or ["none"]
        return next(
            (
                name
                for name in names
                if any(floor.usable(line) and line.state is LineState.IDLE for line in floor.trunk_lines(name))
            ),
            names[0],
        )

    def _trusted(self, sound: Sound) -> Sound:
        if sound.host not in ("", self._peer):
            raise BadOffer(f"its sound is at {sound.host}, which is not the peer")
        return sound

    # ------------------------------------------------------------ the chart

    def _happen(self, one: Joined, event: Event, cause: Cause = Cause.NORMAL) -> None:
        found = TABLE.get((one.state, event))
        if found is None:
            return
        one.state, effects = found
        one.cause = cause
        for effect in effects:
            self._do(one, effect)
        if one.state is State.OVER:
            self._by_channel.pop(one.channel, None)
            if one.call is not None:
                self._by_call.pop(one.call, None)
            self._lost += one.rtp.lost
            one.rtp.close()

    def _do(self, one: Joined, effect: Do) -> None:
        call = one.call
        if effect is Do.PICK_UP:
            self._command(Answer(one.channel), one)
        elif effect is Do.HANG_UP:
            self._command(Hangup(one.channel, one.cause))
        elif effect is Do.SOUND:
            self._carry(one)
        elif effect is Do.SILENCE:
            self._silence(one)
        elif call is None:
            return
        elif effect is Do.SAY_RINGING:
            call.ringing()
        elif effect is Do.SAY_ANSWERED and one.sound is not None:
            call.answer(write(self._host, one.rtp.port, one.sound.events))
        elif effect is Do.END:
            call.end(one.cause)

    def _command(self, command: Answer | Hangup | Originate | SendDigits, one: Joined | None = None) -> None:
        """``one`` is over when the floor refuses."""
        try:
            commands.execute(self._floor, command)
        except CallyardError as error:
            log.warning("gateway.refused", command=type(command).__name__, error=str(error))
            if one is not None:
                self._happen(one, Event.LINE_GONE, Cause.FAILED)

    # ------------------------------------------------------------ sound

    def _rtp(self) -> Rtp | None:
        try:
            return Rtp(self._host, self._peer, self._floor.clock)
        except OSError as error:
            log.error("gateway.no_socket", error=str(error))
            return None

    def _carry(self, one: Joined) -> None:
        channel = self._floor.channels.get(one.channel)
        if channel is not None:
            one.line, one.rtp.heard_at = channel.line.number, self._floor.clock()
            one.loud_at = one.rtp.heard_at
            self._streams.stream(one.line, True)

    def _silence(self, one: Joined) -> None:
        if one.line >= 0:
            self._streams.stream(one.line, False)
            one.line = -1

    def _from_lines(self) -> None:
        carried = {one.line: one for one in self._by_channel.values() if one.line >= 0}
        lines, now = list(carried), self._floor.clock()
        for _ in range(MOST_PIECES):
            pieces = self._streams.take(lines) if lines else []
            for line, piece in zip(lines, pieces, strict=True):
                if piece is not None:
                    carried[line].rtp.send(piece)
                    if piece.translate(None, QUIET):
                        carried[line].loud_at = now
            lines = [line for line, piece in zip(lines, pieces, strict=True) if piece is not None]

    def _from_peer(self) -> None:
        given: list[tuple[int, bytes]] = []
        now = self._floor.clock()
        for one in [*self._by_channel.values()]:
            pieces, digits = one.rtp.receive()
            lost_after = LOST_AFTER if one.sound is None or one.sound.sends else HELD_AT_MOST
            if one.line >= 0 and now - one.rtp.heard_at > lost_after:
                self._happen(one, Event.PEER_LOST, Cause.MEDIA_LOST)
            elif one.line >= 0 and now - one.loud_at > SILENT_AFTER:
                self._happen(one, Event.LINE_SILENT)
            elif one.line >= 0:
                if digits:
                    one.keys_until = max(now, one.keys_until) + commands.DIGIT_SECONDS * len(digits)
                    self._command(SendDigits(one.channel, digits))
                given += [(one.line, piece if now >= one.keys_until else NO_SOUND) for piece in pieces]
        if given:
            self._streams.give(given)
