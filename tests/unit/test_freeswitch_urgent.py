"""FreeSWITCH looks for events only every 20 ms, or when something comes in: while there are calls, something does."""

from __future__ import annotations

from cti.domain.switch import ChannelHungUp, ChannelOffered, LinkUp
from cti.switches.freeswitch import FreeSwitch
from tests.fakes.esl import FakeEsl, event, parked
from tests.fakes.events import EventLog


async def test_events_are_asked_for_all_the_time_while_there_is_a_call_and_only_then() -> None:
    async with FakeEsl() as esl:
        log, switch = (
            EventLog(),
            FreeSwitch(
                host="127.0.0.1", port=esl.port, password=esl.password, prompts_dir="/prompts", spool_dir="/spool"
            ),
        )
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
        esl.dumps["c1"] = {
            "Unique-ID": "c1",
            "Call-Direction": "inbound",
            "Channel-State": "CS_EXECUTE",
            "Answer-State": "answered",
            "variable_cy_dialed": "8000",
        }
        log, switch = (
            EventLog(),
            FreeSwitch(
                host="127.0.0.1", port=esl.port, password=esl.password, prompts_dir="/prompts", spool_dir="/spool"
            ),
        )
        await switch.start(log)
        await log.until(LinkUp)
        await esl.asked_for_events(20)
        await switch.stop()
