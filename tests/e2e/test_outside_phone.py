"""An agent at home: the call comes through a trunk, a key takes it, on real switches."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import Agent
from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre
from tests.e2e.rig.ledger import finished_call
from tests.e2e.rig.tones import strength

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE, AGENT_TONE = 1000.0, 600.0
HOME = "13700000195"


async def live_at(centre: Centre, number: str) -> None:
    def change(session: Session) -> None:
        session.scalars(select(Agent).where(Agent.number == "1001")).one().outside_number = number

    await centre.configure(change)


async def test_a_call_is_taken_at_home_by_pressing_1(centre: Centre, callers: PhoneMaker) -> None:
    home = await callers(HOME)
    await centre.set_trunk_port(home.port)
    await live_at(centre, HOME)
    try:
        await centre.agent("1001", "login", device="1001-out")
        await centre.agent("1001", "ready")
        call = await (await callers("13900000195")).dial("8001", CUSTOMER_TONE)
        ringing = await home.incoming(10)
        assert ringing.invite is not None
        assert HOME in ringing.invite.start
        await ringing.answer(AGENT_TONE)
        assert (await centre.agent_is("1001", "alerting"))["call"]["number"].endswith("13900000195")
        assert call.rtp is not None
        assert strength(call.rtp.heard(0.2), AGENT_TONE) < 0.05, "not before the key"
        ringing.press("1")
        await centre.agent_is("1001", "talking")
        await call.hears(AGENT_TONE)
        await ringing.hears(CUSTOMER_TONE)
        ringing.hangup()
        await call.becomes("ended")
        row = await finished_call(centre, "13900000195")
        assert row.ended_by == "agent"
        agent = centre.agent_row("1001")
        assert [(leg.kind, leg.agent_id) for leg in row.legs] == [("customer", ""), ("agent", agent.id)]
        assert row.document["legs"][1]["trunk"]
    finally:
        await centre.agent("1001", "logout")
        await live_at(centre, "")
