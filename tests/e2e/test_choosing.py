"""Who gets which call, with settings that are changed while callers wait, as an administrator does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.domain.config.queues import Strategy
from cti.store.models import Agent, Queue
from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre, until

pytestmark = pytest.mark.asyncio(loop_scope="session")
ORDERS_DID, ORDERS = "8001", "orders"
CUSTOMER_TONE, AGENT_TONE = 1000.0, 600.0


@pytest_asyncio.fixture(loop_scope="session")
async def as_before(centre: Centre) -> AsyncIterator[None]:
    with centre.database() as session:
        queue = session.get_one(Queue, ORDERS)
        strategy, wrapup = queue.strategy, queue.wrapup
    yield

    def put_back(session: Session) -> None:
        queue = session.get_one(Queue, ORDERS)
        queue.strategy, queue.wrapup, queue.needs, queue.level_after = strategy, wrapup, [], 0.0
        for member in queue.members:
            member.level = 1
        for agent in session.scalars(select(Agent)):
            agent.skills = {}

    await centre.configure(put_back)


@pytest.mark.usefixtures("as_before")
async def test_skills_levels_and_strategy_changed_while_a_caller_waits_hold_at_once(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    def asks_for_a_skill(session: Session) -> None:
        queue = session.get_one(Queue, ORDERS)
        queue.needs, queue.wrapup = [{"skill": "english", "level": 5, "relax_every": 0.0}], 0.0

    def second_has_it(session: Session) -> None:
        session.scalars(select(Agent).where(Agent.number == "1002")).one().skills = {"english": 5}

    def in_order_and_no_skills(session: Session) -> None:
        queue = session.get_one(Queue, ORDERS)
        queue.needs, queue.strategy, queue.level_after = [], Strategy.SEQUENTIAL, 2.0
        for member in queue.members:
            member.level = 2

    await centre.configure(asks_for_a_skill)
    first, second = await phones("1001"), await phones("1002")
    await centre.on_duty("1001")
    await centre.on_duty("1002")
    call = await (await callers("13900002701")).dial(ORDERS_DID, CUSTOMER_TONE)
    await call.becomes("up", 5)
    await until("one waits", lambda: _waiting(centre), 5)
    assert {(await centre.agent(number))["state"] for number in ("1001", "1002")} == {"ready"}
    await centre.configure(second_has_it)
    ringing = await second.incoming(5)
    await ringing.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)

    another = await (await callers("13900002702")).dial(ORDERS_DID, CUSTOMER_TONE)
    await another.becomes("up", 5)
    await until("one waits", lambda: _waiting(centre), 5)
    await centre.configure(in_order_and_no_skills)
    taken = await first.incoming(8)
    await taken.answer(AGENT_TONE)
    await another.hears(AGENT_TONE)
    for talk in (call, another):
        talk.hangup()
    await centre.agent_is("1001", "ready")


async def _waiting(centre: Centre) -> bool:
    queues = (await centre.floor())["queues"]
    return any(queue["queue_id"] == ORDERS and queue["waiting"] for queue in queues)
