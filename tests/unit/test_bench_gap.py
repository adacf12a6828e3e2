"""The agent gap as the bench reads it out of a phone's messages."""

from __future__ import annotations

from tests.bench.gap import gaps, waits_for_ok
from tests.e2e.rig.sipp import Message


def invite(at: float, call: str, phone: str = "1001") -> Message:
    text = f"INVITE sip:{phone}@127.0.0.1 SIP/2.0\nTo: <sip:{phone}@127.0.0.1>\nCall-ID: {call}\nCSeq: 1 INVITE\n"
    return Message(at, False, text)


def bye(at: float, call: str) -> Message:
    return Message(at, True, f"BYE sip:c@127.0.0.1 SIP/2.0\nCall-ID: {call}\nCSeq: 2 BYE\n")


def ok(at: float, call: str) -> Message:
    return Message(at, False, f"SIP/2.0 200 OK\nCall-ID: {call}\nCSeq: 2 BYE\n")


ONE_PHONE = [invite(1, "a"), bye(2, "a"), ok(2.25, "a"), invite(3, "b"), bye(4, "b"), ok(4.5, "b"), invite(5.5, "c")]


def test_a_gap_is_from_the_bye_to_the_next_invite_and_has_two_parts() -> None:
    assert gaps(ONE_PHONE) == [1, 1.5]
    assert waits_for_ok(ONE_PHONE) == [0.25, 0.5]
    assert gaps(ONE_PHONE, after_ok=True) == [0.75, 1]


def test_each_phone_has_its_own_gaps() -> None:
    others = [invite(1.5, "x", "1002"), bye(2.5, "x"), ok(2.6, "x"), invite(10.5, "y", "1002")]
    assert gaps(sorted(ONE_PHONE + others, key=lambda m: m.at)) == [1, 1.5, 8]


def test_a_bye_sent_again_and_an_invite_sent_again_make_no_gap() -> None:
    again = [invite(1, "a"), bye(2, "a"), bye(2.5, "a"), ok(2.6, "a"), invite(3, "b"), invite(3.5, "b"), ok(3.6, "a")]
    assert gaps(again) == [1]
    assert len(gaps(again, after_ok=True)) == 1


def test_the_next_call_may_come_before_the_ok() -> None:
    early = [invite(1, "a"), bye(2, "a"), invite(2.5, "b"), ok(3, "a"), bye(4, "b"), ok(4.25, "b"), invite(5, "c")]
    assert gaps(early) == [0.5, 1]
    assert gaps(early, after_ok=True) == [0.75]
