"""An exchange that is already there, connected by exactly the lines of docs/operations.md on its side and by the pages
on ours: a new trunk in four steps, its status, a test call in words, and calls both ways with sound."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cti.store.models import Did, Role, Trunk, User
from tests.e2e.rig.browser import Person
from tests.e2e.rig.centre import Centre
from tests.e2e.rig.ledger import finished_call
from tests.e2e.rig.pbx import PHONE, AsteriskExchange, Exchange, FreeSwitchExchange
from tests.e2e.rig.sip import SipPhone

pytestmark = pytest.mark.asyncio(loop_scope="session")

CUSTOMER_TONE, AGENT_TONE = 1000.0, 600.0
NUMBER = "8555"  # of the exchange's range 8XXX
MINUTE = 60_000  # ms; a switch that has just been told asks the other side when it likes


@pytest_asyncio.fixture(loop_scope="session")
async def only_its_own_trunk(centre: Centre) -> AsyncIterator[None]:
    """Calls out have one way: the trunk that the test makes. All is as before afterwards."""

    def off(session: Session) -> None:
        for trunk in session.scalars(select(Trunk)):
            trunk.active = False
        session.scalars(select(User).where(User.username == "supervisor")).one().role = Role.ADMIN

    def as_before(session: Session) -> None:
        session.execute(delete(Did).where(Did.trunk_id != ""))
        session.execute(delete(Trunk).where(Trunk.active.is_(True)))
        for trunk in session.scalars(select(Trunk)):
            trunk.active = True
        session.scalars(select(User).where(User.username == "supervisor")).one().role = Role.SUPERVISOR

    await centre.configure(off, phones=True)
    yield
    await centre.configure(as_before, phones=True)


@pytest.fixture
def exchange_folder(e2e_folder: Path, request: pytest.FixtureRequest) -> Path:
    folder = e2e_folder / f"x{abs(hash(request.node.name)) % 10_000}"
    folder.mkdir()
    return folder


@pytest.fixture
def asterisk_exchange(centre: Centre, exchange_folder: Path) -> Iterator[AsteriskExchange]:
    made = AsteriskExchange(exchange_folder, centre.switch.sip)
    yield made
    made.stop()


@pytest.fixture
def freeswitch_exchange(centre: Centre, exchange_folder: Path) -> Iterator[FreeSwitchExchange]:
    made = FreeSwitchExchange(exchange_folder, centre.switch.sip)
    if made.missing(centre.settings):
        pytest.skip("no FreeSWITCH on this machine: the guide's lines for one were not tried")
    made.start(centre.settings)
    yield made
    made.stop()


async def new_trunk(page: Page, kind: str, exchange: Exchange, username: str = "", password: str = "") -> None:
    """The four steps, by keyboard as far as that goes."""
    await page.goto("/admin/trunks/new")
    await page.locator(f"[data-kind={kind}]").press("Enter")
    await expect(page.locator("[name=host]")).to_be_focused()
    await page.keyboard.type(exchange.host)
    await page.locator("[name=port]").fill(str(exchange.port))
    await page.locator("[name=register]").set_checked(bool(username))
    await page.locator("[name=username]").fill(username)
    await page.locator("[name=secret]").fill(password)
    await page.keyboard.press("Enter")
    await expect(page.locator("[name=codec_1]")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.locator("[name=caller_id]").select_option("own")
    await page.locator("[name=did_from]").select_option("request")
    await page.locator("[name=numbers-0-number]").fill(NUMBER)
    await page.locator("[name=numbers-0-target]").select_option("queue:orders")
    await page.locator("[name=try_did]").fill(NUMBER)
    await expect(page.locator("[data-preview=in]")).to_contain_text("2001", timeout=5000)
    await page.locator("[data-save]").click()
    await expect(page.locator(".alert-success")).to_be_visible(timeout=20_000)


async def is_shown(page: Page, state: str) -> None:
    await expect(page.locator(f".cx-trunk-state[data-state={state}]")).to_be_visible(timeout=MINUTE)


async def test_call(page: Page, number: str, state: str, words: str) -> None:
    await page.locator("#main input[name=number][required]").fill(number)
    await page.keyboard.press("Enter")
    await expect(page.locator(f"[data-test-state={state}]")).to_contain_text(words, timeout=30_000)


test_call.__test__ = False  # type: ignore[attr-defined]


async def calls_both_ways(centre: Centre, exchange: Exchange, trunk_id: str) -> None:
    outside = await SipPhone(exchange.port, PHONE).open()
    with closing(await centre.phone("1002")) as agent, closing(outside):
        await centre.on_duty("1002")
        await outside.register()
        await call_in(centre, agent, outside, trunk_id)
        await centre.agent_is("1002", "ready")
        await call_out(centre, agent, outside)


async def call_in(centre: Centre, agent: SipPhone, outside: SipPhone, trunk_id: str) -> None:
    call = await outside.dial(NUMBER, CUSTOMER_TONE)
    leg = await agent.incoming(15)
    await leg.answer(AGENT_TONE)
    await call.becomes("up")
    await call.hears(AGENT_TONE)
    await leg.hears(CUSTOMER_TONE)
    assert (await centre.agent("1002"))["call"]["number"].endswith(PHONE)
    call.hangup()
    await leg.becomes("ended")
    row = await finished_call(centre, PHONE)
    assert (row.dnis, row.document["trunk"]) == (NUMBER, trunk_id)


async def call_out(centre: Centre, agent: SipPhone, outside: SipPhone) -> None:
    await centre.agent("1002", "dial", number=PHONE)
    leg = await agent.incoming(10)
    await leg.answer(AGENT_TONE)
    call = await outside.incoming(15)
    assert f"sip:{NUMBER}@" in (call.invite.get("From") if call.invite else ""), "the queue's own number is shown"
    await call.answer(CUSTOMER_TONE)
    await call.hears(AGENT_TONE)
    await leg.hears(CUSTOMER_TONE)
    leg.hangup()
    await call.becomes("ended")


async def test_an_asterisk_beside_callyard(
    centre: Centre, browsers: dict[str, Browser], asterisk_exchange: AsteriskExchange, only_its_own_trunk: None
) -> None:
    asterisk_exchange.start(centre.settings)
    admin = await Person.sign_in(centre, browsers["agent1"], "supervisor", "en")
    await new_trunk(admin.page, "pbx", asterisk_exchange)
    await test_call(admin.page, "600", "done", "It works")
    await test_call(admin.page, "601", "failed", "486")
    await test_call(admin.page, "999", "failed", "404")
    await calls_both_ways(centre, asterisk_exchange, "pbx")
    await is_shown(admin.page, "up")
    await admin.close()


@pytest.mark.runs_on("asterisk")
async def test_callyard_signs_on_at_an_asterisk(
    centre: Centre, browsers: dict[str, Browser], asterisk_exchange: AsteriskExchange, only_its_own_trunk: None
) -> None:
    asterisk_exchange.start(centre.settings, registered=True)
    admin = await Person.sign_in(centre, browsers["agent1"], "supervisor", "zh_CN")
    page = admin.page
    await new_trunk(page, "carrier", asterisk_exchange, asterisk_exchange.username, "not-the-password")
    await is_shown(page, "rejected")
    await expect(page.locator(".cx-hint")).to_contain_text("用户名或密码被拒绝")
    await page.locator("[name=secret]").fill(asterisk_exchange.password)
    await page.locator("[data-save]").click()
    await is_shown(page, "up")
    await test_call(page, "600", "done", "正常")
    await admin.close()
    await calls_both_ways(centre, asterisk_exchange, "carrier")


@pytest.mark.runs_on("asterisk")
async def test_a_freeswitch_beside_callyard(
    centre: Centre, browsers: dict[str, Browser], freeswitch_exchange: FreeSwitchExchange, only_its_own_trunk: None
) -> None:
    admin = await Person.sign_in(centre, browsers["agent1"], "supervisor", "en")
    await new_trunk(admin.page, "freeswitch", freeswitch_exchange)
    await test_call(admin.page, "600", "done", "It works")
    await test_call(admin.page, "601", "failed", "486")
    await calls_both_ways(centre, freeswitch_exchange, "freeswitch")
    await is_shown(admin.page, "up")
    await admin.close()
