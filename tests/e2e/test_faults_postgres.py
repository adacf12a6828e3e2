"""PostgreSQL stops under the product while people talk: no call is lost, pages say what is wrong and come back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.crowd import Crowd
from tests.e2e.rig.ledger import calls_of, finished_call, recordings
from tests.e2e.rig.visitor import Visitor
from tests.postgres import Postgres
from tests.stores import new_postgres

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE, AGENT_TONE = 1000.0, 600.0
ORDERS_DID = "8001"
AWAY = 12.0  # seconds: longer than every retry of the writer


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = new_postgres()
    server.start()
    yield server
    server.stop()
    server.remove()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def on_postgres(e2e_folder: Path, postgres: Postgres) -> AsyncIterator[Centre]:
    url = postgres.new_database()
    centre = await Centre.start(e2e_folder / "p", CALLYARD_SWITCH="asterisk", CALLYARD_DATABASE_URL=url)
    try:
        await centre.quick_queues(wrapup=0.0, ring_timeout=15.0)
        yield centre
    finally:
        await centre.stop()
    assert not centre.crashes(), f"the product printed:\n{centre.crashes()}"


async def test_postgresql_away_for_a_while(on_postgres: Centre, postgres: Postgres) -> None:
    centre = on_postgres
    numbers = [f"1390000060{n}" for n in range(3)]
    async with Crowd(centre) as crowd:
        phone = await crowd.phone("1001")
        callers = [await crowd.caller(number) for number in numbers]
        await centre.on_duty("1001")
        agent_id = centre.agent_row("1001").id
        page = Visitor(centre, "agent1")
        assert page.get("/orders")[0] == 200

        talking = await callers[0].dial(ORDERS_DID, CUSTOMER_TONE)
        leg = await phone.incoming(10)
        await leg.answer(AGENT_TONE)
        await talking.hears(AGENT_TONE)
        postgres.stop()
        gone_at = time.monotonic()
        try:
            await until("the site says so", lambda: page.get("/healthz")[0] == 503, 10)
            status, text = page.get("/orders")
            assert (status, "database does not answer" in text) == (503, True)
            await talking.hears(AGENT_TONE)
            assert page.command("hold")[0] == 200
            await until("on hold", lambda: _state(centre, agent_id, "hold"))
            assert page.command("retrieve")[0] == 200
            await talking.hears(AGENT_TONE)
            talking.hangup()
            await leg.becomes("ended")
            for caller in callers[1:]:
                await until("ready again", lambda: _state(centre, agent_id, "ready"))
                call = await caller.dial(ORDERS_DID, CUSTOMER_TONE)
                leg = await phone.incoming(10)
                await leg.answer(AGENT_TONE)
                await call.hears(AGENT_TONE)
                call.hangup()
                await leg.becomes("ended")
            assert "database.down" in centre.output()
            await until("time has passed", lambda: time.monotonic() - gone_at > AWAY, AWAY + 1, every=0.2)
        finally:
            postgres.start()
        await until("the page is back", lambda: page.get("/orders")[0] == 200, 10, every=0.1)
    for number in numbers:
        row = await finished_call(centre, number, 20)
        assert [leg.kind for leg in row.legs] == ["customer", "agent"]
        assert len(await calls_of(centre, number)) == 1
        assert len(await recordings(centre, row)) == 1


async def _state(centre: Centre, agent_id: str, state: str) -> bool:
    """Without the database."""
    reply = await centre.bus.request("cy.cmd.agent", {"op": "state", "agent_id": agent_id})
    return bool(reply["agent"]["state"] == state)
