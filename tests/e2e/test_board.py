"""Voice boards alone, no softswitch: the simulated board's caller, menu, queue and telephones, as with ``make run``
``BOARD=sim``, and a second board with one telephone.

Telephones lift themselves after three seconds and are replaced when they hear busy."""

from __future__ import annotations

import base64
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from sqlalchemy import delete
from sqlalchemy.orm import Session

from cards.host.simulated import EXTENSIONS, TRUNKS
from cti.store.models import BoardLine
from tests.e2e.rig.browser import Desk
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import finished_call, recordings

pytestmark = pytest.mark.asyncio(loop_scope="session")

CUSTOMER, OTHER = "19900000011", "19900000012"
SECOND = '[[board]]\nname = "second"\nvendor = "sim"\nface = "donjin"\n'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def board(e2e_folder: Path, prepared: Path) -> AsyncIterator[Centre]:
    further = e2e_folder / "boards.toml"
    further.write_text(SECOND)
    environment = {"CALLYARD_BOARD": "sim", "CALLYARD_SWITCHES_FILE": str(further)}
    centre = await Centre.start(e2e_folder / "vb", prepared, CALLYARD_SWITCH="board", **environment)

    def planned(session: Session) -> None:
        session.execute(delete(BoardLine).where(BoardLine.device == "1005"))
        session.add(BoardLine(board="second", line=8, device="1005"))

    await centre.configure(planned)
    await centre.quick_queues(wrapup=0.0)
    yield centre
    await centre.stop()
    assert not centre.crashes(), centre.crashes()


async def somebody_calls(board: Centre, caller: str = CUSTOMER, switch: str = "board") -> None:
    call = {"dialed": "8000", "caller_number": caller, "caller_name": "", "digits": "1", "switch": switch}
    reply = await board.bus.request("cy.cmd.centre", {"op": "test_call", **call})
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
    desk = await Desk.sign_in(board, browsers["agent1"], "agent1", "en", by_hand=True)
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


async def test_a_call_out_and_a_library_that_crashes_while_another_board_talks(board: Centre) -> None:
    for number in ("1001", "1002"):
        await board.agent(number, "logout")
    await until("the telephones are replaced", lambda: telephones_free(board), 10)
    await board.on_duty("1001")
    await board.on_duty("1005")
    await somebody_calls(board, OTHER, "second")
    await board.agent("1001", "dial", number="13900139000")
    document = await board.agent_is("1001", "talking", deadline=40)
    assert document["call"]["direction"] == "outbound"
    board.kill("engine")
    await until("the engine is back", board._linked, 30)
    await board.agent_is("1001", "talking")
    await board.agent_is("1005", "talking", deadline=30)
    listener = await ask_second(board, op="listen", line=8)
    host = board.pid("second")
    board.kill("board", signal.SIGSEGV)
    await board.agent_is("1001", "ready", "workingAfterCall", "notReady", deadline=20)
    await until("the board is back", lambda: is_up(board), 20)
    row = await finished_call(board, "13900139000")
    assert (row.cause, row.ended_by) == ("failed", "system")
    await board.agent_is("1005", "talking")
    assert board.pid("second") == host
    await ask_second(board, op="hear", listener=listener["listener"])
    await until("the other board's telephone hears its caller", lambda: sounds(board, listener["listener"]), 5)
    await board.agent("1005", "hangup")
    assert (await finished_call(board, OTHER)).switch == "second"
    await board.on_duty("1001")
    await board.quick_queues(survey=True)
    await somebody_calls(board)
    await board.agent_is("1001", "talking", deadline=30)
    await board.agent("1001", "hangup")
    await board.agent_is("1001", "ready")
    await until("the caller presses how satisfied they are", lambda: rated(board, 2), 15, every=0.5)
    row = await finished_call(board, CUSTOMER)
    assert (row.rating, row.rated_agent_id, row.ended_by) == (2, row.agent_id, "agent")


async def test_a_call_on_a_telephone_that_is_only_listened_to_pops_and_is_recorded(
    board: Centre, browsers: dict[str, Browser]
) -> None:
    """The first recording channel hangs on another telephone of 1001."""
    desk = await Desk.sign_in(board, browsers["agent1"], "agent1", "en")
    await desk.page.goto("/")
    line = TRUNKS + EXTENSIONS
    assert (await board.bus.request("cy.cmd.board.board", {"op": "hand", "line": line, "what": "called"}))["ok"]
    await until("the telephone rings", lambda: watched(board, "offered", "talking"), 10)
    call_id = (await board.agent("1001"))["watched"]["call_id"]
    await expect(desk.page.locator(f"#pop[data-call-id='{call_id}']")).to_be_visible()
    await until("the telephone is lifted", lambda: watched(board, "talking"), 10)
    await until("both sides are on the tape", lambda: both_sides_heard(board, call_id), 15)
    assert (await board.bus.request("cy.cmd.board.board", {"op": "hand", "line": line, "what": "replace"}))["ok"]
    row = await finished_call(board, "13800138000")
    assert (row.id, row.direction, row.agent_id) == (call_id, "inbound", (await board.agent("1001"))["agent_id"])
    ((_, sound),) = await recordings(board, row)
    assert all(np.abs(sound[:, side]).max() > 500 for side in (0, 1))
    await desk.close()


async def watched(board: Centre, *states: str) -> bool:
    return ((await board.agent("1001"))["watched"] or {}).get("state") in states


def both_sides_heard(board: Centre, call_id: str) -> bool:
    """On what is recorded of the call up to this moment."""
    tapes = [path for path in board.settings.spool_dir.rglob(f"*{call_id}*.raw") if ".taps" not in path.parts]
    whole = b"".join(path.read_bytes() for path in tapes)
    sound = np.frombuffer(whole[: len(whole) // 4 * 4], "<i2").reshape(-1, 2)
    return len(sound) > 0 and all(np.abs(sound[:, side].astype(int)).max() > 500 for side in (0, 1))


async def ask_second(board: Centre, **question: object) -> dict[str, str]:
    reply = await board.bus.request("cy.cmd.board.second", question)
    assert reply["ok"], reply
    return reply


async def sounds(board: Centre, listener: str) -> bool:
    heard = np.frombuffer(base64.b64decode((await ask_second(board, op="hear", listener=listener))["sound"]), np.int16)
    return len(heard) > 0 and int(np.abs(heard.astype(int)).max()) > 500


async def telephones_free(board: Centre) -> bool:
    reply = await board.bus.request("cy.cmd.board.board", {"op": "lines"})
    return all(line["state"] == "idle" for line in reply["lines"])


async def rated(board: Centre, rating: int) -> bool:
    """The customer presses the key; one that comes before the question does not count."""
    (call,) = (await board.bus.request("cy.cmd.centre", {"op": "calls"}))["calls"]
    lines = (await board.bus.request("cy.cmd.board.board", {"op": "lines"}))["lines"]
    for line in lines:
        if line["number"] == CUSTOMER:
            await board.bus.request("cy.cmd.board.board", {"op": "hand", "line": line["line"], "what": f"key{rating}"})
    return bool(call["rating"] == rating)


async def is_up(board: Centre) -> bool:
    return (await board.links())["board"]
