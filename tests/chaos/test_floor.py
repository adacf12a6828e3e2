"""A wild day on a real switch: calls, hang-ups, transfers, agents coming and going, links cut, engines killed.

``CALLYARD_CHAOS_SECONDS`` (300) and ``CALLYARD_CHAOS_SEED`` (the day's; it is printed) choose another.
``make test-long`` runs it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos import books
from tests.chaos.people import Floor, linked
from tests.e2e.conftest import SWITCHES, e2e_folder, freeswitch_or_skip  # noqa: F401 - a fixture
from tests.e2e.rig.centre import until
from tests.e2e.rig.outside import OutsideCentre

SECONDS = float(os.environ.get("CALLYARD_CHAOS_SECONDS", "300"))
SEED = int(os.environ.get("CALLYARD_CHAOS_SEED") or time.strftime("%Y%m%d"))
WRITTEN = 240.0  # seconds: a call that ended while no engine was there is closed by the worker after two looks
AGENTS = ["1001", "1002", "1003", "1004", "1005"]
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(SECONDS + 180 + WRITTEN)]


@pytest_asyncio.fixture(params=SWITCHES, loop_scope="session")
async def centre(request: pytest.FixtureRequest, e2e_folder: Path) -> AsyncIterator[OutsideCentre]:  # noqa: F811
    if request.param == "freeswitch":
        freeswitch_or_skip()
    centre = OutsideCentre(e2e_folder / f"x{request.param[:1]}", {"CALLYARD_SWITCH": request.param})
    try:
        await centre.launch()
        await centre.quick_queues(wrapup=1.0, ring_timeout=4.0)
        yield centre
    finally:
        await centre.stop()


async def test_a_wild_day_leaves_the_floor_and_the_books_in_order(centre: OutsideCentre) -> None:
    floor = Floor(centre, SEED, AGENTS)
    try:
        await floor.run(SECONDS)
        await floor.calm()
        await linked(centre)
        await until("no calls are left", lambda: _calls_left(centre), 30, every=0.2)
        await until("no channel is left", lambda: centre.switch.channels() == 0, 15, every=0.2)
        for number in AGENTS:
            await centre.on_duty(number)
            await centre.agent(number, "logout")
            await centre.agent_is(number, "loggedOff")
    finally:
        await floor.close()
    with contextlib.suppress(AssertionError):
        await until(
            "the books are written",
            lambda: not books.unfinished(books.all_calls(centre), floor.dark),
            WRITTEN,
            every=0.5,
        )
    calls = books.all_calls(centre)
    talked = sum(call.answered_at is not None for call in calls)
    print(
        f"seed {SEED}: {len(floor.placed)} calls in, {len(calls)} in the books, {talked} of them answered, "
        f"{len(floor.dark.stretches)} faults, {dict(floor.told)}"
    )
    complaints = [
        *books.unfinished(calls, floor.dark),
        *books.missing(floor.placed, calls, floor.dark),
        *books.incomplete(calls, floor.dark),
        *books.unrecorded(calls, floor.dark),
    ]
    assert not complaints, f"seed {SEED}:\n" + "\n".join(complaints)
    assert talked > SECONDS / 20, "the day was not empty"
    assert not centre.crashes(), f"the product printed:\n{centre.crashes()}"


async def _calls_left(centre: OutsideCentre) -> bool:
    return bool((await centre.floor())["calls"] == 0)
