"""Phones that ring together: a queue's ring-all with two who answer at the same instant, and a ring group of phones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cti.domain.config.queues import Strategy
from cti.domain.config.routes import RingOrder, TargetKind
from cti.store.models import Did, Queue, RingGroup
from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre
from tests.e2e.rig.ledger import finished_call

pytestmark = pytest.mark.asyncio(loop_scope="session")
DID, ORDERS = "8001", "orders"
CUSTOMER_TONE = 1000.0
TONES = {"1001": 600.0, "1002": 1600.0}


@pytest_asyncio.fixture(loop_scope="session")
async def ring_all(centre: Centre) -> AsyncIterator[None]:
    def change(session: Session) -> None:
        session.get_one(Queue, ORDERS).strategy = Strategy.RING_ALL

    def put_back(session: Session) -> None:
        session.get_one(Queue, ORDERS).strategy = Strategy.LONGEST_IDLE
        did = session.scalars(select(Did).where(Did.number == DID)).one()
        did.target_kind, did.target_id = TargetKind.QUEUE, ORDERS
        session.execute(delete(RingGroup))

    await centre.configure(change)
    yield
    await centre.configure(put_back)


@pytest.mark.usefixtures("ring_all")
async def test_of_two_who_answer_at_the_same_instant_one_has_the_caller_and_nobody_is_busy(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    made = {number: await phones(number) for number in ("1001", "1002", "1003")}
    for number in made:
        await centre.on_duty(number)
    call = await (await callers("13900003101")).dial(DID, CUSTOMER_TONE)
    ringing = {number: await phone.incoming(8) for number, phone in made.items()}
    await asyncio.gather(*(ringing[number].answer(tone) for number, tone in TONES.items()))
    await ringing["1003"].becomes("ended", 5)
    agents = {number: await centre.agent_is(number, "talking", "ready") for number in TONES}
    (winner,) = [number for number in TONES if agents[number]["state"] == "talking"]
    (loser,) = set(TONES) - {winner}
    await ringing[loser].becomes("ended", 5)
    await call.hears(TONES[winner])
    await ringing[winner].hears(CUSTOMER_TONE)
    name = centre.agent_row(winner).user.name
    for number in (loser, "1003"):
        told = await centre.agent_is(number, "ready")
        assert (told["notice"], told["taken_by"], told["call"]) == ("taken", name, None)
    call.hangup()
    await centre.agent_is(winner, "ready")
    row = await finished_call(centre, "13900003101")
    assert row.agent_id == centre.agent_row(winner).id
    assert sum(leg["joined"] for leg in row.document["legs"]) == 2
    assert [recording.agent_id for recording in row.recordings] == [row.agent_id]


@pytest.mark.usefixtures("ring_all")
async def test_a_group_rings_a_phone_that_nobody_is_signed_in_with_then_the_queue(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    first, second = await phones("1001"), await phones("1002")
    await centre.on_duty("1002")

    def to_group(session: Session) -> None:
        rung = [{"kind": "phone", "id": centre.agent_row("1001").id}]
        kind = TargetKind.QUEUE
        group = RingGroup(
            name="Demo", members=rung, order=RingOrder.ONE_BY_ONE, otherwise_kind=kind, otherwise_id=ORDERS
        )
        session.add(group)
        session.flush()
        did = session.scalars(select(Did).where(Did.number == DID)).one()
        did.target_kind, did.target_id = TargetKind.GROUP, group.id

    await centre.configure(to_group)
    call = await (await callers("13900003102")).dial(DID, CUSTOMER_TONE)
    desk = await first.incoming(8)
    assert (await centre.agent("1002"))["state"] == "ready"
    desk.reject()
    ringing = await second.incoming(8)
    await ringing.answer(TONES["1002"])
    await call.hears(TONES["1002"])
    call.hangup()
    await centre.agent_is("1002", "ready")

    again = await (await callers("13900003103")).dial(DID, CUSTOMER_TONE)
    desk = await first.incoming(8)
    await desk.answer(TONES["1001"])
    await again.hears(TONES["1001"])
    await desk.hears(CUSTOMER_TONE)
    desk.hangup()
    await again.becomes("ended")
    row = await finished_call(centre, "13900003103")
    assert [leg.kind for leg in row.legs] == ["customer", "outside"]
    assert len(row.recordings) == 1
