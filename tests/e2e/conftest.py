"""One running product on each switch for all end-to-end tests: started once, emptied before each test, crashes looked
for at the end. The tests of one switch come one after the other, so that only one product runs at a time.

``@pytest.mark.runs_on("asterisk")`` is for a test that says something about that switch only, ``runs_on("both")`` for
one across an Asterisk and a FreeSWITCH, ``"across"`` the same with the browsers' phones at the FreeSWITCH and callers
at the Asterisk; without it a test of the product runs on each of ``SWITCHES``. A FreeSWITCH that is not there is named
as not run."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright
from xdist.scheduler import LoadScopeScheduling

from cti.provision.apt import ProvisionFailed
from cti.provision.freeswitch import require_freeswitch
from cti.settings import Settings, SwitchChoice
from tests.e2e.rig.browser import Desk, Person, launch
from tests.e2e.rig.centre import Centre
from tests.e2e.rig.crowd import Crowd
from tests.e2e.rig.prepared import prepared_var
from tests.e2e.rig.sip import SipPhone

HERE = Path(__file__).parent
TIMEOUT = 180  # seconds a test; the first also starts the product
SERIES = {"wrapup": 1.0, "ring_timeout": 15.0}
LOG_START = pytest.StashKey[int]()
SWITCHES = ("asterisk", "freeswitch")
ACROSS = {"CALLYARD_SWITCH": "both", "CALLYARD_WEB_PHONE_SWITCH": "freeswitch"}  # callers come in at the Asterisk
MICROPHONES = (600.0, 1600.0)  # what agent1 and agent2 say
PRODUCT = re.compile(r"\[(asterisk|freeswitch|both|across)\b")
OWN_PRODUCT = {"test_faults_link.py", "test_faults_postgres.py", "test_make_run.py"}  # started by the file itself
DeskMaker = Callable[..., Awaitable[Desk]]
PhoneMaker = Callable[..., Awaitable[SipPhone]]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "runs_on(*switches): the switches that the product runs on in this test")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "product" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("runs_on")
        metafunc.parametrize("product", mark.args if mark else SWITCHES, indirect=True, scope="session")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    return ByProduct(config, log)


class ByProduct(LoadScopeScheduling):  # type: ignore[misc]
    """The tests of one product stay with one worker of pytest-xdist: each product is started but once."""

    def _split_scope(self, nodeid: str) -> str:
        file, found = nodeid.partition("::")[0], PRODUCT.search(nodeid)
        return found[1] if found and Path(file).name not in OWN_PRODUCT else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and item.path.name != "test_make_run.py":
            item.add_marker(pytest.mark.timeout(TIMEOUT))


@pytest.fixture(scope="session")
def e2e_folder() -> Iterator[Path]:
    """A short path: Asterisk's control socket lies below it. Kept when ``CALLYARD_TEST_KEEP`` is set."""
    folder = Path(tempfile.mkdtemp(prefix="cy-"))
    yield folder
    if not os.environ.get("CALLYARD_TEST_KEEP"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a first start leaves behind, to begin with; the workers of pytest-xdist share one."""
    folder = tmp_path_factory.getbasetemp()
    return prepared_var((folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "prepared")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the product said meanwhile."""
    report = yield
    centres = [value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Centre)]
    if report.failed and report.when == "call":
        report.sections += [
            ("the product's log", c.output()[item.stash.get(LOG_START, 0) :][-6000:]) for c in centres[:1]
        ]
    elif report.when == "setup":
        for centre in centres[:1]:
            item.stash[LOG_START] = len(centre.output())
    return report


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def product(request: pytest.FixtureRequest, e2e_folder: Path, prepared: Path) -> AsyncIterator[Centre]:
    missing = [name for name in ("sipp", "chromium") if not shutil.which(name)]
    if missing:
        pytest.fail(f"not installed: {', '.join(missing)} (apt install sip-tester chromium)", pytrace=False)
    if request.param != "asterisk":
        freeswitch_or_skip()
    environment = ACROSS if request.param == "across" else {"CALLYARD_SWITCH": request.param}
    centre = await Centre.start(e2e_folder / request.param[:2], prepared, **environment)
    try:
        yield centre
    finally:
        await centre.stop()
    assert not centre.crashes(), f"the product printed:\n{centre.crashes()}"


def freeswitch_or_skip() -> None:
    """FreeSWITCH is in no registry of packages, so a machine may be without it, also in CI."""
    try:
        require_freeswitch(Settings(switch=SwitchChoice.FREESWITCH).switches()[0])
    except ProvisionFailed as error:
        pytest.skip(f"NOT RUN on freeswitch: {error}")


@pytest_asyncio.fixture(loop_scope="session")
async def centre(product: Centre) -> AsyncIterator[Centre]:
    """The product with nobody logged in, no calls, and short wrap-up."""
    await product.everybody_off()
    await product.quick_queues(**SERIES)
    yield product


@pytest_asyncio.fixture(loop_scope="session")
async def phones(centre: Centre) -> AsyncIterator[PhoneMaker]:
    """Makes registered SIP phones of agents, which are closed after the test."""
    async with Crowd(centre) as crowd:
        yield crowd.phone


@pytest_asyncio.fixture(loop_scope="session")
async def callers(centre: Centre) -> AsyncIterator[PhoneMaker]:
    """Makes outside callers by number."""
    async with Crowd(centre) as crowd:
        yield crowd.caller


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browsers(playwright: Playwright, e2e_folder: Path) -> AsyncIterator[dict[str, Browser]]:
    """One browser an agent, each with another tone for a microphone."""
    made = {
        "agent1": await launch(playwright, e2e_folder, MICROPHONES[0]),
        "agent2": await launch(playwright, e2e_folder, MICROPHONES[1]),
    }
    yield made
    for browser in made.values():
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def desks(centre: Centre, browsers: dict[str, Browser]) -> AsyncIterator[DeskMaker]:
    made: list[Person] = []

    async def make(username: str, locale: str = "zh_CN", *, by_hand: bool = False) -> Desk:
        browser = browsers.get(username, browsers["agent1"])
        desk = await Desk.sign_in(centre, browser, username, locale, by_hand=by_hand)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        await desk.close()
