"""agent_gap: five agents, a hundred callers waiting; how long after an agent is free does the next call ring there?"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.bench import stage
from tests.bench.appqueue import app_queue
from tests.bench.callcenter import callcenter
from tests.bench.gap import gaps, summary, waits_for_ok
from tests.e2e.rig.centre import Centre
from tests.e2e.rig.sipp import Sipp
from tests.e2e.rig.sipphones import callers, registered_phones
from tests.e2e.rig.switch import RunningFreeSwitch, RunningSwitch

AGENTS, WAITING = 5, 100
TALK_MS = (1000, 3000)
SECONDS = 60
CALLERS = WAITING + AGENTS + int(AGENTS * SECONDS / 2 * 1.5)


async def ours(centre: Centre, folder: Path) -> dict[str, float | int]:
    """With recording, database and pages on."""
    agents = stage.accounts(centre, AGENTS)
    with registered_phones(folder, centre.switch, agents, talk_ms=TALK_MS) as phones:
        await stage.all_ready(centre, [number for number, _ in agents])
        result = await _measure(centre, folder, phones, stage.DID)
    await stage.all_off(centre)
    return result


async def app_queues(centre: Centre, folder: Path, retry: int) -> dict[str, float | int]:
    """The same phones and callers by app_queue, recording by MixMonitor; nobody is logged in at ours."""
    agents, switch = stage.accounts(centre, AGENTS), centre.switch
    assert isinstance(switch, RunningSwitch)
    with (
        app_queue(switch, [number for number, _ in agents], retry=retry) as number,
        registered_phones(folder, switch, agents, talk_ms=TALK_MS) as phones,
    ):
        return await _measure(centre, folder, phones, number)


async def mod_callcenter(centre: Centre, folder: Path) -> dict[str, float | int]:
    """The same phones and callers by mod_callcenter, recording them."""
    agents, switch = stage.accounts(centre, AGENTS), centre.switch
    assert isinstance(switch, RunningFreeSwitch)
    with (
        registered_phones(folder, switch, agents, talk_ms=TALK_MS) as phones,
        callcenter(centre.settings, switch, [number for number, _ in agents]) as number,
    ):
        return await _measure(centre, folder, phones, number)


async def _measure(centre: Centre, folder: Path, phones: Sipp, dialled: str) -> dict[str, float | int]:
    numbers = [f"1991000{n:04d}" for n in range(CALLERS)]
    with callers(folder, centre.switch.sip, dialled, numbers, rate=25, together=WAITING + AGENTS, trace=False):
        await asyncio.sleep((WAITING + AGENTS) / 25 + 2)
        began = time.time()
        await asyncio.sleep(SECONDS)
        ended = time.time()
        waiting = centre.switch.channels() - 2 * AGENTS
        seen = [message for message in phones.messages() if began <= message.at <= ended]
    centre.switch.hang_up_everybody()
    result = summary(gaps(seen))
    before = summary(waits_for_ok(seen))
    result |= {"bye_to_ok_p50": before["p50"], "bye_to_ok_p99": before["p99"], "waiting_at_end": waiting}
    return result
