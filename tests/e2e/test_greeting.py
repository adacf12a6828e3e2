"""The agent's number is said to caller and agent, on real switches, before they hear each other."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from tests.e2e.conftest import PhoneMaker
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.sip import SipCall
from tests.e2e.rig.tones import strength

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE, AGENT_TONE = 1000.0, 600.0
LONGEST = 4.0


def speech(call: SipCall) -> bool:
    """Something is heard that is neither silence nor one of the tones."""
    assert call.rtp is not None
    heard = call.rtp.heard(0.2)
    loud = bool(heard.size) and float(np.abs(heard.astype(np.float64)).mean()) > 300
    return loud and max(strength(heard, tone) for tone in (CUSTOMER_TONE, AGENT_TONE)) < 0.05


async def test_the_number_is_said_before_they_talk(centre: Centre, phones: PhoneMaker, callers: PhoneMaker) -> None:
    await centre.quick_queues(announce_number=True)
    try:
        phone = await phones("1001")
        await centre.on_duty("1001")
        call = await (await callers("13900000191")).dial("8001", CUSTOMER_TONE)
        ringing = await phone.incoming(10)
        await ringing.answer(AGENT_TONE)
        at = time.monotonic()
        one, other = (
            until("the agent hears it", lambda: speech(ringing), 3),
            until("so does the caller", lambda: speech(call), 3),
        )
        await asyncio.gather(one, other)
        await call.hears(AGENT_TONE)
        assert 1.0 < time.monotonic() - at < LONGEST + 1.0
        await ringing.hears(CUSTOMER_TONE)
        document = await centre.agent_is("1001", "talking")
        assert document["call"]["number"].endswith("13900000191")
        call.hangup()
        await ringing.becomes("ended")
    finally:
        await centre.quick_queues(announce_number=False)
