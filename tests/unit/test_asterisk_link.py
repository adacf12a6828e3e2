"""The Asterisk driver against a manager that misbehaves: cut links, silence, bursts, forged and broken frames."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cti.domain.errors import ChannelGone, CommandRefused, DeadlineExceeded, LinkDown
from cti.domain.switch.commands import (
    Bridge,
    DeviceTarget,
    Hangup,
    Originate,
    Play,
    SetState,
    TestCall,
    TrunkTarget,
    Unbridge,
)
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelBridged,
    ChannelHungUp,
    ChannelOffered,
    ChannelUnbridged,
    Digit,
    LinkLost,
    LinkUp,
    PlayEnd,
    PlayFinished,
)
from cti.domain.switch.terms import Capability, Cause
from cti.switches.asterisk import AsteriskSwitch
from tests.fakes.ami import FakeAmi, frame
from tests.fakes.events import EventLog

CALL = (Path(__file__).parents[1] / "captures" / "asterisk-22-call.ami").read_bytes()


def driver(port: int) -> AsteriskSwitch:
    return AsteriskSwitch(
        host="127.0.0.1", port=port, username="u", secret="s", prompts_dir="/prompts", spool_dir="/spool"
    )


@pytest.fixture
async def ami() -> AsyncIterator[FakeAmi]:
    async with FakeAmi() as server:
        yield server


@pytest.fixture
async def log() -> EventLog:
    return EventLog()


@pytest.fixture
async def switch(ami: FakeAmi, log: EventLog) -> AsyncIterator[AsteriskSwitch]:
    switch = driver(ami.port)
    await switch.start(log)
    await log.until(LinkUp)
    yield switch
    await switch.stop()


def agi_start(uniqueid: str, context: str = "callyard-trunk", **more: str) -> bytes:
    return frame(
        Event="AsyncAGIStart",
        Channel=f"PJSIP/trunk-t1-{uniqueid:0>8}",
        ChannelState="4",
        CallerIDNum="13800138000",
        CallerIDName="Demo",
        Context=context,
        Exten="8000",
        Uniqueid=uniqueid,
        **more,
    )


def hangup(uniqueid: str, cause: str = "16") -> bytes:
    return frame(Event="Hangup", Uniqueid=uniqueid, Cause=cause)


async def offered(ami: FakeAmi, log: EventLog, uniqueid: str) -> None:
    ami.send(agi_start(uniqueid))
    await log.until(ChannelOffered, channel=uniqueid)


async def test_a_link_cut_while_dialling_does_not_dial_again(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    ami.silent = {"Originate"}
    dialling = asyncio.create_task(switch.execute(Originate("o1", DeviceTarget("1001"), "8000")))
    await ami.received("Originate")
    since = log.mark()
    ami.cut()
    with pytest.raises(LinkDown):
        await dialling
    await log.until(LinkLost, since=since)
    ami.silent = set()
    await log.until(LinkUp, since=since)
    await switch.snapshot()
    assert len(ami.named("Originate")) == 1
    await switch.execute(Originate("o1", DeviceTarget("1001"), "8000"))
    assert len(ami.named("Originate")) == 1


@pytest.mark.parametrize(("uptime", "told"), [("7", 9.0), ("", None), ("-1", None), ("²", None), ("9" * 40, None)])
async def test_a_snapshot_tells_how_long_the_switch_has_run(
    ami: FakeAmi, log: EventLog, uptime: str, told: float | None
) -> None:
    def login(fields: dict[str, str]) -> bytes:
        booted = frame(Event="FullyBooted", Privilege="system,all", Uptime=uptime, LastReload="1")
        return f"Response: Success\r\nActionID: {fields['ActionID']}\r\n\r\n".encode() + booted

    ami.answers["Login"] = login
    switch, now = driver(ami.port), 1000.0
    switch.clock = lambda: now
    await switch.start(log)
    await log.until(LinkUp)
    now = 1002.0
    assert (await switch.snapshot()).up_for == told
    await switch.stop()


async def test_an_unanswered_action_expires_and_is_forgotten(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    await offered(ami, log, "c1")
    ami.silent = {"Setvar", "Status"}
    with pytest.raises(DeadlineExceeded):
        await switch.execute(SetState("c1", "x"), deadline=0.05)
    with pytest.raises(DeadlineExceeded):
        await switch.snapshot(deadline=0.05)
    assert switch._manager is not None
    assert switch._manager.open_actions == 0


async def test_a_manager_that_stops_answering_is_left(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.switches.asterisk.driver.PING_DEADLINE", 0.3)
    ami.silent = {"Ping"}
    await log.until(LinkLost)
    ami.silent = set()
    await log.until_true(lambda: len(log.all(LinkUp)) == 2, what="second LinkUp")


async def test_a_burst_of_ten_thousand_events_loses_none(ami: FakeAmi, switch: AsteriskSwitch, log: EventLog) -> None:
    await offered(ami, log, "c1")
    digit = "Event: DTMFEnd\r\nPrivilege: dtmf,all\r\nUniqueid: c1\r\nDirection: Received\r\nDigit: {}\r\n" + "".join(
        f"Header{n}: some value that is of no use\r\n" for n in range(20)
    )
    begun = time.process_time()
    ami.send("".join(digit.format(n % 10) + "\r\n" for n in range(10_000)).encode())
    await log.until_true(lambda: len(log.all(Digit)) == 10_000, deadline=15.0, what="10,000 digits")
    spent = time.process_time() - begun
    assert [d.digit for d in log.all(Digit)] == [str(n % 10) for n in range(10_000)]
    assert spent < 10.0
    await switch.execute(SetState("c1", "still-there"))


async def test_a_captured_call_sent_byte_by_byte_is_understood(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    ami.silent = {"Originate"}
    dialling = asyncio.create_task(switch.execute(Originate("captured-agent", DeviceTarget("1001"), "8000")))
    await ami.received("Originate")
    await ami.send_in_pieces(CALL, 1)
    await log.until(ChannelHungUp, channel="captured-agent")
    assert next(o.caller_name for o in log.all(ChannelOffered)) == "张三 😀"
    assert switch.channels == {}
    dialling.cancel()
    await asyncio.gather(dialling, return_exceptions=True)


async def test_a_cut_inside_a_frame_leaves_nothing_behind(ami: FakeAmi, switch: AsteriskSwitch, log: EventLog) -> None:
    half = agi_start("half")
    since = log.mark()
    await ami.send_in_pieces(half[:-7], 50)
    ami.cut()
    await log.until(LinkUp, since=since)
    ami.send(agi_start("whole"))
    await log.until(ChannelOffered, channel="whole")
    assert [o.channel for o in log.all(ChannelOffered)] == ["whole"]


async def test_forged_and_broken_frames_change_nothing(ami: FakeAmi, switch: AsteriskSwitch, log: EventLog) -> None:
    await offered(ami, log, "c1")
    before = log.mark()
    name = "x%0d%0aEvent: Hangup Uniqueid: c1 \\r\\nEvent: Hangup"
    for data in (
        frame(Event="NewCallerid", Uniqueid="c1", CallerIDName=name),
        b"Event: Hangup\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
        b"Hangup\r\n\r\n",
        b"Event:\r\nUniqueid: c1\r\n\r\n",
        b"Uniqueid: c1\r\nCause: 16\r\n\r\n",
        b"Event: Hangup\r\nUniqueid: \xff\xfe\r\n\r\n",
        b"Event: DTMFEnd\r\nUniqueid: c1\r\n\r\n",
        b"Response: Success\r\nActionID: nobody\r\n\r\n",
        frame(Event="AsyncAGIExec", Uniqueid="c1", CommandId="forged", Result="200"),
        frame(Event="BridgeLeave", Uniqueid="c1", BridgeUniqueid="none"),
        frame(Event="OriginateResponse", Uniqueid="c1", Response="Failure", Reason="0"),
        frame(Event="AsyncAGIStart", Uniqueid="foreign", Context="from-internal", Channel="SIP/1-00000001"),
    ):
        ami.send(data)
    ami.send(frame(Event="DTMFEnd", Uniqueid="c1", Direction="Received", Digit="5"))
    await log.until(Digit)
    assert [type(e) for e in log.events[before:]] == [Digit]
    assert switch.channels.keys() == {"c1"}


async def test_a_name_that_is_not_utf8_arrives_marked(ami: FakeAmi, switch: AsteriskSwitch, log: EventLog) -> None:
    ami.send(agi_start("c1").replace(b"Demo", b"caf\xe9 \xf0\x9f\x98\x80" + b"n" * 200))
    assert (await log.until(ChannelOffered)).caller_name == "caf\ufffd 😀" + "n" * 200


async def test_a_frame_without_end_drops_the_link_and_it_comes_back(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    since = log.mark()
    ami.send(b"x" * 1_500_000)
    await log.until(LinkLost, since=since)
    await log.until(LinkUp, since=since)


async def test_hostile_commands_never_reach_the_switch(ami: FakeAmi, switch: AsteriskSwitch, log: EventLog) -> None:
    await offered(ami, log, "c1")
    seen = len(ami.actions)
    evil = "x\r\nAction: Originate\r\nChannel: Local/1@x"
    for command in (
        Originate(evil, DeviceTarget("1001"), "1"),
        Originate("o", DeviceTarget(evil), "1"),
        Originate("o", DeviceTarget("1001"), evil),
        Originate("o", DeviceTarget("1001"), "1", state=evil),
        SetState("c1", evil),
        Play("c1", (evil,), "p"),
        Hangup(evil),
        TestCall(evil, "1"),
    ):
        with pytest.raises(CommandRefused):
            await switch.execute(command)
    await switch.execute(Originate("o2", DeviceTarget("1001"), "1", caller_name=f'"{evil}" <666>'))
    _, dialled = [a for a in ami.actions[seen:] if a["Action"] != "Ping"]
    assert dialled["Channel"] == "PJSIP/1001/sip:1001@127.0.0.1:5062"
    assert dialled["CallerID"] == '"xAction: OriginateChannel: Local/1@x 666" <1>'


async def test_the_outcome_of_dialling_may_come_before_the_answer(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    def answer(fields: dict[str, str]) -> bytes:
        ident = fields["ActionID"]
        outcome = frame(Event="OriginateResponse", ActionID=ident, Response="Failure", Reason="5", Uniqueid="o1")
        return outcome + frame(Response="Success", ActionID=ident, Message="Originate successfully queued")

    ami.answers["Originate"] = answer
    await switch.execute(Originate("o1", DeviceTarget("1001"), "8000"))
    assert (await log.until(ChannelHungUp)).cause is Cause.BUSY


async def test_the_outcome_of_dialling_may_overtake_the_channels_events(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    """Which say what the far side answered."""
    await switch.execute(Originate("o1", TrunkTarget("t1", "13800138000"), "8000"))
    outcome = frame(Event="OriginateResponse", Response="Failure", Reason="0", Uniqueid="o1")
    channel = frame(Event="Newchannel", Uniqueid="o1", Channel="PJSIP/trunk-t1-00000001")
    ami.send(outcome + channel + frame(Event="Hangup", Uniqueid="o1", Cause="1", TechCause="404"))
    ended = await log.until(ChannelHungUp)
    assert (ended.cause, ended.sip) == (Cause.UNALLOCATED, 404)
    assert switch.channels == {}


@pytest.mark.parametrize("name", ["Status", "PJSIPShowEndpoints", "PJSIPShowContacts"])
async def test_a_refused_list_is_an_empty_list(ami: FakeAmi, log: EventLog, name: str) -> None:
    ami.answers[name] = lambda fields: frame(Response="Error", ActionID=fields["ActionID"], Message="No such thing")
    switch = driver(ami.port)
    await switch.start(log)
    await log.until(LinkUp)
    assert (await switch.snapshot()).channels == ()
    await switch.stop()


async def test_a_switch_without_an_action_has_not_its_capability(ami: FakeAmi, log: EventLog) -> None:
    ami.answers["ListCommands"] = lambda fields: frame(Response="Success", ActionID=fields["ActionID"], MixMonitor="x")
    switch = driver(ami.port)
    await switch.start(log)
    await log.until(LinkUp)
    assert Capability.RECORD in switch.capabilities
    assert Capability.REMOTE_ANSWER not in switch.capabilities
    await switch.stop()


async def test_a_refused_login_is_told_once_and_tried_again(ami: FakeAmi, log: EventLog) -> None:
    ami.answers["Login"] = lambda f: frame(Response="Error", ActionID=f["ActionID"], Message="Authentication failed")
    switch = driver(ami.port)
    await switch.start(log)
    await ami.received("Login", 2)
    assert [type(e) for e in log.events] == [LinkLost]
    assert "Authentication failed" in log.all(LinkLost)[0].reason
    del ami.answers["Login"]
    await log.until(LinkUp)
    await switch.stop()


async def test_a_switch_error_about_the_channel_is_channel_gone(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    await offered(ami, log, "c1")
    ami.answers["Setvar"] = lambda f: frame(Response="Error", ActionID=f["ActionID"], Message="No such channel")
    with pytest.raises(ChannelGone):
        await switch.execute(SetState("c1", "x"))
    ami.answers["Setvar"] = lambda f: frame(Response="Error", ActionID=f["ActionID"], Message="Permission denied")
    with pytest.raises(CommandRefused, match="Permission denied"):
        await switch.execute(SetState("c1", "x"))


async def test_a_play_cut_off_by_a_lost_link_is_reported_as_failed(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    await offered(ami, log, "c1")
    await switch.execute(Play("c1", ("zh_CN/welcome", "zh_CN/menu"), "p1"))
    ami.status = [
        frame(
            Event="Status",
            Channel="PJSIP/trunk-t1-00000001",
            ChannelState="4",
            Context="callyard-trunk",
            Uniqueid="c1",
            Application="ControlPlayback",
            Variable="CY_DIALED=8000",
        )
    ]
    since = log.mark()
    ami.cut()
    await log.until(LinkUp, since=since)
    assert (await log.until(PlayFinished)).reason is PlayEnd.FAILED
    assert (await switch.snapshot()).channels[0].controlled


async def test_a_prompt_that_ends_because_of_the_hang_up_is_reported_as_failed(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    await offered(ami, log, "c1")
    await switch.execute(Play("c1", ("zh_CN/welcome", "zh_CN/menu"), "p1"))
    (prompt,) = await ami.received("AGI")
    ami.send(
        frame(Event="HangupRequest", Uniqueid="c1")
        + frame(Event="AsyncAGIExec", Uniqueid="c1", CommandId=prompt["CommandID"], Result="200%20result%3D-1")
        + hangup("c1")
    )
    ended = await log.until(ChannelHungUp)
    assert (ended.cause, ended.by_far_side) == (Cause.CANCELLED, True)
    assert [(e.play_id, e.reason) for e in log.all(PlayFinished)] == [("p1", PlayEnd.FAILED)]
    assert log.kinds("c1")[-2:] == [PlayFinished, ChannelHungUp]
    assert len(ami.named("AGI")) == 1


async def bridged(ami: FakeAmi, switch: AsteriskSwitch, log: EventLog) -> str:
    """Two callers in a bridge; ``c1`` holds it. Returns the id of its bridge command."""
    for uniqueid in ("c1", "c2"):
        await offered(ami, log, uniqueid)
        ami.send(frame(Event="Newstate", Uniqueid=uniqueid, ChannelState="6"))
        await log.until(ChannelAnswered, channel=uniqueid)
    await switch.execute(Bridge("c1", "c2"))
    for uniqueid in ("c2", "c1"):
        ami.send(frame(Event="BridgeEnter", Uniqueid=uniqueid, BridgeUniqueid="b"))
    await log.until(ChannelBridged, channel="c1", peer="c2")
    return next(a["CommandID"] for a in ami.named("AGI") if "EXEC Bridge" in a["Command"])


async def test_parting_who_is_just_being_left_alone_ends_under_control(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    command = await bridged(ami, switch, log)

    def too_late(fields: dict[str, str]) -> bytes:
        return (
            frame(Event="HangupRequest", Uniqueid="c2")
            + frame(Event="BridgeLeave", Uniqueid="c2", BridgeUniqueid="b")
            + hangup("c2")
            + frame(Event="BridgeLeave", Uniqueid="c1", BridgeUniqueid="b")
            + frame(Event="AsyncAGIExec", Uniqueid="c1", CommandId=command, Result="200%20result%3D0")
            + frame(Response="Error", ActionID=fields["ActionID"], Message="ExtraChannel does not exist: c2")
        )

    ami.answers["Redirect"] = too_late
    await switch.execute(Unbridge("c1"))
    await log.until(ChannelUnbridged, channel="c1")
    assert len(log.all(ChannelUnbridged)) == 1
    await switch.execute(Play("c1", ("zh_CN/welcome",), "p1"))


async def test_parted_channels_report_themselves_once(ami: FakeAmi, switch: AsteriskSwitch, log: EventLog) -> None:
    command = await bridged(ami, switch, log)
    await switch.execute(Unbridge("c2"))
    for uniqueid in ("c1", "c2"):
        ami.send(frame(Event="BridgeLeave", Uniqueid=uniqueid, BridgeUniqueid="b"))
    ami.send(frame(Event="AsyncAGIExec", Uniqueid="c1", CommandId=command, Result="200%20result%3D0"))
    for uniqueid in ("c1", "c2"):
        ami.send(agi_start(uniqueid, context="callyard-parked"))
    await log.until(ChannelUnbridged, channel="c2")
    assert [e.channel for e in log.all(ChannelUnbridged)] == ["c1", "c2"]


async def test_a_bridge_that_never_came_about_leaves_both_under_control(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    for uniqueid in ("c1", "c2"):
        await offered(ami, log, uniqueid)
        ami.send(frame(Event="Newstate", Uniqueid=uniqueid, ChannelState="6"))
        await log.until(ChannelAnswered, channel=uniqueid)
    await switch.execute(Bridge("c1", "c2"))
    command = next(a["CommandID"] for a in ami.named("AGI") if "EXEC Bridge" in a["Command"])
    ami.send(frame(Event="AsyncAGIExec", Uniqueid="c1", CommandId=command, Result="200%20result%3D0"))
    await log.until(ChannelUnbridged, channel="c2")
    assert log.all(ChannelBridged) == []
    for uniqueid in ("c1", "c2"):
        await switch.execute(Play(uniqueid, ("zh_CN/welcome",), "p1"))


async def test_what_happens_while_the_truth_is_read_comes_after_link_up(ami: FakeAmi, log: EventLog) -> None:
    def late_truth(fields: dict[str, str]) -> bytes:
        ident = fields["ActionID"]
        done = frame(Event="StatusComplete", ActionID=ident, EventList="Complete")
        return agi_start("c1") + frame(Response="Success", ActionID=ident, EventList="start") + done

    ami.answers["Status"] = late_truth
    switch = driver(ami.port)
    await switch.start(log)
    await log.until(ChannelOffered)
    assert [type(e) for e in log.events] == [LinkUp, ChannelOffered]
    await switch.stop()


async def test_nothing_grows_over_many_calls(ami: FakeAmi, switch: AsteriskSwitch, log: EventLog) -> None:
    for n in range(200):
        uniqueid = f"c{n}"
        ami.send(
            agi_start(uniqueid)
            + frame(Event="Newstate", Uniqueid=uniqueid, ChannelState="6")
            + frame(Event="BridgeEnter", Uniqueid=uniqueid, BridgeUniqueid=f"b{n}")
            + hangup(uniqueid)
        )
    await log.until(ChannelHungUp, channel="c199")
    assert len(log.all(ChannelAnswered)) == 200
    assert switch.channels == {}
    assert switch._translator._bridges == {}
    assert switch._manager is not None
    assert switch._manager.open_actions <= 1
