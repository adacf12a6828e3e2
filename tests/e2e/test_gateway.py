"""Outside lines of a voice board as calls of the softswitch: a caller of the simulated board reaches a browser, an
agent calls out on a line, and causes go both ways."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cards.host.charts import LineState
from cards.sim.control import State
from cti.store.boards import ensure_gateway_trunk
from cti.store.models import Did, Trunk
from tests.e2e.conftest import MICROPHONES, DeskMaker, PhoneMaker
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.gateway import HOST, BoardGateway
from tests.e2e.rig.ledger import finished_call

pytestmark = pytest.mark.asyncio(loop_scope="session")
LINE_TONE, AGENT_TONE = 1000.0, 800.0
OTHER_TONE, EXPERT_TONE = 1600.0, 1300.0
CUSTOMER, PASSED, OUTSIDE, TAKEN = "19900000011", "13900000191", "13900139001", "13900139002"
LINES = ("8000", "8001", "8000", "8000")  # what their callers have dialled: the menu, a queue


@pytest_asyncio.fixture(loop_scope="session")
async def board(centre: Centre, e2e_folder: Path) -> AsyncIterator[BoardGateway]:
    """Its trunk is the only way out."""
    folder = e2e_folder / f"gw{centre.switch.name}"
    folder.mkdir(exist_ok=True)
    made = BoardGateway(folder, centre.settings.prompts_dir, ("127.0.0.1", centre.switch.sip_port), LINES)

    def on(session: Session) -> None:
        for trunk in session.scalars(select(Trunk)):
            trunk.active = False
        ensure_gateway_trunk(session, "board", HOST, made.port)

    def off(session: Session) -> None:
        session.execute(delete(Did).where(Did.trunk_id == "board"))
        session.execute(delete(Trunk).where(Trunk.id == "board"))
        for trunk in session.scalars(select(Trunk)):
            trunk.active = True

    made.start()
    await centre.configure(on, phones=True)
    yield made
    await centre.configure(off, phones=True)
    made.stop()


async def test_a_caller_on_a_line_reaches_a_browser_and_the_line_tells_the_end(
    centre: Centre, desks: DeskMaker, board: BoardGateway
) -> None:
    desk = await (await desks("agent1", "en")).open()
    await desk.ready()
    board.line(0).do(f"call {CUSTOMER} fsk; answered 30; wait 2.5; digits 1; tone {LINE_TONE:g} 120 -12")
    await desk.pop(centre.customer_of(CUSTOMER).name, deadline=25)
    await desk.press("F2")
    await desk.shows("talking")
    await desk.hears(LINE_TONE)
    await board.hears(0, MICROPHONES[0])
    began = time.monotonic()
    board.line(0).do("hangup")
    released = board.floor.lines[0]
    await until("the line is let go", lambda: released.state in (LineState.RELEASING, LineState.IDLE), 5)
    assert released.since - began < 2.0
    row = await finished_call(centre, CUSTOMER)
    assert (row.digits, row.document["trunk"], [leg.kind for leg in row.legs]) == ("1", "board", ["customer", "agent"])


async def test_an_agent_calls_out_on_a_line_and_hangs_it_up(
    centre: Centre, phones: PhoneMaker, board: BoardGateway
) -> None:
    agent = await phones("1002")
    await centre.on_duty("1002")
    board.line(0).when("dialled", f"ring 1; answer; tone {LINE_TONE:g} 120 -12")
    await centre.agent("1002", "dial", number=OUTSIDE)
    leg = await agent.incoming(10)
    await leg.answer(AGENT_TONE)
    await leg.hears(LINE_TONE, 15)
    await board.hears(0, AGENT_TONE)
    assert board.line(0).dialled == OUTSIDE
    leg.hangup()
    await until("the line is on hook", lambda: board.line(0).state is State.IDLE, 5)
    row = await finished_call(centre, OUTSIDE)
    assert (row.direction, row.document["trunk"]) == ("outbound", "board")
    for line in range(len(LINES)):
        board.line(line).when("dialled", "busy")
    await centre.agent_is("1002", "ready", "notReady", "workingAfterCall")
    await centre.agent("1002", "dial", number=TAKEN)
    leg = await agent.incoming(10)
    await leg.answer(AGENT_TONE)
    row = await finished_call(centre, TAKEN, 15)
    assert [leg.cause for leg in row.legs if leg.kind == "customer"] == ["busy"]


async def test_a_caller_on_a_line_is_passed_on_and_joined_with_another_line(
    centre: Centre, phones: PhoneMaker, board: BoardGateway
) -> None:
    """Blind to a colleague, who asks outside on the board, joins all three and leaves; the line breaks in the end."""
    one, two = await phones("1001"), await phones("1002")
    await centre.on_duty("1001")
    board.line(1).do(f"call {PASSED} dtmf; answered 30; tone {LINE_TONE:g} 120 -12")
    first = await one.incoming(15)
    await first.answer(AGENT_TONE)
    await first.hears(LINE_TONE)
    first.press("57")
    await until("the line hears the digits", lambda: board.line(1).keys == "57", 8)
    await centre.on_duty("1002")
    await centre.agent("1001", "transfer", number="1002")
    second = await two.incoming(8)
    await second.answer(OTHER_TONE)
    await board.hears(1, OTHER_TONE)
    for line in (0, 2, 3):
        board.line(line).when("dialled", f"ring 0.5; answer; tone {EXPERT_TONE:g} 120 -12")
    await centre.agent("1002", "consult", number=OUTSIDE)
    await second.hears(EXPERT_TONE, 15)
    (out,) = (line for line in (0, 2, 3) if board.line(line).state is State.TALKING)
    await centre.agent("1002", "conference")
    await board.hears(1, OTHER_TONE, EXPERT_TONE)
    await board.hears(out, OTHER_TONE, LINE_TONE)
    await until("all three are joined", lambda: _joined(centre), 5)
    await centre.agent("1002", "complete")
    await second.becomes("ended")
    await board.hears(1, EXPERT_TONE)
    await board.hears(out, LINE_TONE)
    board.line(1).do("unplug")
    await until("the other line is let go", lambda: board.floor.lines[out].state is LineState.IDLE, 8)
    board.line(1).do("plug")
    row = await finished_call(centre, PASSED)
    assert [(t["kind"], t["result"]) for t in row.document["transfers"]] == [
        ("blind", "completed"),
        ("conference", "completed"),
        ("consult", "completed"),
    ]
    legs = {leg.kind: leg.cause for leg in row.legs}
    assert (legs["customer"], len(row.legs)) == ("media_lost", 4), legs


async def _joined(centre: Centre) -> bool:
    (call,) = (await centre.bus.request("cy.cmd.centre", {"op": "calls"}))["calls"]
    return bool(call["transfers"][-1]["kind"] == "conference" and call["transfers"][-1]["result"] == "completed")
