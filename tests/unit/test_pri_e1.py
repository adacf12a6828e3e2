"""Thirty lines of an E1 from what a helper tells: digits one by one, collisions, what never comes. The link is made."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from cards.host.board import Alarm, BoardEvent, Called, Cleared, Fault, Progress, Progressed, Released
from cards.pri import causes
from cards.pri.e1 import CLEAR_AT_MOST, DIGITS_WAIT, E1, TIMESLOTS, index_of, slot_of
from cards.pri.link import LinkLost
from cards.pri.protocol import Digits, Down, Ended, Freed, Reached, Restarted, Setup, Stage, Told, Up
from cti.domain.switch.terms import Cause

FIRST = 8


class MadeLink:
    def __init__(self) -> None:
        self.tells: list[Told] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.starts = 0
        self.lost = False

    def start(self, frames: socket.socket) -> None:
        self.starts += 1
        self.lost = False

    def poll(self) -> list[Told]:
        if self.lost:
            raise LinkLost("killed")
        told, self.tells = self.tells, []
        return told

    def ask(self, verb: str, **words: int | str) -> None:
        self.asked.append((verb, words))

    def close(self) -> None: ...


class Line:
    """An E1 whose D channel is up, and its clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.link: Any = MadeLink()
        self.ends = socket.socketpair()
        self.e1 = E1(FIRST, self.link, self.ends[0], lambda: self.now)
        self.e1.open()
        self.tell(Up())

    def tell(self, *told: Told) -> list[BoardEvent]:
        self.link.tells += told
        return self.e1.poll()

    def later(self, seconds: float) -> list[BoardEvent]:
        self.now += seconds
        return self.e1.poll()

    def asked(self, verb: str) -> list[dict[str, Any]]:
        return [words for each, words in self.link.asked if each == verb]


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    for end in made.ends:
        end.close()


def setup(call: int = 1, slot: int = 1, called: str = "8000", **other: bool) -> Setup:
    given = {"exclusive": True, "hidden": False, "complete": True} | other
    return Setup(call, slot, caller="13800138000", called=called, name="", **given)


def test_thirty_lines_stand_for_the_timeslots_but_the_sixteenth() -> None:
    slots = [slot_of(index) for index in range(TIMESLOTS)]
    assert slots == [slot for slot in range(1, 32) if slot != 16]
    assert [index_of(slot) for slot in slots] == list(range(TIMESLOTS))


def test_digits_are_collected_until_none_comes_or_the_caller_says_so(line: Line) -> None:
    assert line.tell(setup(called="80", complete=False)) == []
    assert line.asked("more") == [{"call": 1, "slot": 1}]
    assert line.tell(Digits(1, "0", False)) == []
    assert line.later(DIGITS_WAIT - 1) == []
    assert line.tell(Digits(1, "0", False)) == []
    assert line.later(DIGITS_WAIT) == [Called(FIRST, "13800138000", "", "8000")]
    assert line.tell(setup(3, 2, "8", complete=False), Digits(3, "00#", False)) == [
        Called(FIRST + 1, "13800138000", "", "800")
    ]
    assert line.tell(setup(5, 3, "8", complete=False), Digits(5, "1", True)) == [
        Called(FIRST + 2, "13800138000", "", "81")
    ]
    assert line.tell(Digits(5, "9", True)) == []


def test_a_caller_who_gives_up_while_dialling_was_never_there(line: Line) -> None:
    line.tell(setup(called="80", complete=False))
    assert line.tell(Ended(1, 16), Freed(1)) == [Released(FIRST)]
    assert line.later(DIGITS_WAIT * 2) == []


def test_a_hidden_number_is_not_shown(line: Line) -> None:
    assert line.tell(setup(hidden=True)) == [Called(FIRST, "", "", "8000")]


def test_a_taken_timeslot_is_refused_or_another_is_given(line: Line) -> None:
    line.tell(setup())
    assert line.tell(setup(3)) == []
    assert line.asked("hangup") == [{"call": 3, "cause": causes.CHANNEL_NOT_AVAILABLE}]
    assert line.tell(setup(5, exclusive=False)) == [Called(FIRST + 1, "13800138000", "", "8000")]
    assert line.tell(setup(7, slot=0, exclusive=False)) == [Called(FIRST + 2, "13800138000", "", "8000")]
    assert line.tell(setup(9, slot=0)) == []


def test_both_sides_call_on_one_timeslot_and_the_network_comes_first(line: Line) -> None:
    line.e1.dial(FIRST, "1", "2")
    assert line.tell(setup()) == [
        Cleared(FIRST, Cause.CONGESTION),
        Released(FIRST),
        Called(FIRST, "13800138000", "", "8000"),
    ]
    assert line.tell(Ended(2, 44), Freed(2)) == []  # of the call that has given way
    line.e1.dial(FIRST + 1, "1")
    line.tell(Reached(4, 2, Stage.PROCEEDING, False))
    assert line.tell(setup(3, 2)) == []  # ours is on its way already


def test_stages_of_our_call_and_a_late_word_of_one_that_we_ended(line: Line) -> None:
    line.e1.dial(FIRST, "1", "+86-139", True)
    assert line.asked("setup") == [
        {"call": 2, "slot": 1, "exclusive": 1, "hidden": True, "called": "1", "caller": "86139"}
    ]
    assert line.tell(Reached(2, 1, Stage.RINGING, False)) == [Progressed(FIRST, Progress.RINGBACK)]
    line.e1.clear(FIRST, 16)
    line.e1.clear(FIRST, 16)
    assert len(line.asked("hangup")) == 1
    assert line.tell(Reached(2, 1, Stage.ANSWERED, False), Ended(2, 16)) == []
    assert line.tell(Freed(2)) == [Released(FIRST)]


def test_a_timeslot_whose_release_never_comes_is_free_again(line: Line) -> None:
    line.tell(setup())
    line.e1.clear(FIRST, 16)
    assert line.later(CLEAR_AT_MOST - 1) == []
    assert line.later(2) == [Released(FIRST)]


def test_what_cannot_be_dialled_ends_at_once(line: Line) -> None:
    refused = [Cleared(FIRST, Cause.CONGESTION), Released(FIRST)]
    line.tell(setup(complete=False))
    line.e1.dial(FIRST, "1")
    assert line.e1.poll() == refused
    line.tell(Ended(1, 16), Freed(1), Down())
    line.e1.dial(FIRST, "1")
    assert line.e1.poll() == refused


def test_a_d_channel_that_is_lost_leaves_calls_alone_until_they_end(line: Line) -> None:
    line.tell(setup())
    told = line.tell(Down())
    assert Fault(FIRST, False, Alarm.D_CHANNEL) in told
    assert told.count(Fault(FIRST, False, Alarm.D_CHANNEL)) == 1
    assert len([one for one in told if isinstance(one, Fault) and one.dead]) == TIMESLOTS - 1
    assert line.tell(Ended(1, 27), Freed(1)) == [
        Cleared(FIRST, Cause.UNREACHABLE),
        Released(FIRST),
        Fault(FIRST, True, Alarm.D_CHANNEL),
    ]
    assert {one.dead for one in line.tell(Up()) if isinstance(one, Fault)} == {False}


def test_a_lost_helper_is_started_again_later_each_time_and_the_far_side_is_cleared(line: Line) -> None:
    line.tell(setup())
    line.link.lost = True
    assert line.e1.poll()[:2] == [Cleared(FIRST, Cause.UNREACHABLE), Released(FIRST)]
    assert line.e1.alarm is Alarm.HELPER
    line.later(0.4)
    assert line.link.starts == 1
    line.later(0.2)
    line.link.lost = True
    line.e1.poll()
    line.later(0.8)
    assert line.link.starts == 2
    line.later(0.3)
    assert line.link.starts == 3
    line.tell(Up(), setup(11, 2))
    assert line.asked("restart") == [{"slot": 1}]
    line.tell(Restarted(1))
    assert line.asked("restart") == [{"slot": 1}, {"slot": 3}]  # the second has a call
    line.tell(Restarted(7), Restarted(3))
    assert line.asked("restart")[-1] == {"slot": 4}


@pytest.mark.parametrize("cause", list(Cause))
def test_each_cause_has_a_number_and_comes_back_as_one_that_means_no_less(cause: Cause) -> None:
    alike = {Cause.CANCELLED: Cause.NORMAL, Cause.MEDIA_LOST: Cause.UNREACHABLE, Cause.FAILED: Cause.CONGESTION}
    assert causes.from_q850(causes.to_q850(cause)) is alike.get(cause, cause)


def test_causes_that_are_in_no_table_are_failures() -> None:
    assert causes.from_q850(127) is causes.from_q850(102) is Cause.FAILED
    assert causes.from_q850(44) is Cause.CONGESTION
