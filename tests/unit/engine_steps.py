"""Steps of engine tests on one floor: calls in a certain state, timers that fire now, events that are lost."""

from __future__ import annotations

import dataclasses
from typing import Any

from cti.domain.switch.events import SwitchEvent
from tests.floor import Floor


async def outbound(floor: Floor, agent_id: str, number: str = "13900000001") -> str:
    """An agent who is talking on a call out; the customer's channel."""
    floor.phone(agent_id).will_answer()
    floor.sim.outside(number).will_answer()
    await floor.do(agent_id, "dial", number=number)
    await floor.talks(agent_id)
    return str(floor.sim.outside(number).channel.id)


async def consulting(floor: Floor) -> str:
    """a1, in a call, consults a2; the caller's channel."""
    caller = await floor.talking_to("a1")
    await floor.do("a1", "consult", number="1002")
    await floor.rings("a2")
    floor.phone("a2").answer()
    await floor.talks("a2")
    return caller


def fire(floor: Floor, key: str) -> None:
    floor.runner._stop_timer(key)
    floor.runner._fire(key)


def reconfigure(floor: Floor, **changes: Any) -> None:
    floor.config = dataclasses.replace(floor.config, version=floor.config.version + 1, **changes)
    floor.runner._on_config("centre", floor.config.to_document())


def lose(floor: Floor, *kinds: type[SwitchEvent]) -> None:
    """From now on events of these kinds do not arrive."""
    emit = floor.sim.emit
    floor.sim.emit = lambda event: None if isinstance(event, kinds) else emit(event)  # type: ignore[method-assign]


async def reconcile(floor: Floor) -> None:
    for call in floor.runner.engine.centre.calls.values():
        for leg in call.legs:
            leg.changed_at -= 10
    await floor.runner._reconcile("sim", until_done=False)


def without_gaps(stretches: list[dict[str, Any]]) -> tuple[float, float]:
    """One state ends when the next begins; the begin of the first and the end of the last."""
    edges = [(stretch["started_at"], stretch["ended_at"]) for stretch in stretches]
    assert [end for _, end in edges[:-1]] == [start for start, _ in edges[1:]], stretches
    assert all(start < end for start, end in edges)
    return edges[0][0], edges[-1][1]
