"""The lines between a host and its signalling helper: read strictly, hostile texts made harmless. Pure."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards.pri.protocol import BadLine, Digits, Ended, Lines, Reached, Setup, Stage, Told, Up, read, request

SETUP = b"setup call=1 slot=3 exclusive=1 hidden=0 complete=1 caller=13800138000 called=8000 name=%E5%BC%A0%20%0A%00%1B"


def test_a_setup_is_read_and_its_name_holds_nothing_that_cannot_be_printed() -> None:
    assert read(SETUP) == Setup(1, 3, True, False, True, "13800138000", "8000", "张 ")


def test_stages_ends_and_digits() -> None:
    assert read(b"progress call=2 slot=31 what=ringing inband=1") == Reached(2, 31, Stage.RINGING, True)
    assert read(b"cleared call=2 cause=17") == Ended(2, 17)
    assert read(b"digits call=3 digits=80 complete=0") == Digits(3, "80", False)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"SETUP",
        b"up down",
        b"cleared call=2",
        b"cleared call=2 cause=128",
        b"cleared call=2 cause=-1",
        b"cleared call=2 call=2 cause=1",
        b"cleared call=99999999999 cause=1",
        b"cleared  call=2 cause=1",
        b"progress call=2 slot=32 what=ringing inband=1",
        b"progress call=2 slot=1 what=eaten inband=1",
        b"setup call=1 slot=1 exclusive=2 hidden=0 complete=1 caller= called= name=",
        "cleared call=² cause=1".encode(),
        b"trouble text=a=b",
    ],
)
def test_what_is_no_line_is_refused(line: bytes) -> None:
    with pytest.raises(BadLine):
        read(line)


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_octets_are_a_line_or_are_refused(line: bytes) -> None:
    with contextlib.suppress(BadLine):
        read(line)


@given(st.lists(st.integers(1, 40), max_size=12))
@settings(max_examples=40, deadline=None)
def test_lines_come_out_the_same_wherever_they_are_cut(cuts: list[int]) -> None:
    stream = b"up\n" + SETUP + b"\ncleared call=1 cause=16\n"
    lines, found, at = Lines(), list[Told](), 0
    for cut in [*cuts, len(stream)]:
        found += lines.feed(stream[at : at + cut])
        at += cut
    assert found == [Up(), read(SETUP), Ended(1, 16)]


def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    with pytest.raises(BadLine, match="more than"):
        Lines().feed(b"a" * 2000)


def test_a_request_carries_digits_and_nothing_else() -> None:
    assert request("setup", call=2, called="80*0#", complete=True) == b"setup call=2 called=80*0# complete=1\n"
    for text in ("8000\nrestart slot=1", "8 0", "a", "８"):
        with pytest.raises(ValueError, match="digits"):
            request("setup", call=2, called=text)
