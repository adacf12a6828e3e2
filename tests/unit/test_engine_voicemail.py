"""Messages that callers leave: what they hear, what is recorded, how it ends, what a restart does to it."""

from __future__ import annotations

from dataclasses import replace

from cti.domain.config.routes import DidConfig, RouteTarget, TargetKind
from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import Play, RecordStart, RecordStop
from tests.floor import ORDERS, Floor
from tests.unit.conftest import OpenFloor


async def with_voicemail(open_floor: OpenFloor, **queue: object) -> Floor:
    floor = await open_floor(**queue)
    number = DidConfig("8002", RouteTarget(TargetKind.VOICEMAIL, ORDERS))
    await floor.configure(replace(floor.config, dids=(*floor.config.dids, number)))
    return floor


def said(floor: Floor) -> list[str]:
    return [prompt for c in floor.sim.commands if isinstance(c, Play) for prompt in c.prompts]


async def records(floor: Floor, caller: str) -> None:
    await floor.until(lambda: floor.sim.channels[caller].recordings, "recording")


async def test_a_caller_leaves_a_message_and_ends_it_with_a_key(open_floor: OpenFloor) -> None:
    floor = await with_voicemail(open_floor)
    caller = await floor.call_in("8002")
    call = floor.call(caller)
    await records(floor, caller)
    assert said(floor) == ["zh_CN/voicemail_greeting", "signals/beep"]
    assert (await floor.ledger(call.call_id))["state"] == "voicemail"
    floor.sim.press(caller, "5")
    await floor.sim.settle()
    assert caller in floor.sim.channels, "only one key ends it"
    floor.sim.press(caller, "#")
    await floor.until(lambda: caller not in floor.sim.channels, "the end")
    assert said(floor)[-1] == "zh_CN/voicemail_saved"
    ledger = await floor.ledger(call.call_id)
    [recording] = ledger["recordings"]
    assert recording["voicemail"] == ORDERS
    assert recording["ended_at"] is not None
    assert ledger["ended_by"] == "system"


async def test_a_key_skips_the_greeting(open_floor: OpenFloor) -> None:
    floor = await with_voicemail(open_floor)
    floor.sim.play_seconds = 30.0
    caller = await floor.call_in("8002")
    await floor.until(lambda: floor.sim.channels[caller].playing, "greeting")
    floor.sim.play_seconds = 0.01
    floor.sim.press(caller, "#")
    await records(floor, caller)


async def test_who_hangs_up_after_the_tone_has_left_a_message(open_floor: OpenFloor) -> None:
    floor = await with_voicemail(open_floor)
    caller = await floor.call_in("8002")
    call = floor.call(caller)
    await records(floor, caller)
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: call.call_id not in floor.runner.engine.centre.calls, "the end")
    ledger = await floor.ledger(call.call_id)
    assert [r["ended_at"] is not None for r in ledger["recordings"]] == [True]
    assert ledger["ended_by"] == "customer"
    recording_id = ledger["recordings"][0]["recording_id"]
    assert await floor.bus.last(f"cy.log.recording.{recording_id}")


async def test_who_hangs_up_in_the_greeting_has_left_none(open_floor: OpenFloor) -> None:
    floor = await with_voicemail(open_floor)
    floor.sim.play_seconds = 30.0
    caller = await floor.call_in("8002")
    call = floor.call(caller)
    await floor.until(lambda: floor.sim.channels[caller].playing, "greeting")
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: call.call_id not in floor.runner.engine.centre.calls, "the end")
    assert (await floor.ledger(call.call_id))["recordings"] == []


async def test_a_message_ends_when_it_is_as_long_as_it_may_be(open_floor: OpenFloor) -> None:
    floor = await with_voicemail(open_floor, voicemail_max=0.05)
    caller = await floor.call_in("8002")
    await floor.until(lambda: caller not in floor.sim.channels, "the end")
    assert said(floor)[-1] == "zh_CN/voicemail_saved"
    assert sum(isinstance(c, RecordStop) for c in floor.sim.commands) == 1


async def test_who_falls_silent_has_finished(open_floor: OpenFloor) -> None:
    floor = await with_voicemail(open_floor)
    caller = await floor.call_in("8002")
    call = floor.call(caller)
    await records(floor, caller)
    assert [c.silence for c in floor.sim.commands if isinstance(c, RecordStart)] == [5.0]
    floor.sim.fall_silent(caller)
    await floor.until(lambda: caller not in floor.sim.channels, "the end")
    assert said(floor)[-1] == "zh_CN/voicemail_saved"
    ledger = await floor.ledger(call.call_id)
    assert [r["ended_at"] is not None for r in ledger["recordings"]] == [True]
    assert ledger["ended_by"] == "system"
    assert not any(isinstance(c, RecordStop) for c in floor.sim.commands), "it had ended by itself"


async def test_silence_ends_nothing_where_the_centre_says_so(open_floor: OpenFloor) -> None:
    floor = await with_voicemail(open_floor)
    await floor.configure(replace(floor.config, message_silence=0.0))
    caller = await floor.call_in("8002")
    await records(floor, caller)
    floor.sim.fall_silent(caller)
    await floor.sim.settle()
    assert floor.sim.channels[caller].recordings


async def test_nobody_talks_to_a_switch_that_does_not_record(open_floor: OpenFloor) -> None:
    floor = await with_voicemail(open_floor)
    floor.sim.fail_next(RecordStart, CommandRefused("no space"))
    caller = await floor.call_in("8002")
    await floor.until(lambda: caller not in floor.sim.channels, "the end")
    assert said(floor)[-1] == "zh_CN/goodbye"


async def test_a_message_goes_on_when_the_engine_is_killed(open_floor: OpenFloor) -> None:
    floor = await with_voicemail(open_floor)
    caller = await floor.call_in("8002")
    await records(floor, caller)
    await floor.told()
    await floor.kill_engine()
    await floor.restart_engine()
    call = floor.call(caller)
    assert sum(isinstance(c, RecordStart) for c in floor.sim.commands) == 1
    floor.sim.press(caller, "#")
    await floor.until(lambda: call.ended_at, "the end")
    assert said(floor)[-1] == "zh_CN/voicemail_saved"
    assert [r["ended_at"] is not None for r in (await floor.ledger(call.call_id))["recordings"]] == [True]


async def test_a_greeting_begins_anew_when_the_engine_is_killed(open_floor: OpenFloor) -> None:
    floor = await with_voicemail(open_floor)
    floor.sim.play_seconds = 30.0
    caller = await floor.call_in("8002")
    await floor.until(lambda: floor.sim.channels[caller].playing, "greeting")
    await floor.told()
    await floor.kill_engine()
    floor.sim.play_seconds = 0.01
    await floor.restart_engine()
    await records(floor, caller)
    assert said(floor) == ["zh_CN/voicemail_greeting"] * 2 + ["signals/beep"]


async def test_a_number_of_a_queue_that_is_not_there_is_not_in_use(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    number = DidConfig("8002", RouteTarget(TargetKind.VOICEMAIL, "nowhere"))
    await floor.configure(replace(floor.config, dids=(number,)))
    caller = floor.sim.incoming("8002", "13800000001")
    await floor.until(lambda: caller not in floor.sim.channels, "refusal")
