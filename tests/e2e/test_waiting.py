"""Callers who wait: sent on to another queue by a rule, and returning to the agent who served them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import soundfile
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import Call, Queue
from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.tones import RATE, sine

pytestmark = pytest.mark.asyncio(loop_scope="session")
ORDERS_DID, ORDERS, SERVICE = "8001", "orders", "service"
CUSTOMER_TONE, AGENT_TONE = 1000.0, 600.0
PLACE_TONE, WAIT_TONE = 1400.0, 1800.0


@pytest_asyncio.fixture(loop_scope="session")
async def as_before(centre: Centre) -> AsyncIterator[None]:
    yield

    def put_back(session: Session) -> None:
        for queue in session.scalars(select(Queue)):
            queue.overflow, queue.needs, queue.last_agent_days, queue.last_agent_wait = [], [], 0, 30.0
            queue.announce_wait, queue.announce_every = False, 15.0

    await centre.configure(put_back)


@pytest.mark.usefixtures("as_before")
async def test_a_call_goes_over_to_another_queue_after_the_wait_and_keeps_its_time_of_entry(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    def over_after_a_moment(session: Session) -> None:
        queue = session.get_one(Queue, ORDERS)
        queue.needs = [{"skill": "nobody", "level": 9, "relax_every": 0.0}]
        target = {"kind": "queue", "id": SERVICE}
        queue.overflow = [{"when": "waited", "limit": 1.5, "target": target, "say": ""}]

    await centre.configure(over_after_a_moment)
    phone, number = await phones("1003"), "13900002801"
    call = await (await callers(number)).dial(ORDERS_DID, CUSTOMER_TONE)
    await call.becomes("up", 5)
    place = await until("waits for service", lambda: _place(centre, SERVICE, number), 8)
    assert await _place(centre, ORDERS, number) is None
    known = (await centre.bus.request("cy.cmd.centre", {"op": "calls"}))["calls"]
    document = next(one for one in known if one["call_id"] == place["call_id"])
    assert place["since"] == document["queued_at"]
    assert document["entered_at"] - document["queued_at"] >= 1.5
    await centre.on_duty("1003")
    ringing = await phone.incoming(5)
    await ringing.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    await ringing.hears(CUSTOMER_TONE)
    call.hangup()
    await centre.agent_is("1003", "ready", "workingAfterCall")
    row = await until("in the call log", lambda: _ended(centre, place["call_id"]), 10)
    assert (row.queue_id, row.agent_id) == (SERVICE, centre.agent_row("1003").id)
    assert row.document["passed"] == [f"queue:{ORDERS}", f"queue:{SERVICE}"]


@pytest.mark.usefixtures("as_before")
async def test_a_call_goes_over_to_a_number_outside(centre: Centre, callers: PhoneMaker) -> None:
    far_number = "13900002822"
    far = await callers(far_number)
    await centre.set_trunk_port(far.port)

    def outside_when_nobody_is_there(session: Session) -> None:
        target = {"kind": "outside", "id": far_number}
        rule = {"when": "no_agents", "limit": 0.0, "target": target, "say": ""}
        session.get_one(Queue, ORDERS).overflow = [rule]

    await centre.configure(outside_when_nobody_is_there)
    call = await (await callers("13900002821")).dial(ORDERS_DID, CUSTOMER_TONE)
    ringing = await far.incoming(8)
    await ringing.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    await ringing.hears(CUSTOMER_TONE)
    ringing.hangup()
    await call.becomes("ended")


@pytest_asyncio.fixture(loop_scope="session")
async def spoken_as_tones(centre: Centre) -> AsyncIterator[None]:
    """The words for the place and for a short wait are tones, as a person may put recordings of their own."""
    folder = centre.settings.prompts_dir / "zh_CN"
    words = {token: (folder / f"{token}.wav").read_bytes() for token in ("position_is", "wait_short")}
    for token, tone in (("position_is", PLACE_TONE), ("wait_short", WAIT_TONE)):
        soundfile.write(folder / f"{token}.wav", sine(tone, 1.0), RATE, subtype="PCM_16")
    yield
    for token, sound in words.items():
        (folder / f"{token}.wav").write_bytes(sound)


@pytest.mark.usefixtures("as_before", "spoken_as_tones")
async def test_who_waits_hears_the_place_and_the_wait(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    def tells_the_wait(session: Session) -> None:
        queue = session.get_one(Queue, ORDERS)
        queue.announce_wait, queue.announce_every, queue.wrapup = True, 1.0, 0.0

    await centre.configure(tells_the_wait)
    phone = await phones("1001")
    await centre.on_duty("1001")
    await _served_by_1001(centre, phone, await callers("13900002831"))
    busy = await (await callers("13900002832")).dial(ORDERS_DID, CUSTOMER_TONE)
    talk = await phone.incoming(5)
    await talk.answer(AGENT_TONE)
    await busy.hears(AGENT_TONE)
    call = await (await callers("13900002833")).dial(ORDERS_DID, CUSTOMER_TONE)
    await call.hears(PLACE_TONE, 8)
    await call.hears(WAIT_TONE, 8)
    call.hangup()
    busy.hangup()
    await centre.agent_is("1001", "ready")


@pytest.mark.usefixtures("as_before")
async def test_a_returning_customer_goes_to_the_agent_who_served_them(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    def last_agents(session: Session) -> None:
        for queue in session.scalars(select(Queue)):
            queue.wrapup = 0.0
        queue = session.get_one(Queue, ORDERS)
        queue.last_agent_days, queue.last_agent_wait = 1, 20.0

    await centre.configure(last_agents)
    first, second = await phones("1001"), await phones("1002")
    await centre.on_duty("1001")
    returning, another = await callers("13900002811"), await callers("13900002812")
    call_id = await _served_by_1001(centre, first, returning)
    await until("in the call log", lambda: _ended(centre, call_id), 10)
    question = {"op": "last_agent", "number": "13900002811", "queue_id": ORDERS, "days": 1}
    answer = await centre.bus.request("cy.cmd.worker", question)
    assert answer == {"ok": True, "agent_id": centre.agent_row("1001").id}
    await centre.on_duty("1002")  # 1001 has been idle for longer

    other = await another.dial(ORDERS_DID, CUSTOMER_TONE)
    to_first = await first.incoming(5)
    await to_first.answer(AGENT_TONE)
    await other.hears(AGENT_TONE)
    back = await returning.dial(ORDERS_DID, CUSTOMER_TONE)
    await back.becomes("up", 5)
    await until("waits for 1001 though 1002 is free", lambda: _place(centre, ORDERS, "13900002811"), 5)
    assert (await centre.agent("1002"))["state"] == "ready"
    other.hangup()
    again = await first.incoming(5)
    await again.answer(AGENT_TONE)
    await back.hears(AGENT_TONE)
    assert (await centre.agent("1002"))["state"] == "ready"
    back.hangup()
    await centre.agent_is("1001", "ready")
    assert not second.calls


async def _served_by_1001(centre: Centre, phone: Any, caller: Any) -> str:
    call = await caller.dial(ORDERS_DID, CUSTOMER_TONE)
    ringing = await phone.incoming(5)
    await ringing.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    call_id = str((await centre.agent_is("1001", "talking"))["call"]["call_id"])
    call.hangup()
    await centre.agent_is("1001", "ready")
    return call_id


async def _place(centre: Centre, queue_id: str, number: str) -> dict[str, Any] | None:
    """The waiting caller's line in the queue's document."""
    queues = (await centre.floor())["queues"]
    lines = next(queue["waiting"] for queue in queues if queue["queue_id"] == queue_id)
    return next((line for line in lines if line["number"].endswith(number)), None)


def _ended(centre: Centre, call_id: str) -> Call | None:
    with centre.database() as session:
        call = session.get(Call, call_id)
        return call if call is not None and call.ended_at is not None else None
