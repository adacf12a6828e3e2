"""Calendars, inbound rules and lists on real switches: closed, refused, let in first, not called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from sqlalchemy import delete
from sqlalchemy.orm import Session

from cti.domain.config.routes import TargetKind, When
from cti.store.models import Calendar, InboundRule, ListedNumber, NumberList, OutboundRule, Trunk, utc_now
from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import finished_call

pytestmark = pytest.mark.asyncio(loop_scope="session")
ORDERS_DID, ORDERS = "8001", "orders"
CUSTOMER_TONE, AGENT_TONE = 1000.0, 600.0
SPEECH = 300  # mean strength of 16-bit samples; silence is below 10
ALWAYS = [{"days": [1, 2, 3, 4, 5, 6, 7], "begin": "00:00", "end": "24:00"}]


@pytest_asyncio.fixture(loop_scope="session")
async def as_before(centre: Centre) -> AsyncIterator[None]:
    yield

    def without_rules(session: Session) -> None:
        for table in (InboundRule, Calendar, ListedNumber, NumberList):
            session.execute(delete(table))

    await centre.configure(without_rules)


def rule(name: str, order: int, **values: Any) -> InboundRule:
    return InboundRule(**{"name": name, "order": order, "target_kind": TargetKind.HANGUP, **values})


@pytest.mark.usefixtures("as_before")
async def test_a_centre_forced_closed_says_so_and_opened_again_takes_the_call(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    def closed_by_hand(session: Session) -> None:
        until = utc_now() + timedelta(hours=1)
        session.add(Calendar(id="c1", name="Always", hours=ALWAYS, closed=[], worked=[], override_until=until))
        session.add(rule("Closed", 0, when=When.CLOSED, calendar_id="c1", say="closed"))

    def by_the_hours(session: Session) -> None:
        session.get_one(Calendar, "c1").override_until = None

    await centre.configure(closed_by_hand)
    phone = await phones("1001")
    await centre.on_duty("1001")
    call = await (await callers("13900003101")).dial(ORDERS_DID)
    await call.becomes("up", 5)
    await call.becomes("ended", 15)
    assert call.rtp is not None
    said = call.rtp.heard(20.0)
    assert len(said) > 8000, "less than a second was heard"
    assert float(np.abs(said.astype(np.int32)).mean()) > SPEECH
    row = await finished_call(centre, "13900003101")
    assert (row.ended_by, row.queued_at, row.agent_id) == ("system", None, "")
    assert (await centre.agent("1001"))["state"] == "ready"

    await centre.configure(by_the_hours)
    again = await (await callers("13900003102")).dial(ORDERS_DID, CUSTOMER_TONE)
    ringing = await phone.incoming(10)
    await ringing.answer(AGENT_TONE)
    await again.hears(AGENT_TONE)
    again.hangup()
    await centre.agent_is("1001", "ready")


@pytest.mark.usefixtures("as_before")
async def test_unwanted_callers_are_refused_important_ones_go_first_and_nobody_listed_is_called(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    def lists_and_rules(session: Session) -> None:
        session.add(NumberList(id="l1", name="Unwanted"))
        session.add(NumberList(id="l2", name="Leave alone", do_not_call=True))
        session.flush()
        session.add(ListedNumber(list_id="l1", number="+8613900003103"))
        session.add(ListedNumber(list_id="l2", number="+8613900003106"))
        session.add(rule("Unwanted", 0, lists=["l1"]))
        queue = {"target_kind": TargetKind.QUEUE, "target_id": ORDERS}
        session.add(rule("Important", 1, callers=["13800"], priority=5, **queue))

    await centre.configure(lists_and_rules)
    unwanted = await (await callers("13900003103")).dial(ORDERS_DID)
    await unwanted.becomes("ended", 5)
    assert "up" not in [name for name, _ in unwanted.events]
    assert unwanted.status >= 400

    ordinary = await (await callers("13900003104")).dial(ORDERS_DID, CUSTOMER_TONE)
    await ordinary.becomes("up", 5)
    await until("one waits", lambda: _waiting(centre, 1), 5)
    important = await (await callers("13800003105")).dial(ORDERS_DID, CUSTOMER_TONE)
    await important.becomes("up", 5)
    await until("both wait", lambda: _waiting(centre, 2), 5)
    phone = await phones("1001")
    await centre.on_duty("1001")
    ringing = await phone.incoming(5)
    await ringing.answer(AGENT_TONE)
    await important.hears(AGENT_TONE)
    refused = await centre.try_agent("1001", "transfer", number="13900003106")
    assert (refused["error"], refused["params"]["list"]) == ("number.do_not_call", "Leave alone")
    for call in (ordinary, important):
        call.hangup()
    await centre.agent_is("1001", "ready")


@pytest_asyncio.fixture(loop_scope="session")
async def without_spare(centre: Centre) -> AsyncIterator[None]:
    yield

    def put_back(session: Session) -> None:
        session.execute(delete(OutboundRule))
        session.execute(delete(Trunk).where(Trunk.id == "spare"))

    await centre.configure(put_back, phones=True)


@pytest.mark.usefixtures("without_spare")
async def test_a_call_out_takes_the_next_trunk_when_the_first_has_no_line(
    centre: Centre, phones: PhoneMaker, callers: PhoneMaker
) -> None:
    full, customer = await callers("13900003107"), await callers("13900003108")
    full.refuses = 503
    far = {"host": "127.0.0.1", "port": full.port, "ping": False, "sources": ["192.0.2.1/32"]}

    def two_trunks(session: Session) -> None:
        session.get_one(Trunk, "local").port = customer.port
        session.add(Trunk(id="spare", name="Full", **far))
        session.add(OutboundRule(name="Mobile", prefixes=["139"], trunks=["spare", "local"]))

    await centre.configure(two_trunks, phones=True)
    phone = await phones("1001")
    await centre.on_duty("1001")
    await centre.agent("1001", "dial", number="13900003108")
    own = await phone.incoming(5)
    await own.answer(AGENT_TONE)
    rung = await customer.incoming(10)
    assert full.refused == 1
    await rung.answer(CUSTOMER_TONE)
    await own.hears(CUSTOMER_TONE)
    await rung.hears(AGENT_TONE)
    rung.hangup()
    row = await finished_call(centre, "13900003108")
    legs = [(leg.kind, leg.cause) for leg in row.legs if leg.number == "13900003108"]
    assert legs[0] == ("customer", "congestion")
    assert [kind for kind, _ in legs] == ["customer", "customer"]
    await centre.agent_is("1001", "ready")


async def _waiting(centre: Centre, count: int) -> bool:
    queues = (await centre.floor())["queues"]
    return any(queue["queue_id"] == ORDERS and len(queue["waiting"]) == count for queue in queues)
