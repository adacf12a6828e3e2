"""Requests and stored counters that make no sense."""

from __future__ import annotations

from tests.floor import ORDERS
from tests.unit.conftest import OpenFloor


async def test_requests_with_absurd_numbers_are_refused(open_floor: OpenFloor) -> None:
    floor = await open_floor(wrapup=30.0)
    await floor.on_duty("a1")
    floor.sim.hangup_by_caller(await floor.talking_to("a1"))
    await floor.until_agent("a1", "workingAfterCall")
    engine = floor.runner.engine
    for seconds in (10**400, -1, float("nan"), float("inf"), "5", None, True):
        request = {"op": "wrapup_extend", "agent_id": "a1", "seconds": seconds}
        assert engine.agent_request(floor.sim.clock(), request)[0]["error"] == "request.bad", seconds
    for op in ([], {}, None, 5):
        assert not engine.agent_request(floor.sim.clock(), {"op": op, "agent_id": op})[0]["ok"]
        assert not engine.centre_request(floor.sim.clock(), {"op": op})[0]["ok"]


async def test_test_calls_that_never_come_are_forgotten(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    engine = floor.runner.engine
    for n in range(50):
        request = {"op": "test_call", "dialed": "8001", "caller_number": f"138{n:08}"}
        assert engine.centre_request(1000.0 + n * 10, request)[0]["ok"]
    assert len(engine.centre.test_callers) < 4
    request["caller_number"] = "²³"
    assert engine.centre_request(2000.0, request)[0]["error"] == "request.bad"


async def test_counters_of_another_version_do_not_stop_the_engine(open_floor: OpenFloor) -> None:
    floor = await open_floor()
    floor.runner.engine.restore_today({"queues": {ORDERS: {"offered": 3, "something_new": 1, "answered": "x"}}})
    today = floor.runner.engine.centre.queues[ORDERS].today
    assert (today.offered, today.answered) == (3, 0)
