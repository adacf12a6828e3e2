"""The switch dies under talking and waiting calls and is started again: those calls are over and in the books, phones
come back by themselves, and the next caller is served."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import calls_of, finished_call

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE, AGENT_TONE = 1000.0, 600.0
ORDERS_DID = "8001"
BACK_WITHIN = 40.0  # seconds until the switch runs again and the engine has its link


async def test_switch_killed_while_calls_talk_and_wait(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    await centre.quick_queues(wrapup=0.0)
    phone = await phones("1001")
    await centre.on_duty("1001")
    talking = await (await callers("13900001700")).dial(ORDERS_DID, CUSTOMER_TONE)
    leg = await phone.incoming(10)
    await leg.answer(AGENT_TONE)
    await talking.hears(AGENT_TONE)
    waiting = await (await callers("13900001701")).dial(ORDERS_DID)
    await until("a second caller waits", lambda: _calls(centre, 2), 5)
    await waiting.becomes("up", 5)

    old = centre.kill(centre.switch.name)
    await until("the link is lost", lambda: _link(centre, up=False), 10)
    await until("it runs again", lambda: _link(centre, up=True), BACK_WITHIN, every=0.1)
    assert centre.switch.pid != old
    await until("the calls of before are over", lambda: _calls(centre, 0), 10)
    for number in ("13900001700", "13900001701"):
        row = await finished_call(centre, number)
        assert (row.cause, row.ended_by) == ("failed", "system")
        assert len(await calls_of(centre, number)) == 1
    talking.hangup()
    waiting.hangup()
    leg.hangup()

    await phone.register()
    await centre.agent_is("1001", "ready", deadline=10)
    call = await (await callers("13900001702")).dial(ORDERS_DID, CUSTOMER_TONE)
    served = await phone.incoming(10)
    assert served.state == "ringing", "rung for nobody of before"
    await served.answer(AGENT_TONE)
    await call.hears(AGENT_TONE)
    await served.hears(CUSTOMER_TONE)
    call.hangup()
    await served.becomes("ended")
    await finished_call(centre, "13900001702")


async def _calls(centre: Centre, count: int) -> bool:
    return bool((await centre.floor())["calls"] == count)


async def _link(centre: Centre, *, up: bool) -> bool:
    return set((await centre.links()).values()) == {up}
