"""Busy reasons with limits: set in the pages, shown to the agent and on the live page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from cti.store.models import BusyReason
from tests.fakes.site import Site
from tests.pages import HOSTILE, audited, body, browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


def form(*rows: dict[str, str]) -> dict[str, str]:
    usual = {"code": "", "zh_CN": "", "en": "", "minutes": "0", "active": "y"}
    return {f"rows-{at}-{name}": value for at, row in enumerate(rows) for name, value in (usual | row).items()}


def save(site: Site, *rows: dict[str, str], username: str = "admin") -> Any:
    return browser(site, username).post("/admin/reasons", data=form(*rows))


def kept(site: Site) -> list[tuple[str, int]]:
    with site.sessions() as session:
        return [(r.code, r.minutes_a_day) for r in session.scalars(select(BusyReason).order_by(BusyReason.order))]


def test_reasons_are_changed_put_in_order_and_taken_away(site: Site) -> None:
    answer = save(site, {"code": "tea", "en": HOSTILE[:60], "minutes": "20"}, {"code": "lunch", "minutes": "60"}, {})
    assert answer.status_code == 303
    assert kept(site) == [("tea", 20), ("lunch", 60)]
    assert any(entry.action == "reasons.change" for entry in audited(site, "reasons.change"))
    page = body(browser(site, "agent1"), "/desktop")
    assert "&#34;lunch&#34;: 60" in page
    assert page.index('data-reason="tea"') < page.index('data-reason="lunch"')
    assert '"reason_limits": {"lunch": 60, "tea": 20}' in body(browser(site, "supervisor"), "/floor")
    assert "<script>alert" not in body(browser(site, "admin"), "/admin/reasons")


@pytest.mark.parametrize(
    "row",
    [{"code": "two words"}, {"code": "login"}, {"code": "x", "minutes": "-1"}, {"code": "x", "minutes": "2000"}],
)
def test_what_is_no_reason_is_refused(site: Site, row: dict[str, str]) -> None:
    before = kept(site)
    assert save(site, row).status_code == 422
    assert save(site, {"code": "x"}, {"code": "x"}).status_code == 422
    assert kept(site) == before


def test_only_administrators_change_them(site: Site) -> None:
    assert save(site, {"code": "tea"}, username="supervisor").status_code == 403
