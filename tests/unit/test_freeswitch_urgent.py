"""What keeps events and commands from waiting: for FreeSWITCH to look, and for each other."""

from __future__ import annotations

import asyncio

from cti.domain.switch.commands import DeviceTarget, Music, Originate, SetState
from cti.domain.switch.events import ChannelHungUp, ChannelOffered, LinkLost, LinkUp
from cti.switches.freeswitch import FreeSwitch
from tests.fakes.esl import FakeEsl, event, parked
from tests.fakes.events import EventLog


def waiting_caller(channel: str) -> dict[str, str]:
    return {
        "Unique-ID": channel,
        "Call-Direction": "inbound",
        "Channel-State": "CS_EXECUTE",
        "Answer-State": "answered",
        "variable_cy_dialed": "8000",
    }


def driver(esl: FakeEsl) -> FreeSwitch:
    return FreeSwitch(
        host="127.0.0.1", port=esl.port, password=esl.password, prompts_dir="/prompts", spool_dir="/spool"
    )


async def test_events_are_asked_for_all_the_time_while_there_is_a_call_and_only_then() -> None:
    async with FakeEsl() as esl:
        log, switch = EventLog(), driver(esl)
        await switch.start(log)
        await log.until(LinkUp)
        await esl.received("version", count=1)
        assert esl.empty_lines == 0

        esl.send(parked("c1"))
        await log.until(ChannelOffered, channel="c1")
        await esl.asked_for_events(20)

        esl.send(event("CHANNEL_HANGUP_COMPLETE", "c1", Hangup_Cause="NORMAL_CLEARING"))
        await log.until(ChannelHungUp, channel="c1")
        pings = len(esl.named("version"))
        await esl.received("version", count=pings + 1)
        so_far = esl.empty_lines
        await esl.received("version", count=pings + 2)
        assert esl.empty_lines == so_far
        await switch.stop()


async def test_calls_that_were_there_at_the_connect_are_urgent_too() -> None:
    async with FakeEsl() as esl:
        esl.dumps["c1"] = waiting_caller("c1")
        log, switch = EventLog(), driver(esl)
        await switch.start(log)
        await log.until(LinkUp)
        await esl.asked_for_events(20)
        await switch.stop()


async def test_what_freeswitch_carries_out_at_once_goes_by_a_connection_without_events() -> None:
    """It sends no event, and starts no ``originate``, on a connection while it is at an ``api`` that came by it."""
    async with FakeEsl() as esl:
        log, switch = EventLog(), driver(esl)
        esl.dumps["c1"] = waiting_caller("c1")
        await switch.start(log)
        await log.until(LinkUp)
        await switch.execute(Music("c1", on=True))
        await switch.execute(SetState("c1", "x"))
        await switch.execute(Originate("o1", DeviceTarget("1001"), "8000"))
        await switch.snapshot()
        assert sorted(map(sorted, esl.by_connection)) == [["api", "sendmsg"], ["bgapi", "event", "nolog"]]
        await switch.stop()


async def test_a_command_does_not_wait_for_a_whole_snapshot() -> None:
    async with FakeEsl() as esl:
        log, switch = EventLog(), driver(esl)
        esl.dumps.update({f"c{n}": waiting_caller(f"c{n}") for n in range(50)})
        await switch.start(log)
        await log.until(LinkUp)
        esl.lines.clear()
        looking = asyncio.create_task(switch.snapshot())
        await esl.received("uuid_dump")
        await switch.execute(SetState("c1", "x"))
        assert len((await looking).channels) == 50
        dumps = [n for n, line in enumerate(esl.lines) if line.startswith("api uuid_dump")]
        (told,) = [n for n, line in enumerate(esl.lines) if line.startswith("api uuid_setvar")]
        assert len(dumps) == 50
        assert dumps[0] < told < dumps[20]
        await switch.stop()


async def test_the_loss_of_either_connection_is_the_loss_of_the_link() -> None:
    async with FakeEsl() as esl:
        log, switch = EventLog(), driver(esl)
        await switch.start(log)
        await log.until(LinkUp)
        since = log.mark()
        esl.cut_commands()
        await log.until(LinkLost, since=since)
        await log.until(LinkUp, since=since)
        esl.send(parked("c1"))
        await log.until(ChannelOffered, channel="c1")
        assert esl.logins == 4
        await switch.stop()
