"""Real calls of libpri, back to back: every state, overlap digits, restart, a lost D channel, hostile frames."""

from __future__ import annotations

import configparser
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cards.pri.link import LinkLost
from cards.pri.protocol import Digits, Down, Ended, Freed, Reached, Restarted, Setup, Stage, Trouble, Up
from tests.unit.pri_link import QUICK, BackToBack, helper_path


@pytest.fixture
def e1() -> Iterator[BackToBack]:
    with BackToBack(helper_path()) as both:
        yield both


def test_a_call_of_ours_from_setup_to_release(e1: BackToBack) -> None:
    e1.user.ask("setup", call=2, slot=31, exclusive=1, caller="13800138000", called="02112345678")
    came = e1.wanted(e1.network, Setup)
    assert (came.slot, came.exclusive, came.complete, came.hidden) == (31, True, True, False)
    assert (came.caller, came.called) == ("13800138000", "02112345678")
    for verb, stage in (("proceed", Stage.PROCEEDING), ("alert", Stage.RINGING), ("answer", Stage.ANSWERED)):
        e1.network.ask(verb, call=came.call)
        assert e1.wanted(e1.user, Reached, stage=stage).slot == 31
    e1.user.ask("hangup", call=2, cause=16)
    assert e1.wanted(e1.network, Ended, call=came.call).cause == 16
    e1.wanted(e1.network, Freed, call=came.call)
    e1.wanted(e1.user, Freed, call=2)
    assert not e1.user.all(Ended)  # who hangs up is told only that the timeslot is free


@pytest.mark.parametrize("cause", [1, 17, 19, 21, 27, 34])
def test_the_cause_of_a_refusal_comes_across(e1: BackToBack, cause: int) -> None:
    e1.network.ask("setup", call=2, slot=1, called="8000", caller="13800138000", hidden=1)
    came = e1.wanted(e1.user, Setup)
    assert came.hidden
    e1.user.ask("hangup", call=came.call, cause=cause)
    assert e1.wanted(e1.network, Ended, call=2).cause == cause
    e1.wanted(e1.network, Freed, call=2)
    e1.wanted(e1.user, Freed, call=came.call)


def test_digits_that_come_one_by_one(e1: BackToBack) -> None:
    e1.network.ask("setup", call=2, slot=1, called="80", complete=0)
    came = e1.wanted(e1.user, Setup)
    assert (came.called, came.complete) == ("80", False)
    e1.user.ask("more", call=came.call)
    e1.wanted(e1.network, Reached, stage=Stage.MORE)
    e1.network.ask("digits", call=2, digits="01")
    e1.until(lambda: len(e1.user.all(Digits)) == 2)
    assert "".join(one.digits for one in e1.user.all(Digits)) == "01"
    e1.user.ask("proceed", call=came.call)
    e1.wanted(e1.network, Reached, stage=Stage.PROCEEDING)


def test_both_call_at_once_on_different_timeslots_and_all_thirty_are_up(e1: BackToBack) -> None:
    slots = [slot for slot in range(1, 32) if slot != 16]
    for number, slot in enumerate(slots):
        caller, called = (e1.user, e1.network) if number % 2 else (e1.network, e1.user)
        caller.ask("setup", call=2 * number + 2, slot=slot, called=str(8000 + slot))
        came = e1.wanted(called, Setup, slot=slot)
        assert came.called == str(8000 + slot)
        called.ask("proceed", call=came.call)
        called.ask("answer", call=came.call)
    e1.until(
        lambda: len([*e1.user.all(Reached, stage=Stage.ANSWERED), *e1.network.all(Reached, stage=Stage.ANSWERED)]) == 30
    )
    answered = {one.slot for end in (e1.user, e1.network) for one in end.all(Reached, stage=Stage.ANSWERED)}
    assert answered == set(slots)


def test_a_restart_clears_the_timeslot(e1: BackToBack) -> None:
    e1.network.ask("setup", call=2, slot=5, called="8000")
    came = e1.wanted(e1.user, Setup)
    e1.user.ask("answer", call=came.call)
    e1.wanted(e1.network, Reached, stage=Stage.ANSWERED)
    e1.network.ask("restart", slot=5)
    e1.wanted(e1.user, Freed, call=came.call)
    assert e1.wanted(e1.user, Restarted).slot == 5
    assert e1.wanted(e1.network, Restarted).slot == 5


def test_a_short_break_of_the_wire_ends_no_call() -> None:
    with BackToBack(helper_path(), **QUICK | {"T309": 60_000}) as e1:
        e1.user.ask("setup", call=2, slot=1, called="8000")
        came = e1.wanted(e1.network, Setup)
        e1.network.ask("answer", call=came.call)
        e1.wanted(e1.user, Reached, stage=Stage.ANSWERED)
        e1.cable.plugged = False
        e1.wanted(e1.user, Down)
        e1.cable.plugged = True
        e1.until(lambda: len(e1.user.all(Up)) == 2)
        e1.user.ask("hangup", call=2)
        e1.wanted(e1.network, Freed, call=came.call)


def test_hostile_frames_and_requests_end_neither_helper() -> None:
    chance = random.Random(7)

    def spoiled(frame: bytes) -> bytes:
        """What Q.931 says, not what Q.921 needs to go on."""
        data = bytearray(frame)
        for _ in range(chance.randrange(1, 4) if len(frame) > 12 else 0):
            data[chance.randrange(8, len(frame))] = chance.randrange(256)
        return bytes(data)

    with BackToBack(helper_path(), T303=200) as e1:
        e1.cable.spoil = spoiled
        for number in range(40):
            e1.user.ask("setup", call=2 * number + 2, slot=number % 15 + 1, called="8000", caller="13800138000")
        e1.until(lambda: len(e1.user.all(Freed)) == 40)
        for _ in range(300):
            e1.cable.put(chance.randbytes(chance.randrange(1, 300)))
        e1.user.ask("setup", call=3, slot=1, called="1")
        e1.user.ask("setup", call=200, slot=16, called="1")
        e1.user.ask("hangup", call=98)
        e1.user.ask("eat")
        e1.until(lambda: len(e1.user.all(Trouble)) >= 3)
        e1.cable.spoil = None
        tried = 300

        def comes_through() -> bool:
            nonlocal tried
            if tried == 300 or e1.user.all(Freed, call=tried):
                tried += 2
                e1.user.ask("setup", call=tried, slot=30, called="999")
            return bool(e1.network.all(Setup, called="999"))

        e1.until(comes_through)


def test_a_helper_that_is_killed_is_told_and_its_end_needs_no_wait(e1: BackToBack) -> None:
    os.kill(e1.user.link.pid, signal.SIGKILL)
    with pytest.raises(LinkLost):
        e1.until(lambda: False)


def test_the_sources_that_are_compiled_at_first_use_are_installed_with_the_product() -> None:
    root = Path(__file__).parents[2]
    settings = configparser.ConfigParser()
    settings.read(root / "setup.cfg")
    given = settings["options.package_data"].get("cards", "").replace(" ", "").split(",")
    installed = {file for pattern in given for file in (root / "cards").glob(pattern)}
    assert {*(root / "cards").rglob("*.[ch]")} <= installed
