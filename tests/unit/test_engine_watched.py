"""Calls on lines that are only listened to: in the ledger, recorded, on the agent's page, and never driven."""

from __future__ import annotations

from typing import Any

import pytest

from cti.domain.config.agents import AgentConfig
from cti.domain.config.centre import CentreConfig
from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import RecordStart, SetState
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelHungUp,
    ChannelWatched,
    LinkLost,
    LinkUp,
    RecordingStarted,
    RecordingStopped,
    SwitchEvent,
)
from cti.domain.switch.snapshot import ChannelSnapshot, Snapshot
from cti.domain.switch.terms import Cause
from cti.services.effects import Effect, Log, Publish, SwitchCommand
from cti.services.engine import Engine

BOARD, CHANNEL = "board", "board-1.1"
IN = ChannelWatched(0, CHANNEL, True, "13800138000", "", "02160000000", "1001")
OUT = ChannelWatched(0, CHANNEL, False, "02160000000", "", "0", "1001")


class Tapped:
    """An engine on a board, one agent, and all that it has asked for."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.effects: list[Effect] = []
        self.anew()

    def anew(self) -> None:
        self.engine = Engine([BOARD])
        self.engine.on_config(self.now, CentreConfig(version=1, agents=(AgentConfig("a1", "1001", "A"),)))
        self.tell(LinkUp(self.now))
        self.snapshot()

    def tell(self, *events: SwitchEvent) -> None:
        for event in events:
            self.now += 1
            self.effects += self.engine.on_event(self.now, BOARD, event)

    def snapshot(self, *channels: ChannelSnapshot, later: float = 30.0) -> None:
        self.now += later
        ledger = {call["call_id"]: call for _, call in self.logged}
        self.effects += self.engine.on_snapshot(self.now, BOARD, Snapshot(self.now, channels), self.now, ledger)

    @property
    def logged(self) -> list[tuple[str, dict[str, Any]]]:
        logs = [one.document for one in self.effects if isinstance(one, Log) and one.subject.startswith("cy.log.call.")]
        return [(document["event"], document["call"]) for document in logs]

    @property
    def last(self) -> dict[str, Any]:
        return self.logged[-1][1]

    def commands(self, kind: type) -> list[Any]:
        found = (one.command for one in self.effects if isinstance(one, SwitchCommand))
        return [command for command in found if isinstance(command, kind)]

    @property
    def page(self) -> Any:
        """What the agent's page was told last."""
        told = [one.document for one in self.effects if isinstance(one, Publish) and one.subject == "cy.evt.agent.a1"]
        return told[-1]["watched"]

    def on_the_switch(self, answered: bool = True) -> ChannelSnapshot:
        (state,) = {command.state for command in self.commands(SetState)}
        return ChannelSnapshot(
            CHANNEL, "13800138000", "", "02160000000", answered, False, "", state, "1001", incoming=True, watched=True
        )


@pytest.fixture
def line() -> Tapped:
    return Tapped()


def test_a_call_to_the_telephone_is_in_the_ledger_from_ring_to_end(line: Tapped) -> None:
    line.tell(IN)
    assert (line.page["state"], line.page["number"], line.page["direction"]) == ("offered", "13800138000", "inbound")
    assert not line.commands(RecordStart)
    line.tell(ChannelAnswered(0, CHANNEL))
    assert line.page["state"] == "talking"
    (record,) = line.commands(RecordStart)
    line.tell(
        RecordingStarted(0, CHANNEL, record.recording_id),
        RecordingStopped(0, CHANNEL, record.recording_id, "a.raw"),
        ChannelHungUp(0, CHANNEL, Cause.NORMAL, True),
    )
    assert [event for event, _ in line.logged] == ["offered", "established", "callCleared"]
    assert (line.last["ani"], line.last["dnis"], line.last["cause"]) == ("13800138000", "02160000000", "normal")
    assert (line.last["watched"], line.last["state"]) == (True, "ended")
    assert [leg["kind"] for leg in line.last["legs"]] == ["customer", "agent"]
    assert line.last["legs"][1]["agent_id"] == line.last["recordings"][0]["agent_id"] == "a1"
    assert all(leg["ended_at"] and leg["joined"] for leg in line.last["legs"])
    files = [one.document["file"] for one in line.effects if isinstance(one, Log) and "recording" in one.subject]
    assert files == ["a.raw"]
    assert line.page is None
    assert not line.engine.centre.watched


def test_a_call_that_nobody_takes_is_not_recorded(line: Tapped) -> None:
    line.tell(IN, ChannelHungUp(0, CHANNEL, Cause.CANCELLED, True))
    assert (line.last["cause"], line.last["answered_at"]) == ("cancelled", None)
    assert not line.commands(RecordStart)


def test_a_call_out_is_recorded_from_its_first_digit_and_has_the_whole_number(line: Tapped) -> None:
    line.tell(OUT)
    assert len(line.commands(RecordStart)) == 1
    line.tell(ChannelWatched(0, CHANNEL, False, "02160000000", "", "013900001111", "1001"))
    line.tell(ChannelAnswered(0, CHANNEL), ChannelHungUp(0, CHANNEL, Cause.NORMAL, True))
    assert (line.last["direction"], line.last["dnis"], line.last["ani"]) == ("outbound", "013900001111", "02160000000")
    assert line.last["legs"][0]["number"] == "013900001111"
    assert len(line.commands(RecordStart)) == 1


def test_the_agent_stays_what_they_are_and_the_call_cannot_be_driven(line: Tapped) -> None:
    before = line.engine.centre.agents["a1"].state
    line.tell(IN, ChannelAnswered(0, CHANNEL))
    assert line.engine.centre.agents["a1"].state == before
    assert not line.engine.centre.calls
    for op in ("hangup", "hold", "transfer"):
        reply, _ = line.engine.agent_request(line.now, {"op": op, "agent_id": "a1", "number": "1002"})
        assert not reply["ok"]
    reply, _ = line.engine.supervisor_request(line.now, {"op": "drop", "call_id": line.last["call_id"]})
    assert not reply["ok"]


def test_a_telephone_of_nobody_has_a_call_without_an_agent(line: Tapped) -> None:
    line.tell(ChannelWatched(0, CHANNEL, True, "1380013\u0000800", "", "02160000000", ""))
    assert [leg["kind"] for leg in line.last["legs"]] == ["customer"]
    assert line.last["ani"] == "1380013800"


def test_a_restarted_engine_goes_on_with_the_call_and_its_recording(line: Tapped) -> None:
    line.tell(IN, ChannelAnswered(0, CHANNEL))
    call_id, (record,) = line.last["call_id"], line.commands(RecordStart)
    line.anew()
    line.snapshot(line.on_the_switch())
    assert line.page["call_id"] == call_id
    reply, _ = line.engine.centre_request(line.now, {"op": "call_ids"})
    assert reply["call_ids"] == [call_id]
    stopped = RecordingStopped(0, CHANNEL, record.recording_id, "a.raw")
    line.tell(stopped, ChannelHungUp(0, CHANNEL, Cause.NORMAL, True))
    assert (line.last["call_id"], line.last["state"]) == (call_id, "ended")
    assert len(line.commands(RecordStart)) == 1
    assert any(
        isinstance(one, Log) and one.subject == f"cy.log.recording.{record.recording_id}" for one in line.effects
    )


def test_what_the_ledger_has_lost_is_taken_up_as_a_new_call(line: Tapped) -> None:
    line.tell(IN)
    shown = line.on_the_switch()
    line.effects.clear()
    line.anew()
    line.snapshot(shown)
    assert [event for event, _ in line.logged] == ["offered", "established"]
    assert len(line.commands(RecordStart)) == 1


def test_what_happened_while_the_link_was_lost_comes_with_the_snapshot(line: Tapped) -> None:
    line.tell(IN, LinkLost(0, "cut"), LinkUp(0))
    line.snapshot(line.on_the_switch())
    assert line.logged[-1][0] == "established"
    line.tell(LinkLost(0, "cut"), LinkUp(0))
    line.snapshot()
    assert (line.logged[-1][0], line.last["cause"]) == ("callCleared", "failed")
    assert line.page is None


def test_a_recording_that_does_not_start_is_none(line: Tapped) -> None:
    line.tell(IN, ChannelAnswered(0, CHANNEL))
    (asked,) = [one for one in line.effects if isinstance(one, SwitchCommand) and isinstance(one.command, RecordStart)]
    line.effects += line.engine.on_failed(line.now, asked, CommandRefused("full"))
    line.tell(ChannelHungUp(0, CHANNEL, Cause.NORMAL, True))
    (recording,) = line.last["recordings"]
    assert recording["started_at"] == recording["ended_at"]
