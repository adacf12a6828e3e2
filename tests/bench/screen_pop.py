"""screen_pop: from the INVITE at the agent's phone until the customer's name is painted in Chromium."""

from __future__ import annotations

from tests.bench.stage import DID, quantile
from tests.e2e.rig.browser import Desk
from tests.e2e.rig.centre import Centre, until

CALLS = 60


async def measure(centre: Centre, desk: Desk) -> dict[str, float | int]:
    """One call after the other to a desk phone, each from another known customer; one machine, one clock."""
    phone = await centre.phone("1001")
    await centre.on_duty("1001")
    found: list[float] = []
    for n in range(CALLS):
        number = f"1990000{n // 8 * 10 + n % 8 + 1:04d}"
        caller = await centre.caller(number)
        call = await caller.dial(DID)
        leg = await phone.incoming(10)
        call_id = (await centre.agent("1001"))["call"]["call_id"]

        async def popped(call_id: str = call_id) -> float:
            return float((await desk.times())["pops"].get(call_id) or 0.0)

        painted = await until("the pop", popped, 5)
        assert leg.invite is not None
        found.append(painted - leg.invite.at)
        call.hangup()
        await leg.becomes("ended")
        await centre.agent_is("1001", "ready")
        caller.close()
    phone.close()
    return {
        "p50": round(quantile(found, 0.5), 4),
        "p95": round(quantile(found, 0.95), 4),
        "max": round(max(found), 4),
        "count": len(found),
    }
