"""The FreeSWITCH driver against an event socket that misbehaves: cuts, silence, bursts, forged and broken frames."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cti.domain.errors import ChannelGone, CommandRefused, DeadlineExceeded, LinkDown
from cti.domain.switch.commands import (
    Bridge,
    DeviceTarget,
    Hangup,
    Music,
    Originate,
    Play,
    SetState,
    TestCall,
    Unbridge,
)
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelBridged,
    ChannelHungUp,
    ChannelOffered,
    ChannelUnbridged,
    DeviceRegistered,
    Digit,
    LinkLost,
    LinkUp,
    PlayEnd,
    PlayFinished,
)
from cti.domain.switch.terms import Cause
from cti.switches.freeswitch import FreeSwitch
from tests.fakes.esl import FakeEsl, event, framed, parked
from tests.fakes.events import EventLog

CALL = gzip.decompress((Path(__file__).parents[1] / "captures" / "freeswitch-1.10.12-call.json.esl.gz").read_bytes())


def driver(port: int, password: str = "secret") -> FreeSwitch:
    return FreeSwitch(host="127.0.0.1", port=port, password=password, prompts_dir="/prompts", spool_dir="/spool")


@pytest.fixture
async def esl() -> AsyncIterator[FakeEsl]:
    async with FakeEsl() as server:
        yield server


@pytest.fixture
async def log() -> EventLog:
    return EventLog()


@pytest.fixture
async def switch(esl: FakeEsl, log: EventLog) -> AsyncIterator[FreeSwitch]:
    switch = driver(esl.port)
    await switch.start(log)
    await log.until(LinkUp)
    yield switch
    await switch.stop()


def gone(channel: str, cause: str = "NORMAL_CLEARING") -> bytes:
    return event("CHANNEL_HANGUP_COMPLETE", channel, Hangup_Cause=cause)


async def offered(esl: FakeEsl, log: EventLog, channel: str) -> None:
    esl.send(parked(channel))
    await log.until(ChannelOffered, channel=channel)


async def test_a_link_cut_while_dialling_does_not_dial_again(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    esl.silent = {"originate"}
    dialling = asyncio.create_task(switch.execute(Originate("o1", DeviceTarget("1001"), "8000")))
    await esl.received("originate")
    since = log.mark()
    esl.cut()
    with pytest.raises(LinkDown):
        await dialling
    await log.until(LinkLost, since=since)
    esl.silent = set()
    await log.until(LinkUp, since=since)
    await switch.snapshot()
    assert len(esl.named("originate")) == 1
    await switch.execute(Originate("o1", DeviceTarget("1001"), "8000"))
    assert len(esl.named("originate")) == 1


async def test_a_snapshot_tells_how_long_the_switch_has_run(esl: FakeEsl, switch: FreeSwitch) -> None:
    assert (await switch.snapshot()).up_for == 65.0
    esl.up = "-ERR nothing of the kind"
    assert (await switch.snapshot()).up_for is None


async def test_a_late_reply_is_nobody_elses(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    await offered(esl, log, "c1")
    esl.silent = {"uuid_setvar", "sendmsg"}
    with pytest.raises(DeadlineExceeded):
        await switch.execute(SetState("c1", "x"), deadline=0.05)
    assert switch._link is not None
    assert switch._link.waiting == {}
    answering = asyncio.create_task(switch.execute(Music("c1", on=True)))
    await esl.received("sendmsg", "c1")
    esl.send_unasked(esl.body("-ERR No such channel!"))
    esl.send_unasked(esl.reply("+OK"))
    await answering


async def test_a_switch_that_stops_answering_is_left(
    esl: FakeEsl, switch: FreeSwitch, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.switches.freeswitch.driver.PING_DEADLINE", 0.3)
    esl.silent = {"version"}
    await log.until(LinkLost)
    esl.silent = set()
    await log.until_true(lambda: len(log.all(LinkUp)) == 2, what="second LinkUp")


async def test_a_socket_that_never_greets_is_left(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cti.switches.freeswitch.driver.CONNECT_DEADLINE", 0.3)
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    switch = driver(server.sockets[0].getsockname()[1])
    await switch.start(log)
    lost = await log.until(LinkLost, deadline=8.0)
    assert "within" in lost.reason
    await switch.stop()
    server.close()
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)


async def test_a_burst_of_ten_thousand_events_loses_none(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    await offered(esl, log, "c1")
    noise = {f"variable_header_{n}": "some value that is of no use" for n in range(20)}
    begun = time.process_time()
    esl.send(b"".join(event("DTMF", "c1", DTMF_Digit=str(n % 10), **noise) for n in range(10_000)))
    await log.until_true(lambda: len(log.all(Digit)) == 10_000, deadline=15.0, what="10,000 digits")
    assert [d.digit for d in log.all(Digit)] == [str(n % 10) for n in range(10_000)]
    assert time.process_time() - begun < 10.0
    assert switch._link is not None
    counts = switch._link.counts
    assert counts.handed == counts.taken
    assert 0 < counts.most_waiting <= counts.handed
    await switch.execute(SetState("c1", "still-there"))


async def test_a_receiver_too_far_behind_loses_the_link_not_events(
    esl: FakeEsl, switch: FreeSwitch, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.switches.freeswitch.guarded.MOST_WAITING", 50)
    since = log.mark()
    esl.send(b"".join(event("DTMF", "nobody", DTMF_Digit="1") for _ in range(2_000)))
    await asyncio.sleep(0)
    lost = await log.until(LinkLost, since=since)
    assert "wait to be taken" in lost.reason
    await log.until(LinkUp, since=since)


@pytest.mark.parametrize("size", [61, 1_000])
async def test_a_captured_call_in_pieces_is_understood(
    esl: FakeEsl, switch: FreeSwitch, log: EventLog, size: int
) -> None:
    await switch.execute(Originate("captured-agent", DeviceTarget("1001"), "8000"))
    await esl.send_in_pieces(CALL, size)
    await log.until(ChannelHungUp, channel="captured-agent", deadline=20.0)
    (call,) = log.all(ChannelOffered)
    assert (call.caller_name, call.dialed, call.trunk) == ("张三 😀", "8000", "t1")
    assert [d.digit for d in log.all(Digit)] == ["2"]
    assert len(log.all(ChannelUnbridged, channel="captured-agent")) == 1
    assert [e.channel for e in log.all(ChannelHungUp)] == [call.channel, "captured-agent"]
    await log.until(DeviceRegistered, device="1001", registered=True)
    assert switch.channels == {}


async def test_a_cut_inside_a_frame_leaves_nothing_behind(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    half = parked("half")
    for cut in (10, 60, len(half) - 5):
        since = log.mark()
        await esl.send_in_pieces(half[:cut], 50)
        esl.end()
        await log.until(LinkUp, since=since)
    esl.send(parked("whole"))
    await log.until(ChannelOffered, channel="whole")
    assert [o.channel for o in log.all(ChannelOffered)] == ["whole"]


async def test_what_was_read_before_the_end_is_not_lost(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    await offered(esl, log, "c1")
    esl.send(b"".join(event("DTMF", "c1", DTMF_Digit="7") for _ in range(500)))
    esl.end()
    await log.until(LinkLost)
    lost = next(i for i, e in enumerate(log.events) if isinstance(e, LinkLost))
    assert sum(isinstance(e, Digit) for e in log.events[:lost]) == 500


async def test_forged_and_broken_frames_change_nothing(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    await offered(esl, log, "c1")
    before = log.mark()
    for data in (
        b"\n\n\n\n",
        b"Content-Type: text/event-json\n\n",
        b"nonsense without a colon\n\n",
        b"Content-Type: command/reply\nReply-Text: +OK nobody asked\n\n",
        b"Content-Type: log/data\nContent-Length: 5\n\nhello",
        b"Content-Type: text/event-plain\nContent-Length: 47\n\nEvent-Name: CHANNEL_HANGUP_COMPLETE\nUnique-ID: c1",
        framed(b""),
        framed(b"[1, 2]"),
        framed(b'{"Event-Name": "CHANNEL_HANGUP_COMPLETE", "Unique-ID": 7}'),
        framed(b'{"Event-Name": ["CHANNEL_HANGUP_COMPLETE"]}'),
        framed(b'{"Unique-ID": "c1"}'),
        framed(b'{"Event-Name": "DTMF", "Unique-ID": "\xff\xfe"}'),
        gone("nobody"),
        event("CHANNEL_PARK", "foreign", Call_Direction="inbound", Caller_Context="default"),
        event("CHANNEL_EXECUTE_COMPLETE", "c1", Application_UUID="forged"),
        event("CHANNEL_UNBRIDGE", "c1"),
        event("RECORD_STOP", "c1", Record_File_Path="/etc/passwd"),
        event("BACKGROUND_JOB", Job_UUID="forged", _body="-ERR NO_ANSWER"),
        event("CUSTOM", Event_Subclass="sofia::register", from_user="nobody-of-ours"),
    ):
        esl.send(data)
    esl.send(event("DTMF", "c1", DTMF_Digit="5"))
    await log.until(Digit)
    assert [type(e) for e in log.events[before:]] == [Digit]
    assert switch.channels.keys() == {"c1"}
    await switch.execute(SetState("c1", "x"))


async def test_a_name_that_is_not_utf8_arrives_marked(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    esl.send(parked("c1", Caller_Caller_ID_Name="caf\udce9 😀" + "n" * 200))
    assert (await log.until(ChannelOffered)).caller_name == "caf\ufffd 😀" + "n" * 200


async def test_a_frame_without_end_drops_the_link_and_it_comes_back(
    esl: FakeEsl, switch: FreeSwitch, log: EventLog
) -> None:
    since = log.mark()
    esl.send(b"x" * 500_000)
    await log.until(LinkLost, since=since)
    await log.until(LinkUp, since=since)


async def test_a_goodbye_is_a_loss(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    esl.send(b"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nContent-Length: 3\n\nbye")
    esl.send(b"Content-Type: text/disconnect-notice\nContent-Length: 3\n\nbye")
    assert "ended the connection" in (await log.until(LinkLost)).reason
    await log.until_true(lambda: len(log.all(LinkUp)) == 2, what="second LinkUp")


async def test_hostile_commands_never_reach_the_switch(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    await offered(esl, log, "c1")
    seen = len(esl.lines)
    evil = "x\n\napi fsctl shutdown now"
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
    name = f"',x='y'}}{{${{system ls}} {evil}"
    await switch.execute(Originate("o2", DeviceTarget("1001"), "1", caller_name=name))
    (dialled,) = [line for line in esl.lines[seen:] if "originate" in line]
    assert not any("fsctl" in line for line in esl.lines[seen:] if line is not dialled)
    assert dialled.startswith("bgapi originate {origination_uuid='o2',")
    assert "origination_caller_id_name='xysystem ls xapi fsctl shutdown now'" in dialled
    assert "fsctl" not in dialled.replace("xysystem ls xapi fsctl shutdown now", "")


async def test_a_phone_that_is_not_there_ends_the_channel(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    esl.jobs["originate"] = "-ERR USER_NOT_REGISTERED\n"
    await switch.execute(Originate("o1", DeviceTarget("1001"), "8000"))
    ended = await log.until(ChannelHungUp, channel="o1")
    assert (ended.cause, ended.by_far_side) == (Cause.UNREACHABLE, False)
    assert switch.channels == {}


async def test_a_channel_given_up_before_it_exists_is_ended_when_it_does(
    esl: FakeEsl, switch: FreeSwitch, log: EventLog
) -> None:
    await switch.execute(Originate("o1", DeviceTarget("1001"), "8000"))
    esl.answers["uuid_kill"] = lambda _: esl.body("-ERR No such channel!\n")
    await switch.execute(Hangup("o1"))
    assert len(esl.named("uuid_kill o1")) == 1
    esl.send(event("CHANNEL_CREATE", "o1"))
    await esl.received("uuid_kill o1", count=2)
    esl.send(gone("o1", "ORIGINATOR_CANCEL"))
    assert (await log.until(ChannelHungUp)).cause is Cause.CANCELLED


async def test_a_park_with_a_time_limit_is_made_anew(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    await offered(esl, log, "c1")
    esl.send(parked("c1", variable_park_after_bridge=""))
    await esl.received("uuid_setvar c1 park_after_bridge true")
    await esl.received("uuid_transfer c1 park XML callyard-parked")


async def test_a_prompt_that_was_playing_when_the_link_was_lost_has_failed(
    esl: FakeEsl, switch: FreeSwitch, log: EventLog
) -> None:
    await offered(esl, log, "c1")
    esl.dumps["c1"] = {
        "Unique-ID": "c1",
        "Call-Direction": "inbound",
        "Channel-State": "CS_EXECUTE",
        "Answer-State": "answered",
        "variable_cy_dialed": "8000",
    }
    await switch.execute(Play("c1", ("a/b",), "p1"))
    since = log.mark()
    esl.cut()
    finished = await log.until(PlayFinished, since=since)
    assert (finished.play_id, finished.reason) == ("p1", PlayEnd.FAILED)
    assert [type(e) for e in log.events[since:]] == [LinkLost, LinkUp, PlayFinished]


async def test_a_channel_gone_meanwhile_is_told_as_gone(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    await offered(esl, log, "c1")
    esl.answers["uuid_setvar"] = lambda _: esl.body("-ERR No such channel!\n")
    with pytest.raises(ChannelGone):
        await switch.execute(SetState("c1", "x"))
    esl.answers["sendmsg"] = lambda _: esl.reply("-ERR invalid session id [c1]")
    with pytest.raises(ChannelGone):
        await switch.execute(Music("c1", on=True))


async def test_stopping_leaves_no_thread(esl: FakeEsl, log: EventLog) -> None:
    before = threading.active_count()
    switch = driver(esl.port)
    await switch.start(log)
    await log.until(LinkUp)
    assert [t for t in threading.enumerate() if t.name == "esl freeswitch"]
    await switch.stop()
    assert not [t for t in threading.enumerate() if t.name == "esl freeswitch"]
    assert threading.active_count() <= before + 1  # the loop's own helper


async def test_a_phone_that_registers_while_we_ask_whether_it_went_is_there(
    esl: FakeEsl, switch: FreeSwitch, log: EventLog
) -> None:
    """As when a page with a browser phone is loaded anew: the answer is older than the registration."""
    registration = event(
        "CUSTOM",
        Event_Subclass="sofia::register",
        from_user="1001",
        network_ip="127.0.0.1",
        network_port="5070",
        contact="sip:1001@127.0.0.1",
    )
    esl.send(registration)
    await log.until(DeviceRegistered, device="1001", registered=True)
    plain = esl.answer_job

    def late(text: str) -> bytes:
        reply, answer = plain(text)
        return reply + registration + answer

    esl.answers["list_users"] = late
    esl.send(event("CUSTOM", Event_Subclass="sofia::unregister", from_user="1001"))
    await esl.received("list_users", count=2)
    await offered(esl, log, "c1")
    await switch.execute(SetState("c1", "x"))
    assert [e.registered for e in log.all(DeviceRegistered)] == [True]


def parked_dump(channel: str) -> dict[str, str]:
    return {
        "Unique-ID": channel,
        "Call-Direction": "inbound",
        "Channel-State": "CS_PARK",
        "Answer-State": "answered",
        "variable_cy_dialed": "8000",
    }


async def test_who_hung_up_while_the_snapshot_was_taken_does_not_come_back(
    esl: FakeEsl, switch: FreeSwitch, log: EventLog
) -> None:
    await offered(esl, log, "c1")
    esl.dumps["c1"] = parked_dump("c1")
    assert [c.channel for c in (await switch.snapshot()).channels] == ["c1"]
    esl.send(gone("c1"))
    await log.until(ChannelHungUp)
    assert (await switch.snapshot()).channels == ()
    assert switch.channels == {}


async def test_who_is_left_tells_that_the_other_one_hung_up(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    """Also what happened while the link was lost. A phone that fell silent has not hung up."""
    why = {"c1": "NORMAL_CLEARING", "c2": "MEDIA_TIMEOUT", "c3": ""}
    for channel, cause in why.items():
        esl.dumps[channel] = parked_dump(channel) | {"variable_last_bridge_to": "o1"}
        esl.dumps[channel] |= {"variable_last_bridge_hangup_cause": cause} if cause else {}
    assert {c.channel: c.left_by for c in (await switch.snapshot()).channels} == {"c1": "o1", "c2": "", "c3": ""}


async def test_two_that_never_came_together_are_ours_again(esl: FakeEsl, log: EventLog) -> None:
    now = [1000.0]
    switch = FreeSwitch(
        host="127.0.0.1", port=esl.port, password="secret", prompts_dir="/p", spool_dir="/s", clock=lambda: now[0]
    )
    await switch.start(log)
    await log.until(LinkUp)
    for channel in ("c1", "c2"):
        await offered(esl, log, channel)
        esl.send(event("CHANNEL_ANSWER", channel))
        esl.dumps[channel] = parked_dump(channel)
    await log.until(ChannelAnswered, channel="c2")
    await switch.execute(Bridge("c1", "c2"))
    await switch.snapshot()
    assert log.all(ChannelUnbridged) == []
    now[0] += 4
    await switch.snapshot()
    assert [e.channel for e in log.all(ChannelUnbridged)] == ["c1", "c2"]
    await switch.execute(Bridge("c1", "c2"))
    await switch.stop()


async def talking(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    for channel in ("c1", "c2"):
        await offered(esl, log, channel)
        esl.send(event("CHANNEL_ANSWER", channel))
    await log.until(ChannelAnswered, channel="c2")
    await switch.execute(Bridge("c1", "c2"))
    esl.send(event("CHANNEL_BRIDGE", "c1", Other_Leg_Unique_ID="c2"))
    await log.until(ChannelBridged)
    await switch.execute(Unbridge("c1"))


async def test_who_is_joined_again_at_once_is_left_alone(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    await talking(esl, switch, log)
    for channel in ("c1", "c2"):
        esl.send(event("CHANNEL_UNBRIDGE", channel))
        esl.send(parked(channel))
        await log.until(ChannelUnbridged, channel=channel)
    await switch.execute(Bridge("c1", "c2"))
    pings = len(esl.named("version"))
    await esl.received("version", count=pings + 2)
    assert esl.named("uuid_transfer") == []


async def test_who_does_not_park_after_parting_is_parked(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    await talking(esl, switch, log)
    esl.send(event("CHANNEL_UNBRIDGE", "c1"))
    esl.send(parked("c2"))
    await esl.received("uuid_transfer c1 park XML callyard-parked")
    esl.send(parked("c1"))
    await log.until(ChannelUnbridged, channel="c1")
    assert esl.named("uuid_transfer c2") == []


async def test_who_is_unparked_by_nobody_is_parked_again(esl: FakeEsl, switch: FreeSwitch, log: EventLog) -> None:
    await offered(esl, log, "c1")
    esl.send(event("CHANNEL_UNPARK", "c1"))
    await esl.received("uuid_transfer c1 park XML callyard-parked")
    esl.send(event("CHANNEL_HANGUP", "c1"))
    esl.send(event("CHANNEL_UNPARK", "c1"))
    esl.send(gone("c1"))
    await log.until(ChannelHungUp)
    assert len(esl.named("uuid_transfer c1")) == 1


INTRUDER = {"Call_Direction": "inbound", "variable_sip_replaces_call_id": "c1"}


async def test_who_calls_in_place_of_another_call_is_ended_and_not_offered(
    esl: FakeEsl, switch: FreeSwitch, log: EventLog
) -> None:
    esl.send(event("CHANNEL_CREATE", "x1", **INTRUDER))
    await esl.received("uuid_kill")
    esl.send(parked("x1", **INTRUDER))
    await offered(esl, log, "c1")
    assert [e.channel for e in log.all(ChannelOffered)] == ["c1"]
    assert esl.named("uuid_kill") == ["api uuid_kill x1 CALL_REJECTED"]


async def test_who_came_so_while_nobody_looked_is_found_and_ended(esl: FakeEsl, switch: FreeSwitch) -> None:
    fields = {"Unique-ID": "x2", "Call-Direction": "inbound", "variable_sip_replaces_call_id": "c1"}
    esl.dumps["x2"] = fields | {"variable_cy_dialed": "8000"}
    assert (await switch.snapshot()).channels == ()
    await esl.received("uuid_kill")
    assert esl.named("uuid_kill") == ["api uuid_kill x2 CALL_REJECTED"]
