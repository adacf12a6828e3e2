"""Every list of the site goes out as a file: whatever page shows rows has the button, and each list can be written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cti.store.models import Call, CallLeg, Tariff, Transfer, Trunk, utc_now
from tests.fakes.site import Site
from tests.pages import audited, browser
from tests.unit.test_web_transfers import exported, settled
from webui.transfers.registry import LISTS

TEMPLATES = Path(__file__).parents[2] / "webui" / "templates"
BUTTONS = ("transfer_buttons(", "reports.download")
FORM = "the table is a form of all there is: codes, fields and rights are changed in it"
ONE = "what belongs to one row, which goes out with its list"
ORDER = "few, in an order that decides: read together, on their page"
LIVE = "what is so at this moment"
SUMS = "sums of a list that goes out itself"
WITHOUT = {
    "admin/_switches.html": LIVE,
    "admin/calendars.html": ORDER,
    "admin/cities.html": "comes with the program; a few names are changed",
    "admin/fields.html": FORM,
    "admin/menu.html": ONE,
    "admin/outbound.html": ORDER,
    "admin/parameters.html": FORM,
    "admin/queue.html": ONE,
    "admin/reasons.html": FORM,
    "admin/rules.html": ORDER,
    "admin/site_menu.html": FORM,
    "api/docs.html": "a machine gets the description as openapi.json",
    "api/keys.html": "keys are for nobody's file",
    "api/webhooks.html": "addresses with secrets, and what is sent to them just now",
    "boards/_lines.html": LIVE,
    "boards/plan.html": LIVE,
    "boards/spans.html": FORM,
    "calls/show.html": ONE,
    "customers/_growth.html": SUMS,
    "customers/_people.html": SUMS,
    "customers/_regions.html": SUMS,
    "customers/duplicates.html": "found anew at each look",
    "customers/merge.html": ONE,
    "finance/books.html": SUMS,
    "finance/settlement.html": ONE,
    "fulfilment/pack.html": ONE,
    "fulfilment/pick_list.html": ONE,
    "fulfilment/ship.html": ONE,
    "fulfilment/told.html": "what the carrier's file said, which one has",
    "media/airing.html": ONE,
    "media/import.html": "what a file said, which one has",
    "orders/_form.html": ONE,
    "orders/drafts.html": "the own ones, not saved yet",
    "orders/show.html": ONE,
    "own/figures.html": LIVE,
    "own/readers.html": ONE,
    "points/member.html": ONE,
    "review/_steps.html": ONE,
    "review/slips.html": ONE,
    "review/split.html": ONE,
    "tickets/show.html": ONE,
    "trace/call.html": "goes out as a text",
    "trace/index.html": "calls to choose from, of which each log goes out as a text",
    "transfers/_state.html": "rows of a file that one has",
    "wallboard/index.html": LIVE,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


def with_tables() -> dict[str, str]:
    everything = {str(path.relative_to(TEMPLATES)): path.read_text() for path in TEMPLATES.rglob("*.html")}
    return {
        name: "".join(text for text in everything.values() if name in text) + text
        for name, text in everything.items()
        if "<thead" in text
    }


def test_every_page_with_rows_offers_them_as_a_file_or_says_why_not() -> None:
    """For a piece the pages that hold it count."""
    offered = {name for name, text in with_tables().items() if any(button in text for button in BUTTONS)}
    missing = set(with_tables()) - offered - set(WITHOUT)
    assert not missing, f"{missing}: put transfer_buttons() there, or say above why not"
    assert set(WITHOUT) <= set(with_tables()), "pages that are no longer there"
    assert not offered & set(WITHOUT), "they have the button now"


def test_every_list_can_be_written_and_has_a_page(site: Site) -> None:
    client, runner = browser(site, "admin"), site.app.extensions["callyard_transfers"]
    for name, spec in LISTS.items():
        assert spec.home in site.app.view_functions, name
        assert client.post(f"/transfers/export/{name}").status_code == 303
    assert runner.wait(60)
    with site.sessions() as session:
        states = {row.subject: (row.state, row.error) for row in session.scalars(select(Transfer))}
    assert states == dict.fromkeys(LISTS, ("done", ""))
    assert {entry.after["list"] for entry in audited(site, "list.export")} >= set(LISTS)


def test_who_may_not_open_the_page_gets_no_file_of_it(site: Site) -> None:
    site.set_user("agent3", rights={"lists.export": True})
    client = browser(site, "agent3")
    for name in ("users", "queues", "trunks", "codes", "listed", "charges", "warehouses"):
        assert client.post(f"/transfers/export/{name}").status_code == 403, name
    settled(site)


def test_no_secret_of_a_trunk_goes_out(site: Site, tmp_path: Path) -> None:
    with site.sessions() as session:
        session.add(Trunk(id="safe", name="Safe", host="127.0.0.1", username="me", secret="not-for-a-file"))
        session.commit()
    rows = exported(site, "trunks", "admin", tmp_path)
    assert any(row[0] == "safe" for row in rows)
    assert not any("not-for-a-file" in str(cell) for row in rows for cell in row)


def test_a_file_of_call_charges_adds_up_to_the_page(site: Site, tmp_path: Path) -> None:
    now = utc_now()
    begun: dict[str, Any] = {"created_at": now, "answered_at": now, "ended_at": now + timedelta(seconds=61)}
    talk: dict[str, Any] = {"trunk": "safe", "version": 1, "document": {}}
    with site.sessions() as session:
        session.add(Tariff(name="All", since=now.date() - timedelta(days=2), unit_seconds=60, price=1500, setup=0))
        session.add(Call(id="charged", direction="outbound", number="+8613800138000", **talk, **begun))
        session.flush()
        session.add(CallLeg(id="charged-leg", call_id="charged", kind="customer", **begun))
        session.commit()
    rows = exported(site, "charges", "admin", tmp_path)
    assert [(row[1], row[4], row[5], row[6]) for row in rows[1:]] == [("safe", "13800138000", 61, 0.3)]
    assert "0.3000" in browser(site, "admin").get("/finance/charges").text
