"""A voice board alone, no softswitch: the simulated board's caller, menu, queue and telephones, as with ``make run``
``BOARD=sim``. Telephones lift themselves after three seconds and are replaced when they hear busy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cards.host.simulated import EXTENSIONS, TRUNKS
from tests.e2e.rig.browser import Desk
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import finished_call, recordings

pytestmark = pytest.mark.asyncio(loop_scope="session")

CUSTOMER = "19900000011"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def board(e2e_folder: Path) -> AsyncIterator[Centre]:
    centre = await Centre.start(e2e_folder / "vb", CALLYARD_SWITCH="board", CALLYARD_BOARD="sim")
    await centre.quick_queues(wrapup=0.0)
    yield centre
    await centre.stop()
    assert not centre.crashes(), centre.crashes()


async def somebody_calls(board: Centre) -> None:
    reply = await board.bus.request(
        "cy.cmd.centre",
        {"op": "test_call", "dialed": "8000", "caller_number": CUSTOMER, "caller_name": "", "digits": "1"},
    )
    assert reply["ok"], reply


async def consult_is(board: Centre, number: str, state: str) -> None:
    async def check() -> bool:
        call = (await board.agent(number))["call"] or {}
        return bool(call.get("consult")) and call["consult"]["state"] == state

    await until(f"the consultation of {number} is {state}", check, 15)


async def test_an_analog_caller_pops_talks_is_conferred_transferred_and_recorded(
    board: Centre, browsers: dict[str, Browser]
) -> None:
    board.use_desk_phone("1001")
    desk = await Desk.sign_in(board, browsers["agent1"], "agent1", "en")
    await board.on_duty("1001")
    await somebody_calls(board)
    await desk.pop(board.customer_of(CUSTOMER).name, deadline=20)
    await board.agent_is("1001", "talking", deadline=10)
    await board.on_duty("1002")
    await board.agent("1001", "consult", number="1002")
    await consult_is(board, "1001", "talking")
    await board.agent("1001", "conference")
    await consult_is(board, "1001", "conference")
    await board.agent("1001", "complete")
    await board.agent_is("1002", "talking")
    await board.agent("1002", "hangup")
    row = await finished_call(board, CUSTOMER)
    assert row.digits == "1"
    assert [leg.kind for leg in row.legs] == ["customer", "agent", "agent"]
    whole = np.concatenate([audio for _, audio in await recordings(board, row)])
    assert all(np.abs(whole[:, side]).max() > 500 for side in (0, 1)), "both sides are heard"
    await desk.close()


async def test_a_call_out_and_a_host_that_dies_and_comes_back(board: Centre) -> None:
    for number in ("1001", "1002"):
        await board.agent(number, "logout")
    await until("the telephones are replaced", lambda: telephones_free(board), 10)
    await board.on_duty("1001")
    await board.agent("1001", "dial", number="13900139000")
    document = await board.agent_is("1001", "talking", deadline=40)
    assert document["call"]["direction"] == "outbound"
    board.kill("engine")
    await until("the engine is back", board._linked, 30)
    await board.agent_is("1001", "talking")
    board.kill("board")
    await board.agent_is("1001", "ready", "workingAfterCall", "notReady", deadline=20)
    await until("the board is back", lambda: is_up(board), 20)
    assert (await finished_call(board, "13900139000")).ended_at is not None
    await board.on_duty("1001")
    await somebody_calls(board)
    await board.agent_is("1001", "talking", deadline=30)
    await board.agent("1001", "hangup")


async def test_a_call_on_a_telephone_that_is_only_listened_to_pops_and_is_recorded(
    board: Centre, browsers: dict[str, Browser]
) -> None:
    """The first recording channel hangs on another telephone of 1001."""
    desk = await Desk.sign_in(board, browsers["agent1"], "agent1", "en")
    line = TRUNKS + EXTENSIONS
    assert (await board.bus.request("cy.cmd.board.board", {"op": "hand", "line": line, "what": "called"}))["ok"]
    await until("the telephone rings", lambda: watched(board, "offered", "talking"), 10)
    call_id = (await board.agent("1001"))["watched"]["call_id"]
    await expect(desk.page.locator(f"#pop[data-call-id='{call_id}']")).to_be_visible()
    await until("the telephone is lifted", lambda: watched(board, "talking"), 10)
    assert (await board.bus.request("cy.cmd.board.board", {"op": "hand", "line": line, "what": "replace"}))["ok"]
    row = await finished_call(board, "13800138000")
    assert (row.id, row.direction, row.agent_id) == (call_id, "inbound", (await board.agent("1001"))["agent_id"])
    ((_, sound),) = await recordings(board, row)
    assert all(np.abs(sound[:, side]).max() > 500 for side in (0, 1))
    await desk.close()


async def watched(board: Centre, *states: str) -> bool:
    return ((await board.agent("1001"))["watched"] or {}).get("state") in states


async def telephones_free(board: Centre) -> bool:
    reply = await board.bus.request("cy.cmd.board.board", {"op": "lines"})
    return all(line["state"] == "idle" for line in reply["lines"])


async def is_up(board: Centre) -> bool:
    return (await board.links())["board"]
