"""The gateway's chart and causes as tables, what it takes of SDP and RTP, and two ends of SIP that speak together."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product

import pytest

from cards.gateway.causes import REFUSALS, cause_of
from cards.gateway.chart import TABLE, Do, Event, State
from cards.gateway.rtp import Rtp
from cards.gateway.sdp import BadOffer, Sound, read, write
from cards.gateway.sip import Call, Said, Sip, Told
from cti.domain.switch.terms import Cause
from tests.ports import free_ports

ONE, OTHER, STRANGER = "127.0.0.2", "127.0.0.3", "127.0.0.4"
SDP = write(ONE, 20000, 101)


def test_every_call_ends_whoever_goes_first_and_nothing_moves_afterwards() -> None:
    for state, gone in product((State.CALLING, State.SEIZING, State.RINGING, State.UP), Event):
        if gone in (Event.LINE_GONE, Event.PEER_GONE):
            new, effects = TABLE[state, gone]
            assert new is State.OVER
            assert (Do.END if gone is Event.LINE_GONE else Do.HANG_UP) in effects
            assert (Do.SILENCE in effects) == (state is State.UP)
    assert TABLE[State.UP, Event.PEER_LOST] == (State.OVER, (Do.SILENCE, Do.HANG_UP, Do.END))
    assert not [event for state, event in TABLE if state is State.OVER]


@pytest.mark.parametrize(
    ("way", "events", "effects"),
    [
        (State.CALLING, [Event.PEER_ANSWERED, Event.LINE_ANSWERED], [Do.PICK_UP, Do.SOUND]),
        (State.SEIZING, [Event.LINE_RINGING, Event.LINE_ANSWERED], [Do.SAY_RINGING, Do.SAY_ANSWERED, Do.SOUND]),
        (State.SEIZING, [Event.LINE_ANSWERED, Event.LINE_RINGING], [Do.SAY_ANSWERED, Do.SOUND]),
        (State.RINGING, [Event.LINE_RINGING, Event.LINE_ANSWERED], [Do.SAY_ANSWERED, Do.SOUND]),
    ],
)
def test_a_call_comes_up(way: State, events: list[Event], effects: list[Do]) -> None:
    state, done = way, []
    for event in events:
        state, more = TABLE.get((state, event), (state, ()))
        done += more
    assert (state, done) == (State.UP, effects)


def test_programs_started_beside_a_gateway_hear_every_signal() -> None:
    blocked = "import cards.gateway.sip, signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    assert subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True).stdout == "set()\n"
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()


def test_causes_go_both_ways() -> None:
    for cause in set(Cause) - {Cause.CANCELLED, Cause.MEDIA_LOST, Cause.FAILED}:
        assert cause_of(REFUSALS[cause].code, REFUSALS[cause].q850) is cause
    assert (REFUSALS[Cause.BUSY].code, REFUSALS[Cause.BUSY].q850) == (486, 17)
    assert (REFUSALS[Cause.NO_ANSWER].code, REFUSALS[Cause.NO_ANSWER].q850) == (480, 19)
    assert (REFUSALS[Cause.CONGESTION].code, REFUSALS[Cause.CONGESTION].q850) == (503, 34)
    assert cause_of(486, None) is Cause.BUSY
    assert cause_of(0, None) is Cause.NORMAL
    assert cause_of(599, 127) is Cause.FAILED


def test_sdp_is_read_back_and_what_does_not_fit_is_refused() -> None:
    assert read(SDP) == Sound(ONE, 20000, 101)
    assert read(write(OTHER, 20002, None)) == Sound(OTHER, 20002, None)
    for bad in ("", "m=audio", SDP.replace("AVP 8", "AVP 0"), SDP.replace("20000", "99999"), SDP.replace("IP4", "IP6")):
        with pytest.raises(BadOffer):
            read(bad)
    with pytest.raises(BadOffer):
        read(SDP + "a=x\r\n" * 3000)


@pytest.fixture
def ends() -> Iterator[tuple[Rtp, Rtp]]:
    one, other = Rtp(ONE, OTHER), Rtp(OTHER, ONE)
    one.to(Sound(OTHER, other.port, 101))
    other.to(Sound(ONE, one.port, 101))
    yield one, other
    one.close()
    other.close()


def test_sound_and_digits_arrive_once_and_in_order(ends: tuple[Rtp, Rtp]) -> None:
    one, other = ends
    for digit in "5#A":
        one.press(digit)
    sound, digits = [], ""
    for n in range(40):
        one.send(bytes([n]) * 160)
        more, pressed = other.receive()
        sound += more
        digits += pressed
    assert digits == "5#A"
    assert [piece[0] for piece in sound] == list(range(24, 40)), "no sound while a digit is sent"


def test_packets_that_never_came_are_counted(ends: tuple[Rtp, Rtp]) -> None:
    one, other = ends
    for _ in range(2):
        other.send(bytes(160))
    other._sequence += 3
    other.send(bytes(160))
    assert (len(one.receive()[0]), one.lost) == (3, 3)


def test_another_source_of_the_peer_is_heard_at_once_as_after_a_transfer(ends: tuple[Rtp, Rtp]) -> None:
    one, other = ends
    other.send(bytes([1]) * 160)
    other._source, other._sequence = other._source ^ 1, (other._sequence - 9000) & 0xFFFF
    other.send(bytes([2]) * 160)
    assert [piece[0] for piece in one.receive()[0]] == [1, 2]
    assert one.lost == 0


def test_strangers_and_rubbish_are_not_heard(ends: tuple[Rtp, Rtp]) -> None:
    one, other = ends
    good = struct.pack("!BBHII", 0x80, 8, 7, 0, 1) + bytes(160)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((STRANGER, 0))
        stranger.sendto(good, (ONE, one.port))
    for rubbish in (b"", b"\x80", good[:-1], b"\x9f" + good[1:], b"\xa0" + good[1:-1] + b"\xff", bytes(172)):
        other._socket.sendto(rubbish, (ONE, one.port))
    other._socket.sendto(good, (ONE, one.port))
    other._socket.sendto(good, (ONE, one.port))
    assert one.receive() == ([bytes(160)], "")


class Ends:
    """Two of them, each the other's peer."""

    def __init__(self) -> None:
        ports = free_ports(1), free_ports(1)
        self.told: tuple[list[Told], list[Told]] = ([], [])
        self.one = Sip(ONE, ports[0], (OTHER, ports[1]), self.told[0].append)
        self.other = Sip(OTHER, ports[1], (ONE, ports[0]), self.told[1].append)
        self.place = (ONE, ports[0])
        for end in (self.one, self.other):
            end.open()

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, self.told
            self.one.poll()
            self.other.poll()

    def last(self, side: int, said: Said) -> Told:
        self.until(lambda: self.told[side] and self.told[side][-1].said is said)
        return self.told[side][-1]

    def call(self) -> tuple[Call, Told]:
        mine = self.one.call("8000", "13800138000", "", SDP)
        return mine, self.last(1, Said.CALL)


@pytest.fixture
def sip() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.one.close()
    ends.other.close()


def test_a_call_rings_is_answered_and_ends_with_its_cause(sip: Ends) -> None:
    mine, asked = sip.call()
    assert (asked.number, asked.caller, read(asked.sdp)) == ("8000", "13800138000", Sound(ONE, 20000, 101))
    asked.call.ringing()
    assert sip.last(0, Said.RINGING).call is mine
    asked.call.answer(write(OTHER, 20002, 101))
    assert read(sip.last(0, Said.ANSWERED).sdp).port == 20002
    mine.end(Cause.BUSY)
    assert sip.last(1, Said.GONE).cause is Cause.BUSY


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.NO_ANSWER, Cause.CONGESTION, Cause.UNALLOCATED])
def test_a_call_is_refused_with_its_cause(sip: Ends, cause: Cause) -> None:
    _, asked = sip.call()
    asked.call.end(cause)
    assert sip.last(0, Said.GONE).cause is cause


def test_a_caller_who_gives_up_cancels(sip: Ends) -> None:
    mine, asked = sip.call()
    asked.call.ringing()
    sip.last(0, Said.RINGING)
    mine.end(Cause.CANCELLED)
    assert sip.last(1, Said.GONE).call is asked.call


def test_nobody_but_the_peer_is_answered_and_rubbish_ends_nothing(sip: Ends) -> None:
    text = f"OPTIONS sip:{ONE} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER}:5060;branch=z9hG4bK1\r\nFrom: <sip:x>;tag=1\r\n"
    whole = (text + "To: <sip:y>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n").encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((STRANGER, 0))
        stranger.setblocking(False)
        stranger.sendto(whole, sip.place)
        for rubbish in (
            b"\xff" * 100,
            b"INVITE\r\n\r\n" + bytes(50),
            b"SIP/2.0 x\r\n" + b"a" * 60,
            whole[:90],
            b"x" * 9000,
        ):
            sip.other._config["_sip_tm"].l4r.server.send_to(rubbish, sip.place)
        _, asked = sip.call()
        assert asked.number == "8000"
        with pytest.raises(BlockingIOError):
            stranger.recv(2000)
