"""Callers who gave up or were cut off and call again: put forward, once, for a time, and nobody starves by it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cti.bus.base import Document
from cti.domain.calls import Call, Direction
from cti.domain.config.queues import QueueConfig
from cti.domain.retries import without_success
from cti.domain.switch.terms import Cause
from cti.services import retries
from cti.services.channel_state import decode
from cti.services.queues import QueueRuntime
from tests.floor import ORDERS, Floor
from tests.unit.conftest import OpenFloor

AGAIN = "13800000001"
OTHER = "13800000002"


async def opened(open_floor: OpenFloor, **queue: Any) -> Floor:
    """A floor on which nobody is signed in, and whoever hangs up has given up."""
    settings = {"retry_within": 600.0, "retry_points": 2, "age": 60.0, "announce_max": 0, **queue}
    floor = await open_floor(agents=2, **settings)
    floor.runner.engine.centre.short_abandon = 0.0
    return floor


async def gives_up(floor: Floor, number: str = AGAIN) -> None:
    caller = await floor.call_in(number=number)
    await floor.until(lambda: number in floor.waiting(), "waits")
    call_id = floor.call(caller).call_id
    floor.sim.hangup_by_caller(caller)
    await floor.until(lambda: call_id not in floor.runner.engine.centre.calls, "over")


async def two_wait(floor: Floor, second: str = AGAIN) -> list[str]:
    """Who is before whom when ``second`` comes after another caller."""
    for number in (OTHER, second):
        await floor.call_in(number=number)
    await floor.until(lambda: len(floor.waiting()) == 2, "both wait")
    return floor.waiting()


async def test_who_gave_up_and_calls_again_is_put_forward_and_the_live_queue_says_why(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor)
    await gives_up(floor)
    assert await two_wait(floor, f"+86{AGAIN}") == [f"+86{AGAIN}", OTHER]
    answer = await floor.bus.request("cy.cmd.centre", {"op": "floor"})
    (queue,) = answer["queues"]
    assert [(w["retried"], w["first"], w["priority"]) for w in queue["waiting"]] == [
        (True, False, 0),
        (False, False, 0),
    ]


@pytest.mark.parametrize("settings", [{"retry_within": 0.0}, {"age": 0.0}])
async def test_where_the_queue_does_not_say_so_nobody_is(open_floor: OpenFloor, settings: dict[str, float]) -> None:
    floor = await opened(open_floor, **settings)
    await gives_up(floor)
    assert await two_wait(floor) == [OTHER, AGAIN]


async def test_after_the_time_it_is_a_call_as_any(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor)
    await gives_up(floor)
    remembered = floor.runner.engine._acd.retries._gave_up
    remembered.update({number: at - 601 for number, at in remembered.items()})
    assert await two_wait(floor) == [OTHER, AGAIN]


async def test_who_was_served_since_has_no_advantage_but_who_was_cut_off_has(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor)
    await gives_up(floor)
    await floor.on_duty("a1")
    for end, expected in ((Cause.NORMAL, [OTHER, AGAIN]), (Cause.MEDIA_LOST, [AGAIN, OTHER])):
        caller = await floor.talking_to("a1", AGAIN)
        floor.sim.far_end(floor.sim.channels[caller], end)
        await floor.until_agent("a1", "ready")
        await floor.do("a1", "not_ready", reason="lunch")
        assert await two_wait(floor) == expected, end
        for waiting in list(floor.sim.channels):
            floor.sim.hangup_by_caller(waiting)
        await floor.until(lambda: not floor.runner.engine.centre.calls, "all gone")
        floor.runner.engine._acd.retries._gave_up.clear()
        await floor.do("a1", "ready")


async def test_an_engine_that_was_restarted_asks_and_holds_nobody_back_for_it(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor)
    asked: list[Document] = []
    may_answer = asyncio.Event()

    async def worker(request: Document) -> Document:
        asked.append(request)
        if request["number"] == AGAIN:
            return {"ok": True, "retry": True}
        await may_answer.wait()
        return {"ok": True, "retry": False}

    await floor.bus.serve("cy.cmd.worker", worker)
    await two_wait(floor)
    await floor.until(lambda: floor.waiting() == [AGAIN, OTHER], "put forward when the answer came")
    await floor.until(lambda: floor.runner.engine.centre.counters["retry:unknown"] == 1, "the other got none in time")
    may_answer.set()
    assert asked[1] == {"op": "retry", "number": AGAIN, "within": 600.0, "short": 0.0}


async def test_the_better_place_is_kept_over_a_restart(open_floor: OpenFloor) -> None:
    floor = await opened(open_floor)
    await gives_up(floor)
    assert await two_wait(floor) == [AGAIN, OTHER]

    def told() -> list[object]:
        return [decode(channel.state).get("p") for channel in floor.sim.channels.values()]

    await floor.until(lambda: told() == ["queued", "queued"], "the switch was told")
    await floor.kill_engine()
    await floor.restart_engine()
    await floor.until(lambda: floor.waiting() == [AGAIN, OTHER], "as before")


async def test_what_is_remembered_has_an_end_and_then_is_asked_for(
    open_floor: OpenFloor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "REMEMBERED", 1)
    floor = await opened(open_floor)
    memory = floor.runner.engine._acd.retries
    memory._complete_since = 0.0
    for number in (AGAIN, OTHER):
        await gives_up(floor, number)
    assert list(memory._gave_up) == [f"+86{OTHER}"]
    assert memory._complete_since > 0.0


def test_a_stream_of_callers_who_try_again_makes_nobody_wait_for_ever() -> None:
    """One is served a second and one comes a second: all of them but the first are put forward by two minutes."""
    queue = QueueRuntime(QueueConfig("q", "2001", "Orders", retry_within=600.0, retry_points=2, age=60.0))
    patient = Call("patient", "sim", Direction.INBOUND, 0.0, queue_id="q", queued_at=0.0)
    queue.add(patient, 0.0)
    for second in range(1_000):
        pushing = Call(f"c{second}", "sim", Direction.INBOUND, second, queue_id="q", queued_at=second, retried=True)
        queue.add(pushing, second)
        served = queue.waiting[0]
        queue.remove(served)
        if served is patient:
            break
    assert served is patient
    assert 119 <= second <= 121


ENDED = {"direction": "inbound", "queued_at": 0.0, "ended_at": 60.0, "ended_by": "customer", "cause": "normal"}


@pytest.mark.parametrize(
    ("what", "call"),
    [
        (True, {}),
        (True, {"ended_at": 5.0}),
        (True, {"ended_at": 1.0, "ended_by": "system"}),
        (True, {"ended_at": 1.0, "cause": "media_lost"}),
        (True, {"answered_at": 3.0, "cause": "failed"}),
        (True, {"answered_at": 3.0, "cause": "lost", "ended_by": "system", "direction": "outbound"}),
        (False, {"ended_at": 4.9}),
        (False, {"answered_at": 3.0}),
        (False, {"answered_at": 3.0, "ended_by": "agent"}),
        (False, {"answered_at": 3.0, "cause": "media_lost", "surveyed_at": 9.0}),
        (False, {"answered_at": 3.0, "direction": "outbound"}),
        (False, {"place": "p1"}),
        (False, {"recordings": [{"voicemail": ORDERS}]}),
        (False, {"ended_by": "supervisor"}),
        (None, {"queued_at": None}),
        (None, {"direction": "outbound"}),
        (None, {"direction": "internal"}),
        (None, {"direction": "internal", "answered_at": 3.0, "cause": "failed"}),
        (None, {"ended_at": None}),
        (None, {"test": True}),
        (None, {"watched": True}),
    ],
)
def test_which_calls_got_nowhere(what: bool | None, call: Document) -> None:
    assert without_success(ENDED | call, 5.0) is what
