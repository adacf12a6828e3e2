"""load: twenty calls a second for a minute onto sixty agents; what was lost, and what a call costs in CPU."""

from __future__ import annotations

import asyncio
import re
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import func, select

from cti.store.models import Call
from tests.bench import stage
from tests.bench.appqueue import app_queue
from tests.bench.callcenter import callcenter
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.processes import cpu_seconds
from tests.e2e.rig.sipp import Message, Sipp
from tests.e2e.rig.sipphones import callers, registered_phones
from tests.e2e.rig.switch import RunningFreeSwitch, RunningSwitch

RATE, SECONDS = 20, 60
TALK_MS = (1000, 2000)
PREFIX = "1992"
Numbers = dict[str, float | int]


async def ours(centre: Centre, folder: Path) -> Numbers:
    agents = stage.accounts(centre, stage.AGENTS)
    with registered_phones(folder, centre.switch, agents, talk_ms=TALK_MS) as phones:
        await stage.all_ready(centre, [number for number, _ in agents])
        engine = centre.pid("engine")
        before, backlog = cpu_seconds(engine), Backlog(centre)
        async with backlog:
            result = await _offer(centre, folder, phones, [stage.DID])
        result |= backlog.found()
        result["engine_ms_per_call"] = _per_call(cpu_seconds(engine) - before)
        result["rows"] = await _rows(centre)
    await stage.all_off(centre)
    return result


async def app_queues(centre: Centre, folder: Path) -> Numbers:
    agents, switch = stage.accounts(centre, stage.AGENTS), centre.switch
    assert isinstance(switch, RunningSwitch)
    with (
        app_queue(switch, [number for number, _ in agents], retry=1) as dialled,
        registered_phones(folder, switch, agents, talk_ms=TALK_MS) as phones,
    ):
        return await _offer(centre, folder, phones, dialled)


async def mod_callcenter(centre: Centre, folder: Path) -> Numbers:
    agents, switch = stage.accounts(centre, stage.AGENTS), centre.switch
    assert isinstance(switch, RunningFreeSwitch)
    with (
        registered_phones(folder, switch, agents, talk_ms=TALK_MS) as phones,
        callcenter(centre.settings, switch, [number for number, _ in agents]) as dialled,
    ):
        return await _offer(centre, folder, phones, dialled)


async def _offer(centre: Centre, folder: Path, phones: Sipp, dialled: Sequence[str]) -> Numbers:
    offered = RATE * SECONDS
    numbers = [f"{PREFIX}{n:07d}" for n in range(offered)]
    before, began = centre.switch.cpu_seconds(), time.monotonic()
    with callers(folder, centre.switch.sip, dialled, numbers, rate=RATE, trace=True) as sipp:
        await until("all calls are done", lambda: not sipp.running, SECONDS + 60, every=0.5)
        seconds = time.monotonic() - began
        messages = sipp.messages()
    await asyncio.sleep(0.5)
    answered = len({m.header("Call-ID") for m in phones.messages() if m.sent and _is_answer(m)})
    ended = len({m.header("Call-ID") for m in messages if not m.sent and m.start.startswith("BYE")})
    return {
        "offered": offered,
        "answered": answered,
        "ended_properly": ended,
        "lost": offered - min(answered, ended),
        "seconds": round(seconds, 1),
        f"{centre.switch.name}_ms_per_call": _per_call(centre.switch.cpu_seconds() - before),
    }


class Backlog:
    """Looks every second how many events of the switch wait in the driver, where the driver has such a queue."""

    def __init__(self, centre: Centre) -> None:
        self._url = f"http://127.0.0.1:{centre.settings.engine_metrics_port}/metrics"
        self._seen: list[int] = []
        self._most = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()

    def found(self) -> Numbers:
        """Means of the first and the last third: a queue that grows shows; and the most at any moment."""
        if not self._seen:
            return {}
        third = max(1, len(self._seen) // 3)
        first, last = self._seen[:third], self._seen[-third:]
        return {
            "events_waiting_first": round(sum(first) / len(first), 2),
            "events_waiting_last": round(sum(last) / len(last), 2),
            "events_waiting_most": self._most,
        }

    async def _watch(self) -> None:
        while True:
            text = await asyncio.to_thread(self._read)
            now, most = (_GAUGE[name].findall(text) for name in ("now", "most"))
            if now and most:
                self._seen.append(int(float(now[0])))
                self._most = int(float(most[0]))
            await asyncio.sleep(1.0)

    def _read(self) -> str:
        with urllib.request.urlopen(self._url, timeout=2) as reply:
            return str(reply.read().decode())


_GAUGE = {
    "now": re.compile(r"^callyard_switch_events_waiting\{.*\} (\S+)$", re.M),
    "most": re.compile(r"^callyard_switch_events_waiting_most\{.*\} (\S+)$", re.M),
}


async def _rows(centre: Centre) -> int:
    """Calls in the database, each with an agent's answer and an end."""

    def count() -> int:
        with centre.database() as session:
            wanted = (Call.number.contains(PREFIX), Call.ended_at.is_not(None), Call.agent_id != "")
            found = session.scalar(select(func.count()).select_from(Call).where(*wanted)) or 0
        return found if found >= RATE * SECONDS else 0

    try:
        return await until("every call is in the database", count, 30, every=0.5)
    except AssertionError:
        return 0


def _per_call(seconds: float) -> float:
    return round(seconds * 1000 / (RATE * SECONDS), 2)


def _is_answer(message: Message) -> bool:
    return message.start.startswith("SIP/2.0 200") and message.header("CSeq").endswith("INVITE")
