"""AMI bytes: any cut gives the same frames; nothing that would be read as two lines goes out. Captured bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from panoramisk.message import Message

from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import DeviceTarget, Originate
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelBridged,
    ChannelHeld,
    ChannelHungUp,
    ChannelOffered,
    ChannelRinging,
    ChannelUnbridged,
    DeviceRegistered,
    Digit,
    SwitchEvent,
)
from cti.domain.switch.terms import Cause
from cti.switches.asterisk import requests
from cti.switches.asterisk.channels import AstChannel
from cti.switches.asterisk.translate import Translator
from cti.switches.asterisk.wire import MAX_FRAME, FrameReader, FrameTooLong, caller_id, check_action, shown_name

CAPTURES = Path(__file__).parents[1] / "captures"
CALL = (CAPTURES / "asterisk-22-call.ami").read_bytes()
CALLER, AGENT = "1795294342.0", "captured-agent"


def frames(pieces: list[bytes]) -> list[str]:
    reader = FrameReader()
    return [frame for piece in pieces for frame in reader.feed(piece)]


def events(texts: list[str]) -> list[SwitchEvent]:
    translator = Translator()
    translator.channels[AGENT] = AstChannel(AGENT)
    found: list[SwitchEvent] = []
    for text in texts:
        message = Message.from_line(text.strip("\r\n"))
        if message is not None and "event" in message:
            found += translator.feed(message, 1.0).events
    assert translator.channels == {}
    return found


WHOLE = frames([CALL])


def test_a_captured_call_gives_the_events_of_a_call() -> None:
    """No command of ours is known here, so of two bridged channels the first to enter is named first."""
    assert events(WHOLE) == [
        DeviceRegistered(1.0, "1001", True),
        ChannelOffered(1.0, CALLER, "13800138000", "张三 😀", "8000", "", "t1"),
        ChannelAnswered(1.0, CALLER),
        Digit(1.0, CALLER, "1"),
        ChannelRinging(1.0, AGENT),
        ChannelAnswered(1.0, AGENT),
        ChannelBridged(1.0, AGENT, CALLER),
        ChannelHeld(1.0, AGENT, True),
        ChannelHeld(1.0, AGENT, False),
        ChannelUnbridged(1.0, CALLER),
        ChannelUnbridged(1.0, AGENT),
        ChannelBridged(1.0, CALLER, AGENT),
        ChannelHungUp(1.0, CALLER, Cause.NORMAL, True),
        ChannelUnbridged(1.0, AGENT),
        ChannelHungUp(1.0, AGENT, Cause.NORMAL, False),
        DeviceRegistered(1.0, "1001", False),
    ]


def test_byte_by_byte_is_the_same() -> None:
    assert frames([CALL[i : i + 1] for i in range(len(CALL))]) == WHOLE


def test_a_cut_at_every_byte_is_the_same() -> None:
    head = CALL[:6000]
    whole = frames([head])
    assert "张三 😀" in "".join(whole)
    for cut in range(len(head)):
        assert frames([head[:cut], head[cut:]]) == whole


@given(st.lists(st.integers(1, 4000), max_size=30))
def test_any_pieces_are_the_same(sizes: list[int]) -> None:
    pieces, start = [], 0
    for size in sizes:
        pieces.append(CALL[start : start + size])
        start += size
    assert frames([*pieces, CALL[start:]]) == WHOLE


@given(st.binary(max_size=2000))
def test_any_bytes_are_survived(noise: bytes) -> None:
    texts = frames([noise, b"\r\n\r\n", CALL])
    assert texts[-len(WHOLE) :] == WHOLE or texts[-len(WHOLE) + 1 :] == WHOLE[1:]
    for text in texts:
        Message.from_line(text)


def test_wrong_utf8_becomes_a_mark_and_nothing_else_changes() -> None:
    (text,) = frames([b"Event: X\r\nCallerIDName: caf\xe9\r\nUniqueid: 1\r\n\r\n"])
    assert text == "Event: X\r\nCallerIDName: caf\ufffd\r\nUniqueid: 1"


def test_a_frame_without_end_is_not_collected_for_ever() -> None:
    reader = FrameReader()
    reader.feed(b"x" * MAX_FRAME)
    with pytest.raises(FrameTooLong):
        reader.feed(b"x")


@pytest.mark.parametrize("bad", ["a\r\nAction: Logoff", "a\n", "a\r", "a\0b", "x" * 1100])
def test_what_would_not_arrive_as_meant_is_refused(bad: str) -> None:
    with pytest.raises(CommandRefused):
        check_action({"Action": "Setvar", "Value": bad})
    with pytest.raises(CommandRefused):
        check_action({"Action": "Originate", "Variable": ["good=1", bad]})
    with pytest.raises(CommandRefused):
        check_action({bad: "x"})


@given(st.text(max_size=300))
def test_any_name_is_shown_within_its_quotes(name: str) -> None:
    shown = shown_name(name)
    assert len(shown) <= 80
    assert not set(shown) & set('"<>\\;\r\n\0')
    value = caller_id(name, "8000")
    assert value == f'"{shown}" <8000>'
    check_action({"CallerID": value})
    value.encode()


@given(st.text(alphabet="abcXYZ019_-", max_size=2000))
def test_any_state_comes_back_whole(state: str) -> None:
    assert requests.read_state(dict(requests.state_variables(state))) == state


def test_a_state_half_written_is_no_state() -> None:
    old, new = dict(requests.state_variables("a" * 1500)), requests.state_variables("b" * 1500)
    for written in range(1, len(new)):
        assert requests.read_state(old | dict(new[:written])) == ""
    assert requests.read_state(old | dict(new)) == "b" * 1500


def test_an_originate_fits_asterisks_lines_with_the_longest_of_everything() -> None:
    command = Originate(
        "c" * 64, DeviceTarget("d" * 40), "1" * 40, "n" * 500, state="s" * 2000, auto_answer=True, ring_timeout=600
    )
    check_action(requests.originate(command))
