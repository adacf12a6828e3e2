"""Programs of ours die or stall while calls go on: nobody notices on the phone, nothing is lost in the books."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from sqlalchemy import select

from cti.store.models import Call
from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig import processes
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import calls_of, finished_call
from tests.e2e.rig.sip import SipCall

pytestmark = pytest.mark.asyncio(loop_scope="session")
no_matter_which_switch = pytest.mark.runs_on("asterisk")
CUSTOMER_TONE, AGENT_TONE = 1000.0, 600.0
ORDERS_DID = "8001"


async def waiting_numbers(centre: Centre) -> list[str]:
    floor = await centre.floor()
    return [w["number"][-11:] for q in floor["queues"] if q["number"] == "2001" for w in q["waiting"]]


async def test_engine_killed_while_calls_talk_and_wait(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    phone = await phones("1001")
    await centre.on_duty("1001")
    talking = await (await callers("13900000200")).dial(ORDERS_DID, CUSTOMER_TONE)
    leg = await phone.incoming(10)
    await leg.answer(AGENT_TONE)
    await talking.hears(AGENT_TONE)
    before = await centre.agent_is("1001", "talking")
    numbers = [f"1390000020{n}" for n in range(1, 5)]
    waiting: list[SipCall] = []
    for place, number in enumerate(numbers, 1):
        waiting.append(await (await callers(number)).dial(ORDERS_DID))
        await until("in the queue", lambda p=place: _has(centre, p), 5)
    assert await waiting_numbers(centre) == numbers

    old = centre.kill("engine")
    await talking.hears(AGENT_TONE, 3)
    await leg.hears(CUSTOMER_TONE, 3)
    await until("a new engine", lambda: _restarted(centre, old), 15, every=0.1)
    await until("the engine answers", lambda: _answers(centre), 15, every=0.1)
    try:
        await until("the queue is back in its order", lambda: _order_is(centre, numbers), 10, every=0.1)
    except AssertionError as error:
        raise AssertionError(f"{error}; waiting are {await waiting_numbers(centre)}") from None
    assert [call.state for call in (talking, *waiting)] == ["up"] * 5
    after = await centre.agent_is("1001", "talking")
    assert after["call"]["call_id"] == before["call"]["call_id"]

    leg.hangup()
    await talking.becomes("ended", 5)
    for number, caller in zip(numbers, waiting, strict=True):
        await centre.agent_is("1001", "alerting", deadline=10)
        served = await phone.incoming(1)
        assert (await centre.agent_is("1001", "alerting"))["call"]["number"].endswith(number)
        await served.answer(AGENT_TONE)
        await caller.hears(AGENT_TONE)
        served.hangup()
        await caller.becomes("ended", 5)
    for number in ("13900000200", *numbers):
        row = await finished_call(centre, number)
        assert len(await calls_of(centre, number)) == 1
        assert [leg.kind for leg in row.legs] == ["customer", "agent"], number


@no_matter_which_switch
async def test_worker_killed_while_calls_end(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    phone = await phones("1001")
    await centre.quick_queues(wrapup=0.0)
    await centre.on_duty("1001")
    old = centre.kill("worker")
    numbers = [f"1390000021{n}" for n in range(3)]
    for number in numbers:
        caller = await (await callers(number)).dial(ORDERS_DID, CUSTOMER_TONE)
        leg = await phone.incoming(10)
        await leg.answer(AGENT_TONE)
        await caller.hears(AGENT_TONE)
        caller.hangup()
        await leg.becomes("ended")
    for number in numbers:
        row = await finished_call(centre, number, 30)
        assert row.ended_by == "customer"
        assert len(await calls_of(centre, number)) == 1
    assert centre.pid("worker") != old


@no_matter_which_switch
async def test_database_away_for_a_while_loses_no_call_row(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    phone = await phones("1001")
    await centre.quick_queues(wrapup=0.0)
    await centre.on_duty("1001")
    numbers = [f"1390000022{n}" for n in range(4)]
    agent_id = centre.agent_row("1001").id
    lock = sqlite3.connect(centre.settings.var / "callyard.db", isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
        locked_at = asyncio.get_running_loop().time()
        for number in numbers:
            caller = await (await callers(number)).dial(ORDERS_DID, CUSTOMER_TONE)
            leg = await phone.incoming(10)
            await leg.answer(AGENT_TONE)
            await caller.hears(AGENT_TONE)
            caller.hangup()
            await leg.becomes("ended")
            await until("ready again", lambda: _state(centre, agent_id, "ready"), 5)
        # longer than the busy timeout of a writer, so that it truly fails
        await until("12 s have passed", lambda: asyncio.get_running_loop().time() - locked_at > 12, 20, every=0.5)
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    for number in numbers:
        row = await finished_call(centre, number, 30)
        assert [leg.kind for leg in row.legs] == ["customer", "agent"]
        assert len(await calls_of(centre, number)) == 1


async def test_caller_hangs_up_at_the_moment_the_agent_answers(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    await centre.quick_queues(wrapup=0.0)
    phone = await phones("1001")
    await centre.on_duty("1001")
    number = "13900000230"
    caller = await callers(number)
    rounds = 30
    for turn in range(rounds):
        call = await caller.dial(ORDERS_DID, CUSTOMER_TONE)
        leg = await phone.incoming(10)
        jitter = (turn - rounds // 2) * 0.003  # seconds: the caller from 45 ms before to 45 ms after the answer
        if jitter < 0:
            call.hangup()
            await asyncio.sleep(-jitter)
            if leg.state == "ringing":
                await leg.answer(AGENT_TONE)
        else:
            await leg.answer(AGENT_TONE)
            await asyncio.sleep(jitter)
            call.hangup()
        await leg.becomes("ended", 5)
        await centre.agent_is("1001", "ready", deadline=5)
    assert (await centre.floor())["calls"] == 0
    await until("nobody is left on the switch", lambda: centre.switch.channels() == 0, 5, every=0.1)

    def all_written() -> bool:
        with centre.database() as session:
            rows = list(session.scalars(select(Call).where(Call.number.endswith(number))))
            return len(rows) == rounds and all(row.ended_at for row in rows)

    await until("every call is in the books, ended", all_written, 10, every=0.1)


async def test_unregistered_phone_is_not_offered_calls(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    gone, there = await phones("1001"), await phones("1002")
    await centre.on_duty("1001")
    await gone.register(0)
    await until("the engine knows", lambda: _unregistered(centre, "1001"), 5)
    caller = await (await callers("13900000240")).dial(ORDERS_DID, CUSTOMER_TONE)
    await until("in the queue", lambda: _has(centre, 1), 5)
    await centre.on_duty("1002")
    leg = await there.incoming(5)
    await leg.answer(AGENT_TONE)
    await caller.hears(AGENT_TONE)
    assert gone.ringing.empty()
    assert (await centre.agent("1001"))["state"] not in ("alerting", "reserved", "talking")


async def _unregistered(centre: Centre, number: str) -> bool:
    return not (await centre.agent(number))["registered"]


async def _has(centre: Centre, count: int) -> bool:
    return len(await waiting_numbers(centre)) == count


async def _answers(centre: Centre) -> bool:
    try:
        return bool((await centre.floor()).get("ok"))
    except Exception:
        return False


async def _order_is(centre: Centre, numbers: list[str]) -> bool:
    try:
        return await waiting_numbers(centre) == numbers
    except Exception:
        return False


async def _state(centre: Centre, agent_id: str, state: str) -> bool:
    """Without the database, which is locked."""
    reply = await centre.bus.request("cy.cmd.agent", {"op": "state", "agent_id": agent_id})
    return bool(reply["agent"]["state"] == state)


def _restarted(centre: Centre, old: int) -> bool:
    if processes.alive(old):
        return False
    try:
        return centre.pid("engine") != old
    except AssertionError:
        return False
