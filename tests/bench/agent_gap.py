"""agent_gap: agents, a hundred callers waiting; how long after an agent is free does the next call ring there?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import stage
from tests.bench.appqueue import app_queue
from tests.bench.callcenter import callcenter
from tests.bench.gap import gaps, summary, waits_for_ok
from tests.e2e.rig.centre import Centre
from tests.e2e.rig.sipp import Sipp
from tests.e2e.rig.sipphones import callers, registered_phones
from tests.e2e.rig.switch import RunningFreeSwitch, RunningSwitch

WAITING = 100
SECONDS = 60


@dataclass(frozen=True)
class Floor:
    agents: int
    queues: int
    talk_ms: tuple[int, int]

    @property
    def callers(self) -> int:
        """Enough for the measured time, and half as many again."""
        return WAITING + self.agents + int(self.agents * SECONDS / (sum(self.talk_ms) / 2000) * 1.5)


ONE_QUEUE = Floor(5, 1, (1000, 3000))
TEN_QUEUES = Floor(stage.AGENTS, 10, (9000, 15000))  # ours ask for skills as well


async def ours(centre: Centre, folder: Path, floor: Floor = ONE_QUEUE) -> dict[str, float | int]:
    """With recording, database and pages on."""
    agents = stage.accounts(centre, floor.agents)
    dialled = [stage.DID] if floor.queues == 1 else await stage.skilled_queues(centre, floor.queues)
    with registered_phones(folder, centre.switch, agents, talk_ms=floor.talk_ms) as phones:
        await stage.all_ready(centre, [number for number, _ in agents])
        result = await _measure(centre, folder, phones, dialled, floor)
    await stage.all_off(centre)
    return result


async def app_queues(centre: Centre, folder: Path, retry: int, floor: Floor = ONE_QUEUE) -> dict[str, float | int]:
    """The same phones and callers by app_queue, recording by MixMonitor; nobody is logged in at ours."""
    agents, switch = stage.accounts(centre, floor.agents), centre.switch
    assert isinstance(switch, RunningSwitch)
    with (
        app_queue(switch, [number for number, _ in agents], retry=retry, queues=floor.queues) as dialled,
        registered_phones(folder, switch, agents, talk_ms=floor.talk_ms) as phones,
    ):
        return await _measure(centre, folder, phones, dialled, floor)


async def mod_callcenter(centre: Centre, folder: Path, floor: Floor = ONE_QUEUE) -> dict[str, float | int]:
    """The same phones and callers by mod_callcenter, recording them."""
    agents, switch = stage.accounts(centre, floor.agents), centre.switch
    assert isinstance(switch, RunningFreeSwitch)
    with (
        registered_phones(folder, switch, agents, talk_ms=floor.talk_ms) as phones,
        callcenter(centre.settings, switch, [number for number, _ in agents], queues=floor.queues) as dialled,
    ):
        return await _measure(centre, folder, phones, dialled, floor)


async def _measure(
    centre: Centre, folder: Path, phones: Sipp, dialled: Sequence[str], floor: Floor
) -> dict[str, float | int]:
    numbers = [f"1991000{n:04d}" for n in range(floor.callers)]
    together = WAITING + floor.agents
    with callers(folder, centre.switch.sip, dialled, numbers, rate=25, together=together, trace=False):
        await asyncio.sleep(together / 25 + 2)
        began = time.time()
        await asyncio.sleep(SECONDS)
        ended = time.time()
        waiting = centre.switch.channels() - 2 * floor.agents
        seen = [message for message in phones.messages() if began <= message.at <= ended]
    centre.switch.hang_up_everybody()
    result = summary(gaps(seen))
    before, after = summary(waits_for_ok(seen)), summary(gaps(seen, after_ok=True))
    result |= {"bye_to_ok_p50": before["p50"], "bye_to_ok_p99": before["p99"]}
    result |= {"after_ok_p50": after["p50"], "after_ok_p99": after["p99"], "waiting_at_end": waiting}
    return result
