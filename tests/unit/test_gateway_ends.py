"""How a call of the gateway ends, whatever fails: a simulated board in its own time, and a SIP peer that answers.

Each time the peer is told why, and no line stays seized.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from sippy.CCEvents import CCEventConnect, CCEventUpdate
from sippy.MsgBody import MsgBody

from cards.gateway import gateway as joined
from cards.gateway import rtp
from cards.gateway.gateway import Gateway
from cards.gateway.rtp import PIECE, Rtp
from cards.gateway.sdp import read, write
from cards.gateway.sip import Call, Said, Sip, Told
from cards.host.charts import LineState
from cards.host.floor import Floor
from cards.host.plan import LinePlan, Plan
from cards.host.simulated import driver
from cards.host.sound import Prompts, to_alaw, tone
from cards.sim.build import Face, library
from cards.sim.control import SimBoard, State
from cti.domain.switch.terms import Cause
from tests.e2e.rig.tones import strength
from tests.ports import free_ports
from tests.unit.cards_sim import BUILT

OURS, PEER = "127.0.0.2", "127.0.0.3"
OUTSIDE, CUSTOMER = "13900139001", "13800138000"


class Joint:
    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, library(Face.SYNWAY, BUILT)
        self.sim = SimBoard(self.path)
        self.ports = free_ports(1), free_ports(1)
        self.told: list[Told] = []
        self.peer = Sip(PEER, self.ports[1], (OURS, self.ports[0]), self.told.append)
        self.sound = Rtp(PEER, OURS)
        self.digits = ""
        self.says = cycle([bytes([0xD5]) * 160])
        self.peer_lives = self.peer_speaks = True
        self.peer.open()

    def open(self, lines: int = 1, **words: object) -> None:
        self.sim.reset()
        self.sim.configure(trunks=lines, extensions=0, digit_gap=0.3, **words)
        self.gateway = Gateway(self.sim, OURS, self.ports[0], (PEER, self.ports[1]))
        board, prompts = driver("synway", self.path, self.folder), Prompts(self.folder, self.folder / "p")
        self.floor = Floor("board", board, prompts, self.folder, self.gateway.on_event, clock=lambda: self.sim.now)
        self.floor.set_plan(Plan({n: LinePlan(n, dialed="8000", trunk="board") for n in range(lines)}))
        self.floor.open()
        self.gateway.open(self.floor)

    def crash(self) -> None:
        """The process is gone without a word, and the board's relays fall."""
        self.gateway.sip.close()
        for one in self.gateway._by_channel.values():
            one.rtp.close()
        self.floor.board.close()

    def close(self) -> None:
        self.gateway.close()
        self.floor.close()
        self.peer.close()
        self.sound.close()
        self.sim.reset()

    def tick(self) -> None:
        self.sim.step()
        self.floor.step()
        self.gateway.step()
        if self.peer_lives:
            self.peer.poll()
            self.digits += self.sound.receive()[1]
        if self.peer_lives and self.peer_speaks:
            self.sound.send(next(self.says))

    def until(self, condition: Callable[[], object], seconds: float) -> float:
        """The board's seconds that it took."""
        began = self.sim.now
        while not condition():
            assert self.sim.now - began < seconds, (self.told, self.floor.lines)
            self.tick()
        return self.sim.now - began

    def run(self, seconds: float) -> None:
        end = self.sim.now + seconds
        self.until(lambda: self.sim.now >= end, seconds + 1)

    def change(self, call: Call, sdp: str, said: Said) -> Told:
        """The peer says anew how it wants to speak and hear (re-INVITE)."""
        self.told.clear()
        call._agent.recvEvent(CCEventUpdate(MsgBody(sdp)))
        return self.said(said, 1)

    def said(self, said: Said, seconds: float) -> Told:
        self.until(lambda: self.told and self.told[-1].said is said, seconds)
        return self.told[-1]

    def dial(self) -> Call:
        return self.peer.call(OUTSIDE, "8000", "", write(PEER, self.sound.port, 101))

    def talk(self) -> Call:
        """An agent's call out is answered."""
        self.sim.line(0).when("dialled", "ring 1; answer; tone 800 0.5; wait 3600")
        call = self.dial()
        self.sound.to(read(self.said(Said.ANSWERED, 15).sdp))
        return call

    def free(self, line: int = 0) -> None:
        self.until(lambda: self.floor.lines[line].state is LineState.IDLE, 5)
        assert not self.floor.channels
        assert not self.gateway._by_channel
        assert not self.gateway._by_call
        assert not self.sim.line(line).now().off_hook


@pytest.fixture
def joint(tmp_path: Path) -> Iterator[Joint]:
    made = Joint(tmp_path)
    yield made
    made.close()


def test_digits_are_heard_at_the_far_end_though_somebody_speaks_at_once(
    joint: Joint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As FreeSWITCH sends them: one soon after the other, and sound again as soon as they are over."""
    joint.open()
    joint.talk()
    monkeypatch.setattr(rtp, "GAP_PIECES", 1)
    speech = to_alaw(2 * tone(800, [(1, True)]))
    joint.says = cycle(speech[at : at + PIECE] for at in range(0, len(speech), PIECE))
    joint.run(0.5)
    for digit in "57":
        joint.sound.press(digit)
    joint.until(lambda: joint.sim.line(0).keys == "57", 3)
    joint.until(lambda: strength(np.frombuffer(joint.sim.line(0).heard(0.3), np.int16), 800) > 0.5, 2)


@pytest.mark.parametrize(
    ("outside", "cause"),
    [
        ("busy", Cause.BUSY),
        ("ring 3600", Cause.NO_ANSWER),
        ("dead", Cause.FAILED),
        ("nodialtone", Cause.CONGESTION),
    ],
)
def test_a_call_out_that_reaches_nobody_tells_why(joint: Joint, outside: str, cause: Cause) -> None:
    joint.open(no_answer=3, no_signal=3)
    if outside == "nodialtone":
        joint.sim.line(0).do(outside)
    else:
        joint.sim.line(0).when("dialled", outside)
    joint.dial()
    assert joint.said(Said.GONE, 30).cause is cause
    joint.free()


def test_a_call_out_without_a_free_line_is_refused_at_once(joint: Joint) -> None:
    joint.open()
    joint.talk()
    joint.dial()
    assert joint.said(Said.GONE, 1).cause is Cause.CONGESTION
    assert joint.sim.line(0).state is State.TALKING


def test_digits_go_both_ways(joint: Joint) -> None:
    joint.open()
    joint.talk()
    for digit in "57*":
        joint.sound.press(digit)
    joint.until(lambda: joint.sim.line(0).keys == "57*", 5)
    joint.sim.line(0).do("digits 12#")
    joint.until(lambda: joint.digits == "12#", 5)


def test_busy_tone_releases_the_line_within_two_seconds(joint: Joint) -> None:
    joint.open()
    joint.talk()
    joint.sim.line(0).do("hangup")
    assert joint.until(lambda: joint.told[-1].said is Said.GONE, 5) < 2.0
    assert joint.told[-1].cause is Cause.NORMAL
    joint.free()


def test_a_line_that_is_unplugged_ends_its_call_as_broken(joint: Joint) -> None:
    joint.open(lines=2)
    joint.talk()
    joint.sim.line(0).do("unplug")
    assert joint.said(Said.GONE, 5).cause is Cause.UNREACHABLE
    assert not joint.floor.channels
    joint.sim.line(0).do("plug")
    joint.free()


def test_a_line_whose_far_end_goes_without_a_tone_is_given_up_in_the_end(
    joint: Joint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joined, "SILENT_AFTER", 5.0)
    joint.open(busy=0)
    joint.talk()
    joint.sim.line(0).do("wait 4; tone 500 0.1 -30; wait 4; hangup")
    assert joint.until(lambda: joint.told[-1].said is Said.GONE, 20) > 8.0, "who says little is still there"
    assert joint.told[-1].cause is Cause.NORMAL
    joint.free()


def test_a_softswitch_that_dies_in_talk_leaves_no_line_seized(joint: Joint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "LOST_AFTER", 4.0)
    joint.open()
    joint.talk()
    joint.peer_lives = False
    assert joint.until(lambda: not joint.floor.channels, 10) > 3.0
    joint.free()


def test_a_held_call_may_be_silent_and_comes_back(joint: Joint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "LOST_AFTER", 1.0)
    joint.open()
    call, whole = joint.talk(), write(PEER, joint.sound.port, 101)
    (one,) = joint.gateway._by_channel.values()
    for held, answer in (
        (whole.replace("sendrecv", "sendonly"), "recvonly"),
        (whole.replace("sendrecv", "inactive"), "inactive"),
        (whole.replace(f"c=IN IP4 {PEER}", "c=IN IP4 0.0.0.0"), "sendrecv"),
    ):
        assert f"a={answer}" in joint.change(call, held, Said.ANSWERED).sdp
        joint.peer_speaks = answer == "recvonly"
        assert one.sound is not None
        assert not one.sound.hears
        joint.run(1.5)
        assert joint.floor.lines[0].channel is not None
    assert one.call is not None
    joint.gateway.sip._event(CCEventConnect(("ACK", "ACK", MsgBody(whole))), one.call._agent)
    joint.peer_speaks, packets = True, joint.sound.heard_at
    joint.run(0.5)
    assert one.sound is not None
    assert one.sound.hears
    assert joint.sound.heard_at > packets
    joint.change(call, whole.replace(PEER, "127.0.0.9"), Said.GONE)
    assert one.sound.host == PEER, "refused, and the call goes on as it was"
    joint.run(1.5)
    assert joint.floor.lines[0].channel is not None
    joint.peer_speaks = False
    joint.run(1.5)
    joint.free()


def test_a_host_that_crashed_begins_anew_and_its_old_calls_end_at_the_first_word(joint: Joint) -> None:
    joint.open()
    call = joint.talk()
    joint.crash()
    joint.open()
    assert not joint.sim.line(0).now().off_hook
    server = joint.gateway.sip._config["_sip_tm"].l4r.server
    sent: list[str] = []
    server.send_to = lambda data, *rest: sent.append(str(data))
    call.end(Cause.NORMAL)
    joint.until(lambda: any("481 " in data for data in sent), 5)
    del server.send_to
    joint.talk()


def test_a_host_that_is_stopped_tells_the_peer(joint: Joint) -> None:
    joint.open()
    joint.talk()
    joint.gateway.close()
    joint.peer.poll()
    assert joint.told[-1].said is Said.GONE


def test_a_caller_who_gives_up_while_it_rings_is_told_to_the_peer(joint: Joint) -> None:
    joint.open()
    joint.sim.line(0).do(f"call {CUSTOMER} dtmf; answered 8; hangup")
    asked = joint.said(Said.CALL, 10)
    assert (asked.number, asked.caller) == ("8000", CUSTOMER)
    asked.call.ringing()
    assert joint.said(Said.GONE, 20).call is asked.call
    joint.free()
