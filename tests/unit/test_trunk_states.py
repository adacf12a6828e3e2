"""What each switch says of its trunks, and what is told of it; the answers of the far side as keys for words."""

from __future__ import annotations

import pytest

from cti.domain import sip
from cti.domain.switch.events import TrunkChanged
from cti.domain.switch.terms import Cause, TrunkState
from cti.switches.asterisk.translate import Translator
from cti.switches.asterisk.trunks import trunks
from cti.switches.freeswitch.trunks import FsTrunks

UP, DOWN, REJECTED = TrunkState.UP, TrunkState.DOWN, TrunkState.REJECTED
REGISTERING, UNKNOWN = TrunkState.REGISTERING, TrunkState.UNKNOWN
CLIENT = "sip:8675309@192.0.2.2:5060"


def gateway(name: str, state: str, status: str, every: int = 0, milliseconds: str = "0.00") -> str:
    return (
        f"<gateway><name>{name}</name><pingfreq>{every}</pingfreq><pingtime>{milliseconds}</pingtime>"
        f"<state>{state}</state><status>{status}</status></gateway>"
    )


def told(name: str, state: str, ping: str, status: str = "") -> dict[str, str]:
    """``sofia::gateway_state`` as FreeSWITCH 1.10.12 sends it."""
    return {"Gateway": name, "State": state, "Ping-Status": ping} | ({"Status": status} if status else {})


class TestAsterisk:
    def translator(self) -> Translator:
        translator = Translator()
        translator.trunks = trunks(
            [{"ObjectName": "trunk-acct"}, {"ObjectName": "trunk-addr"}, {"ObjectName": "1001"}],
            [
                {
                    "Event": "ContactStatusDetail",
                    "EndpointName": "trunk-addr",
                    "Status": "Reachable",
                    "RoundtripUsec": "3030",
                },
                {"Event": "AuthDetail", "ObjectName": "trunk-acct", "Password": "x"},
            ],
            [
                {
                    "Event": "OutboundRegistrationDetail",
                    "ObjectName": "trunk-acct",
                    "ClientUri": CLIENT,
                    "Status": "Registered",
                },
                {"Event": "AuthDetail", "ObjectName": "trunk-acct"},
            ],
        )
        return translator

    def feed(self, translator: Translator, **frame: str) -> list[tuple[str, TrunkState]]:
        events = translator.feed(frame, 1.0).events
        return [(e.trunk, e.state) for e in events if isinstance(e, TrunkChanged)]

    def test_the_truth(self) -> None:
        found = self.translator().trunks
        assert found.states() == {"acct": UP, "addr": UP}
        assert found.changes(1.0) == [TrunkChanged(1.0, "acct", UP, 0.0), TrunkChanged(1.0, "addr", UP, 0.00303)]
        assert found.changes(2.0) == []

    def test_events_change_it(self) -> None:
        translator = self.translator()
        translator.trunks.changes(1.0)
        lost = {
            "Event": "ContactStatus",
            "EndpointName": "trunk-addr",
            "ContactStatus": "Unreachable",
            "RoundtripUsec": "0",
        }
        assert self.feed(translator, **lost) == [("addr", DOWN)]
        assert self.feed(translator, **lost) == []
        for status, state in (("Rejected", REJECTED), ("Unregistered", REGISTERING), ("Registered", UP)):
            registry = {"Event": "Registry", "Username": CLIENT, "Domain": "x", "Status": status}
            assert self.feed(translator, **registry) == [("acct", state)]

    def test_a_registration_of_nobody_we_know_changes_nothing(self) -> None:
        translator = self.translator()
        translator.trunks.changes(1.0)
        assert self.feed(translator, Event="Registry", Username="sip:other@192.0.2.9", Status="Rejected") == []

    def test_one_that_registers_and_does_not_answer_is_down(self) -> None:
        found = trunks(
            [{"ObjectName": "trunk-a"}],
            [{"Event": "ContactStatusDetail", "EndpointName": "trunk-a", "Status": "Unreachable"}],
            [
                {
                    "Event": "OutboundRegistrationDetail",
                    "ObjectName": "trunk-a",
                    "ClientUri": CLIENT,
                    "Status": "Registered",
                }
            ],
        )
        assert found.states() == {"a": DOWN}


class TestFreeSwitch:
    def read(self, *gateways: str) -> FsTrunks:
        found = FsTrunks()
        found.read(f"<?xml version='1.0'?><gateways>{''.join(gateways)}</gateways>")
        return found

    @pytest.mark.parametrize(
        ("listed", "state"),
        [
            (gateway("trunk-a", "NOREG", "UP"), UNKNOWN),
            (gateway("trunk-a", "NOREG", "UP", 30), UNKNOWN),
            (gateway("trunk-a", "NOREG", "UP", 30, "12.5"), UP),
            (gateway("trunk-a", "NOREG", "DOWN", 30), DOWN),
            (gateway("trunk-a", "REGED", "UP"), UP),
            (gateway("trunk-a", "REGED", "DOWN", 30), DOWN),
            (gateway("trunk-a", "TRYING", "DOWN"), REGISTERING),
            (gateway("trunk-a", "TRYING", "UP"), UP),
            (gateway("trunk-a", "FAIL_WAIT", "DOWN"), DOWN),
        ],
    )
    def test_the_list(self, listed: str, state: TrunkState) -> None:
        assert self.read(listed).states() == {"a": state}

    def test_what_is_no_list_changes_nothing_and_others_gateways_are_not_ours(self) -> None:
        found = self.read(gateway("trunk-a", "REGED", "UP"), gateway("switch-b", "NOREG", "UP"))
        assert found.states() == {"a": UP}
        for reply in ("-ERR", "", "<gateways><gateway>", "Invalid Gateway!"):
            found.read(reply)
            assert found.states() == {"a": UP}
        found.read("<gateways/>")
        assert found.states() == {}

    def test_a_registration_that_is_refused_and_tried_again(self) -> None:
        found, seen = FsTrunks(), []
        for event in (
            told("trunk-a", "TRYING", "DOWN"),
            told("trunk-a", "REGISTER", "DOWN", "200"),
            told("trunk-a", "REGED", "UP"),
            told("trunk-a", "TRYING", "UP"),
            told("trunk-a", "FAILED", "UP", "403"),
            told("trunk-a", "FAIL_WAIT", "DOWN"),
            told("trunk-a", "UNREGED", "DOWN"),
            told("trunk-a", "TRYING", "DOWN"),
            told("trunk-a", "FAILED", "DOWN", "408"),
            told("trunk-a", "FAIL_WAIT", "DOWN"),
            told("trunk-a", "REGED", "UP"),
        ):
            found.told(event)
            seen += [change.state for change in found.changes(1.0)]
        assert seen == [REGISTERING, UP, REJECTED, DOWN, UP]

    def test_a_ping_that_is_not_answered(self) -> None:
        found = self.read(gateway("trunk-a", "NOREG", "UP", 30, "3.00"))
        assert found.changes(1.0) == [TrunkChanged(1.0, "a", UP, 0.003)]
        found.told(told("trunk-a", "NOREG", "DOWN", "408"))
        assert found.changes(2.0) == [TrunkChanged(2.0, "a", DOWN, 0.0)]
        found.told(told("trunk-a", "NOREG", "UP", "200"))
        assert [c.state for c in found.changes(3.0)] == [UP]
        found.told(told("switch-b", "NOREG", "DOWN", "408"))
        assert found.changes(4.0) == []


@pytest.mark.parametrize(
    ("status", "cause", "answered", "key"),
    [
        (486, "busy", False, "busy"),
        (404, "unallocated", False, "no_such_number"),
        (407, "rejected", False, "wrong_password"),
        (488, "failed", False, "codec"),
        (302, "failed", False, "moved"),
        (499, "failed", False, "refused"),
        (599, "failed", False, "trouble"),
        (699, "failed", False, "declined"),
        (799, "failed", False, "failed"),
        (0, Cause.NO_ANSWER, False, "no_answer"),
        (0, Cause.UNREACHABLE, False, "no_reply"),
        (0, "made up", False, "failed"),
        (0, Cause.NORMAL, True, "answered"),
    ],
)
def test_the_far_sides_answer_has_a_key(status: int, cause: str, answered: bool, key: str) -> None:
    assert sip.explain(status, cause, answered=answered) == key
    assert key in sip.KEYS
