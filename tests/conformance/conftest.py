"""The switches that the conformance suite runs on. One that cannot be had is reported by name; in CI it fails."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cards.sim.build import BuildFailed, Face
from cti.domain.switch.terms import Capability
from cti.provision.apt import ProvisionFailed
from tests.conformance.asterisk_rig import AsteriskWorld, RunningAsterisk, running_asterisk
from tests.conformance.board_rig import BoardWorld, running_board
from tests.conformance.freeswitch_rig import FreeSwitchWorld, RunningFreeSwitch, running_freeswitch
from tests.conformance.sim_rig import SimWorld
from tests.conformance.world import World
from tests.fakes.stranger import Stranger


def not_run(what: str, why: object) -> None:
    """End the test as not run, by name. With ``CI`` set that is a failure."""
    message = f"NOT RUN on {what}: {why}"
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def asterisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAsterisk]:
    var = tmp_path_factory.mktemp("ast")
    try:
        with running_asterisk(var) as process:
            yield process
    except ProvisionFailed as error:
        not_run("asterisk", error)


@pytest.fixture
async def asterisk_world(asterisk: RunningAsterisk) -> AsyncIterator[AsteriskWorld]:
    async with AsteriskWorld(asterisk) as world:
        yield world


@pytest.fixture(scope="session")
def freeswitch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFreeSwitch]:
    """It is in no registry of packages: where none is found its runs are named and are no failure, also in CI."""
    var = tmp_path_factory.mktemp("fs")
    try:
        with running_freeswitch(var) as process:
            yield process
    except ProvisionFailed as error:
        pytest.skip(f"NOT RUN on freeswitch: {error}")


@pytest.fixture
async def freeswitch_world(freeswitch: RunningFreeSwitch) -> AsyncIterator[FreeSwitchWorld]:
    async with FreeSwitchWorld(freeswitch) as world:
        yield world


@pytest.fixture(params=["asterisk", "freeswitch"])
async def sip_world(request: pytest.FixtureRequest) -> AsyncIterator[AsteriskWorld]:
    """A switch that speaks SIP."""
    kind = {"asterisk": AsteriskWorld, "freeswitch": FreeSwitchWorld}[request.param]
    async with kind(request.getfixturevalue(request.param)) as found:
        yield found


@pytest.fixture
async def stranger(sip_world: AsteriskWorld) -> AsyncIterator[Stranger]:
    async with Stranger(sip_world.outside.server) as found:
        yield found


def board_library(face: Face) -> Path:
    """Of the simulated board with this interface, built once for each state of its sources."""
    try:
        return running_board(face, Path(tempfile.gettempdir()) / f"callyard-boards-{os.getuid()}")
    except BuildFailed as error:
        not_run(f"the {face.value} board", error)
        raise


@pytest.fixture(params=["sim", "asterisk", "freeswitch", *(face.value for face in Face)])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "sim":
        async with SimWorld(tmp_path) as sim:
            needs(request, sim)
            yield sim
    elif request.param in list(Face):
        face = Face(request.param)
        async with BoardWorld(face, board_library(face), tmp_path) as board:
            needs(request, board)
            yield board
    elif request.param == "freeswitch":
        async with FreeSwitchWorld(request.getfixturevalue("freeswitch")) as found:
            needs(request, found)
            yield found
    else:
        async with AsteriskWorld(request.getfixturevalue("asterisk")) as real:
            needs(request, real)
            yield real


def needs(request: pytest.FixtureRequest, world: World) -> None:
    """``@pytest.mark.needs(Capability.X)``: where the driver has closed it, the test does not apply."""
    for mark in request.node.iter_markers("needs"):
        for capability in mark.args:
            assert isinstance(capability, Capability)
            if capability not in world.switch.capabilities:
                pytest.skip(f"capability {capability} is closed on {world.switch.name}")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*capabilities): what the switch must be able to do")
