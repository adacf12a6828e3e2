"""The job itself, without a mock: a caller with RTP, a menu key by RFC 4733, a queue, an agent in a real browser by
WebRTC or on a plain SIP phone, the pop before the answer, an order, a consultation; then audio, rows and links."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from cti.store.models import Order, Product
from tests.e2e.conftest import MICROPHONES, SWITCHES, DeskMaker
from tests.e2e.rig.browser import Person
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ledger import finished_call, operations, recordings
from tests.e2e.rig.sipp import Sipp
from tests.e2e.rig.sipphones import callers as sipp_callers
from tests.e2e.rig.sipphones import registered_phones
from tests.e2e.rig.tones import RATE, call_pcap, seconds_of, ulaw_file

pytestmark = pytest.mark.asyncio(loop_scope="session")
CUSTOMER_TONE, AGENT_TONE, OTHER_TONE = 1000.0, *MICROPHONES
MENU_DID = "8000"


def menu_caller(centre: Centre, folder: Path, number: str, digit: str = "1", seconds: float = 60.0) -> Sipp:
    """sipp calls the menu: a tone in RTP, the key as RFC 4733 events in the same stream."""
    pcap = call_pcap(folder / f"{number}.pcap", CUSTOMER_TONE, seconds, {1.5: digit})
    return sipp_callers(folder, centre.switch.sip, MENU_DID, [number], pcap=pcap)


@pytest.mark.runs_on(*SWITCHES, "across")
async def test_browser_agent_takes_an_order_then_consults(
    centre: Centre, desks: DeskMaker, browsers: dict[str, Browser], e2e_folder: Path
) -> None:
    first, second = await desks("agent1", "zh_CN"), await desks("agent2", "en")
    floor = await Person.sign_in(centre, browsers["agent2"], "supervisor", "zh_CN")
    await floor.page.goto("/floor")
    await first.open()
    await first.ready()

    number = "19900000003"
    customer = centre.customer_of(number)
    with menu_caller(centre, e2e_folder, number) as caller:
        call_id = await first.pop(customer.name, 12)
        assert (await centre.agent("1001"))["state"] == "alerting", "the pop is there before the answer"
        await first.press("F2")
        await first.shows("talking")
        await expect(first.page.locator("#cy-bar [data-slot=state]")).to_have_text("通话中")
        await first.hears(CUSTOMER_TONE)
        await first.press("F8")
        await first.shows("hold")
        await first.hears_nothing()
        await first.press("F8")
        await first.shows("talking")
        await first.hears(CUSTOMER_TONE)
        await expect(floor.page.locator("[data-total=talking] b")).to_have_text("1")
        await first.save_order("P003", 2)
        await until("both tones are on the tape", lambda: _recorded_seconds(centre, call_id, 4.0), 15, every=0.2)
        await first.press("F4")
        await first.shows("workingAfterCall", "ready")
        assert caller.wait(10) == 0, caller.errors()
    row = await finished_call(centre, number)
    assert row.id == call_id
    assert row.digits == "1"
    assert [(leg.kind, leg.device) for leg in row.legs][1:] == [("agent", "1001-web")]
    assert row.document["legs"][1]["via"] == centre.settings.web_phone_switch, "carried across, where there is an other"
    assert all(leg.answered_at and leg.ended_at for leg in row.legs)
    assert row.ended_by == "agent"
    told = await operations(centre, call_id, "callCleared")
    assert told["event"][0] == "ChannelOffered"
    assert {"Answer", "Play", "Originate", "RecordStart", "Bridge", "Hangup"} <= set(told["command"]), told
    assert {"Digit", "ChannelRinging", "ChannelAnswered", "ChannelBridged", "ChannelHungUp"} <= set(told["event"]), told
    assert {"hold", "retrieve", "hangup"} <= set(told["request"]), told
    [(tape, audio)] = await recordings(centre, row)
    assert tape.ended_at is not None
    talked = (tape.ended_at - tape.started_at).total_seconds()
    assert abs(len(audio) / RATE - talked) < 0.5, "a second of tape for each second"
    assert seconds_of(audio[:, 0], CUSTOMER_TONE) > 0.9 * len(audio) / RATE, "the customer on the left, all the time"
    assert seconds_of(audio[:, 1], AGENT_TONE) > 1, "the agent on the right"
    assert seconds_of(audio[:, 0], AGENT_TONE) == 0
    assert seconds_of(audio[:, 1], CUSTOMER_TONE) == 0
    with centre.database() as session:
        order = session.scalars(select(Order).where(Order.call_id == call_id)).one()
        product = session.scalars(select(Product).where(Product.code == "P003")).one()
        assert order.customer_id == customer.id
        assert [(line.product_id, line.quantity) for line in order.lines] == [(product.id, 2)]
        assert order.total == product.price * Decimal(2)
    await the_recording_can_be_heard(first, call_id, order.number)

    await first.open()
    if await first.state() == "workingAfterCall":
        await first.press("Alt+n")
    await first.shows("ready")
    number = "19900000004"
    customer = centre.customer_of(number)
    with menu_caller(centre, e2e_folder, number) as caller:
        call_id = await first.pop(customer.name, 12)
        await first.press("F2")
        await first.shows("talking")
        await second.open()
        await second.ready()
        await first.consult("1002")
        assert await second.pop(customer.name) == call_id
        await second.press("F2")
        await second.shows("talking")
        await expect(second.page.locator("#cy-bar [data-slot=state]")).to_have_text("Talking")
        await first.hears(OTHER_TONE)
        await second.hears(AGENT_TONE)
        await first.press("Alt+c")
        await second.hears(CUSTOMER_TONE)
        await first.shows("workingAfterCall", "ready")
        await until("some talk after", lambda: _recorded_seconds(centre, call_id, 3.0, "-3"), 10, every=0.2)
        await second.press("F4")
        await second.shows("workingAfterCall", "ready")
        assert caller.wait(10) == 0, caller.errors()
    row = await finished_call(centre, number)
    one, two = centre.agent_row("1001").id, centre.agent_row("1002").id
    assert [(leg.agent_id, leg.device) for leg in row.legs][1:] == [(one, "1001-web"), (two, "1002-web")]
    assert [leg.kind for leg in row.legs][:2] == ["customer", "agent"]
    transfers = row.document["transfers"]
    assert [(t["kind"], t["result"], t["from_agent"], t["to_agent"]) for t in transfers] == [
        ("consult", "completed", one, two)
    ]
    (of_one, before), (_, aside), (of_two, after) = await recordings(centre, row)
    assert {seconds_of(aside[:, side], CUSTOMER_TONE) for side in (0, 1)} == {0}, (
        "the consultation is without the customer"
    )
    assert [of_one.agent_id, of_two.agent_id] == [one, two]
    assert seconds_of(before[:, 0], CUSTOMER_TONE) > 1
    assert seconds_of(before[:, 1], OTHER_TONE) == 0, "the customer does not hear the consultation"
    assert seconds_of(after[:, 0], CUSTOMER_TONE) > 1
    assert seconds_of(after[:, 1], OTHER_TONE) > 1, "the colleague on the right after the transfer"
    assert seconds_of(after[:, 1], AGENT_TONE) == 0
    for desk in (first, second, floor):
        assert not desk.errors, desk.errors
    await floor.close()


async def the_recording_can_be_heard(desk: Person, call_id: str, order_number: str) -> None:
    """On the page of the call: linked order, waveform of two channels, audio in pieces as a player asks for it."""
    await desk.page.goto(f"/calls/{call_id}")
    await expect(desk.page.locator("main")).to_contain_text(order_number)
    player = desk.page.locator("[data-player]").first
    await expect(player.locator("canvas")).to_be_visible()
    token = await desk.page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    ask = await player.get_attribute("data-listen") or ""
    ticket = await desk.context.request.post(ask, headers={"X-CSRFToken": token})
    assert ticket.ok, await ticket.text()
    piece = await desk.context.request.get((await ticket.json())["url"], headers={"Range": "bytes=0-43"})
    assert piece.status == 206
    assert (await piece.body())[:4] == b"RIFF"
    peaks = await (await desk.context.request.get(await player.get_attribute("data-peaks") or "")).json()
    assert peaks


async def test_sip_phone_agent_takes_an_order(centre: Centre, desks: DeskMaker, e2e_folder: Path) -> None:
    number = "19900000005"
    customer = centre.customer_of(number)
    account = ("1003", centre.agent_row("1003").sip_secret)
    tone = ulaw_file(e2e_folder / "agent.ulaw", AGENT_TONE)
    with registered_phones(e2e_folder, centre.switch, [account], tone=tone, ring_ms=2500) as phone:
        desk = await desks("agent3", "en")
        await desk.page.goto("/desktop")
        await desk.choose_phone("sip")
        await desk.open()
        await desk.ready()
        with menu_caller(centre, e2e_folder, number, "2") as caller:
            invite = phone.wait_for("^INVITE", 15, sent=False)
            call_id = await desk.pop(customer.name, 2)
            assert (await centre.agent("1003"))["state"] == "alerting", "the pop is there before the answer"
            await desk.shows("talking", deadline=6)
            await desk.save_order("P007", 1)
            await until("both tones are on the tape", lambda: _recorded_seconds(centre, call_id, 3.0), 15, every=0.2)
            await desk.press("F4")
            assert caller.wait(10) == 0, caller.errors()
        phone.wait_for("^BYE", 5, sent=False)
        assert customer.name or invite.start
    row = await finished_call(centre, number)
    assert row.digits == "2"
    assert [(leg.kind, leg.device) for leg in row.legs][1:] == [("agent", "1003")]
    [(_, audio)] = await recordings(centre, row)
    assert seconds_of(audio[:, 0], CUSTOMER_TONE) > 1.5
    assert seconds_of(audio[:, 1], AGENT_TONE) > 1.5
    assert seconds_of(audio[:, 0], AGENT_TONE) == 0
    with centre.database() as session:
        assert session.scalars(select(Order).where(Order.call_id == call_id)).one().customer_id == customer.id
    await desk.page.goto("/desktop")
    await desk.choose_phone("web")


async def test_reload_in_a_call_brings_call_and_page_back(centre: Centre, desks: DeskMaker, e2e_folder: Path) -> None:
    desk = await (await desks("agent1", "en")).open()
    await desk.ready()
    number = "19900000006"
    customer = centre.customer_of(number)
    with menu_caller(centre, e2e_folder, number) as caller:
        call_id = await desk.pop(customer.name, 12)
        await desk.press("F2")
        await desk.shows("talking")
        await desk.hears(CUSTOMER_TONE)
        started = time.monotonic()
        await desk.page.reload()
        await desk.shows("talking", deadline=3.0 - (time.monotonic() - started))
        assert await desk.pop(customer.name, 3.0 - (time.monotonic() - started)) == call_id
        elapsed = time.monotonic() - started
        await desk.hears(CUSTOMER_TONE)
        assert caller.running
        document = await centre.agent("1001")
        assert (document["state"], document["call"]["call_id"]) == ("talking", call_id)
        await desk.press("F4")
        assert caller.wait(10) == 0, caller.errors()
    print(f"reload in a call: back after {elapsed:.2f} s")
    row = await finished_call(centre, number)
    assert row.id == call_id


async def test_supervisors_floor_changes_while_calls_come(
    centre: Centre, browsers: dict[str, Browser], e2e_folder: Path
) -> None:
    boss = await Person.sign_in(centre, browsers["agent1"], "supervisor", "en")
    await boss.page.goto("/floor")
    card = boss.page.locator("[data-agent-number='1001'], [data-agent='1001'], [data-number='1001']").first
    await expect(card).to_be_visible(timeout=5000)
    before = await card.inner_text()
    phone = await centre.phone("1001")
    await centre.on_duty("1001")
    await expect(card).not_to_have_text(before, timeout=2000)
    caller = await centre.caller("19900000007")
    call = await caller.dial("8001", CUSTOMER_TONE)
    leg = await phone.incoming(10)
    await leg.answer(AGENT_TONE)
    await centre.agent_is("1001", "talking")
    await expect(card).to_contain_text("Talking", timeout=2000, ignore_case=True)
    call.hangup()
    await leg.becomes("ended")
    phone.close()
    caller.close()
    await boss.close()


def _recorded_seconds(centre: Centre, call_id: str, least: float, place: str = "") -> bool:
    """Whether so much is on a tape of the call (on its third with ``place`` "-3"), by the size of the file."""
    files = centre.settings.spool_dir.rglob(f"*{call_id}{place or '*'}.raw")
    return any(path.stat().st_size >= least * RATE * 2 * 2 for path in files)
