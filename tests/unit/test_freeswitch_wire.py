"""Event socket bytes: frames at every cut, noise, and what is never let out."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import DeviceTarget, Originate, TrunkTarget
from cti.switches.freeswitch import causes, requests, truth
from cti.switches.freeswitch.wire import Frame, FrameReader, FrameTooLong, event, message, shown_name, text
from tests.fakes.esl import event as json_event

CALL = gzip.decompress((Path(__file__).parents[1] / "captures" / "freeswitch-1.10.12-call.json.esl.gz").read_bytes())
MIXED = (
    b"Content-Type: auth/request\n\n"
    + b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
    + json_event("DTMF", "c1", DTMF_Digit="5", variable_x="张三 😀\n\nEvent-Name: FORGED")
    + b"Content-Type: api/response\nContent-Length: 4\n\n+OK\n"
    + b"Content-Type: text/disconnect-notice\nContent-Length: 2\n\n\n\n"
)


def test_every_cut_gives_the_same_frames() -> None:
    whole = FrameReader().feed(MIXED)
    assert [f.kind for f in whole] == [
        "auth/request",
        "command/reply",
        "text/event-json",
        "api/response",
        "text/disconnect-notice",
    ]
    for cut in range(1, len(MIXED)):
        reader = FrameReader()
        assert reader.feed(MIXED[:cut]) + reader.feed(MIXED[cut:]) == whole
    reader = FrameReader()
    single: list[Frame] = []
    for at in range(len(MIXED)):
        single += reader.feed(MIXED[at : at + 1])
    assert single == whole


def test_a_captured_call_is_read_whole_in_any_pieces() -> None:
    whole = FrameReader().feed(CALL)
    assert len(whole) > 25
    assert all(event(f.body) is not None for f in whole)
    for size in (1_000, 4_096, 65_536):
        reader = FrameReader()
        pieces = [f for at in range(0, len(CALL), size) for f in reader.feed(CALL[at : at + size])]
        assert pieces == whole


def test_a_callers_text_makes_no_header_and_loses_nothing() -> None:
    name = "x%0aUnique-ID: forged%0aEvent-Name: FORGED 50%41"
    (frame,) = FrameReader().feed(json_event("CHANNEL_PARK", "c1", Caller_Caller_ID_Name=name))
    found = event(frame.body)
    assert found is not None
    assert (text(found, "Event-Name"), text(found, "Unique-ID")) == ("CHANNEL_PARK", "c1")
    assert text(found, "Caller-Caller-ID-Name") == name


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_no_bytes_end_the_reader(pieces: list[bytes]) -> None:
    reader = FrameReader()
    for piece in pieces:
        for frame in reader.feed(piece):
            event(frame.body)


@pytest.mark.parametrize("length", ["x", "-5", "", "9" * 30, "1e3", "٣"])
def test_a_length_that_is_none_is_no_body(length: str) -> None:
    frames = FrameReader().feed(f"Content-Type: a\nContent-Length: {length}\n\nContent-Type: b\n\n".encode())
    assert [f.kind for f in frames] == ["a", "b"]


def test_what_has_no_end_is_refused() -> None:
    with pytest.raises(FrameTooLong):
        FrameReader().feed(b"x" * 100_000)
    with pytest.raises(FrameTooLong):
        FrameReader().feed(b"Content-Type: a\nContent-Length: 99999999\n\n")


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": nan'])
def test_a_body_that_is_no_event_is_none(body: bytes) -> None:
    assert event(body) is None


def test_text_that_is_not_utf8_is_marked() -> None:
    found = event(b'{"Event-Name": "X", "n": "caf\xe9"}')
    assert found is not None
    assert text(found, "n") == "caf\ufffd"


@pytest.mark.parametrize("evil", ["a\nb", "a\rb", "a\0b", "x" * 20_000])
def test_what_is_not_one_line_is_refused(evil: str) -> None:
    with pytest.raises(CommandRefused):
        message("api status", evil)


def test_a_name_cannot_leave_its_quotes() -> None:
    name = "a'},x=1{${system ls}}\r\n<sip:x>\"\\^^:|&park() 张三 😀"
    line = requests.originate(Originate("c1", DeviceTarget("1001"), "8000", name), "sip:192.0.2.1:5060")
    shown = shown_name(name)
    assert "张三 😀" in shown
    assert not set("'{}$<>\"\\^|&,()\r\n") & set(shown)
    assert line.count("{") == line.count("}") == 1
    assert line.endswith("sofia/callyard/1001%callyard park XML callyard-parked")


def test_users_are_registered_when_they_have_a_contact() -> None:
    reply = (
        "userid|context|domain|group|contact|callgroup\n"
        "1001|x|callyard|agents|sofia/callyard/sip:1001@127.0.0.1:5|\n"
        "1001-web|x|callyard|agents|error/user_not_registered|\n\n+OK\n"
    )
    assert truth.devices(reply) == {"1001": True, "1001-web": False}
    assert truth.devices("-ERR no") == {}
    assert truth.listed("-ERR no") == []


def test_how_long_it_has_run_is_read_of_its_status() -> None:
    rest = " 52 milliseconds, 801 microseconds\nFreeSWITCH (Version 1.10.12-release 64bit) is ready\n2 session(s)\n"
    day = "UP 0 years, 1 day, 2 hours, 0 minutes, 9 seconds," + rest
    assert truth.up_for(day) == 86_400 + 7200 + 9
    assert truth.up_for("UP 1 year, 0 days, 0 hours, 1 minute, 0 seconds," + rest) == 365 * 86_400 + 60
    for hostile in ("", "-ERR no", rest, "x" + day, "UP ² years, 0 days, 0 hours, 0 minutes, 0 seconds,"):
        assert truth.up_for(hostile) is None


def test_a_line_that_breaks_in_talk_is_told_from_one_that_is_hung_up() -> None:
    def ended(name: str, *, answered: bool) -> str:
        return causes.ended(name, answered=answered, by_far_side=True, incoming=False, asked=None).value

    assert ended("DESTINATION_OUT_OF_ORDER", answered=True) == "media_lost"
    assert ended("DESTINATION_OUT_OF_ORDER", answered=False) == "unreachable"
    assert ended("NETWORK_OUT_OF_ORDER", answered=True) == "normal"


def test_causes_of_calls_that_failed_before_there_was_a_channel() -> None:
    assert causes.not_originated("-ERR USER_NOT_REGISTERED\n").value == "unreachable"
    assert causes.not_originated("-ERR USER_BUSY\n").value == "busy"
    assert causes.not_originated("-ERR nonsense").value == "unreachable"


def test_a_name_for_a_phone_holds_nothing_that_is_decoded_or_read() -> None:
    """FreeSWITCH decodes percent signs in a caller's name and writes what comes out into the INVITE."""
    assert shown_name("x%0d%0aX-Forged: 1 ${y} {a='b'}") == "x0d0aX-Forged: 1 y ab"
    assert shown_name("张三 50%41") == "张三 5041"


def test_no_phone_is_given_the_password_of_a_trunk_but_a_trunk_its_own() -> None:
    phone = requests.originate(Originate("c1", DeviceTarget("1001"), "8000"), "sip:192.0.2.1:5060")
    assert "sip_auth_username='none',sip_auth_password='none'" in phone
    assert "sip_auth" not in requests.originate(Originate("c2", TrunkTarget("t1", "13800138000"), "8000"))
    assert "sip_auth" not in requests.originate(Originate("c3", DeviceTarget("1001", "west"), "8000"))
