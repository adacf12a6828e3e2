"""What calls cost: the tariff that holds, units begun, and sums by trunk, agent and department."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.domain.tariffs import Rate, as_money, charge, choose, spellings
from cti.store.charging import charges
from cti.store.models import Call, CallLeg, Tariff, utc_now
from tests.fakes.site import Site
from tests.pages import agent_id, audited, body, browser, make_call, statuses

DAY = date(2026, 11, 1)
ANY = Rate("", DAY, 60, 1000)
MOBILE = Rate("1", DAY, 6, 150, name="mobile")
BEIJING = Rate("010", DAY, 60, 2200)
OWN = Rate("", DAY, 60, 900, trunk="t1")


@pytest.mark.parametrize(
    ("number", "trunk", "day", "rate"),
    [
        ("+8613900000001", "t2", DAY, MOBILE),
        ("+861059000000", "t2", DAY, BEIJING),
        ("+862059000000", "t2", DAY, ANY),
        ("+8613900000001", "t1", DAY, OWN),
        ("+4930123", "t2", DAY, ANY),
        ("+8613900000001", "t2", date(2026, 10, 31), None),
    ],
)
def test_the_tariff_that_holds(number: str, trunk: str, day: date, rate: Rate | None) -> None:
    assert choose([ANY, MOBILE, BEIJING, OWN], number, trunk, day) == rate


def test_a_newer_tariff_follows_an_older_one() -> None:
    newer = Rate("1", date(2026, 11, 15), 60, 900)
    assert choose([MOBILE, newer], "+8613900000001", "", date(2026, 11, 14)) == MOBILE
    assert choose([MOBILE, newer], "+8613900000001", "", date(2026, 11, 15)) == newer


def test_spellings() -> None:
    assert spellings("+861059000000")[1] == "01059000000"
    assert spellings("+4930123")[1] == "004930123"
    assert spellings("1001") == ("1001",)


@settings(max_examples=30)
@given(st.floats(0, 100_000), st.integers(1, 3600), st.integers(0, 10**6), st.integers(0, 10**6))
def test_units_begun_are_paid_and_nothing_more(seconds: float, unit: int, price: int, setup: int) -> None:
    cost = charge(Rate("", DAY, unit, price, setup), seconds)
    if seconds == 0:
        assert cost == 0
    else:
        units = (cost - setup) // price if price else 0
        assert price == 0 or (units - 1) * unit < seconds <= units * unit
    assert as_money(cost) * 10_000 == Decimal(cost)


@pytest.fixture
def site(shop_site: Site) -> Site:
    return shop_site


def test_calls_out_and_transfers_to_the_outside_are_charged(site: Site) -> None:
    make_call(site, "in1", agent="1001", talked=600)
    make_call(site, "out1", agent="1001", talked=61, direction="outbound", trunk="t1", number="+8613900000009")
    make_call(site, "out2", agent="1002", talked=5, direction="outbound", trunk="t2", number="+4930123")
    began = utc_now() - timedelta(seconds=300)
    with site.sessions() as session:
        leg = CallLeg(id="in1-o", call_id="in1", position=2, kind="outside", number="+861059000000", created_at=began)
        leg.answered_at, leg.ended_at = began, began + timedelta(seconds=30)
        session.add(leg)
        session.get_one(Call, "in1").trunk = "t2"
        for rate in (MOBILE, BEIJING):
            tariff = Tariff(name="", prefix=rate.prefix, trunk=rate.trunk, since=date(2000, 1, 1))
            tariff.unit_seconds, tariff.price, tariff.setup = rate.unit_seconds, rate.price, rate.setup
            session.add(tariff)
        session.commit()
        found = charges(session, utc_now() - timedelta(days=1), utc_now(), UTC)
    mobile = charge(MOBILE, 66)
    assert {name: cost.amount for name, cost in found.trunks.items()} == {"t1": mobile, "t2": 2200}
    assert (found.whole.amount, found.whole.legs, found.whole.unpriced) == (mobile + 2200, 3, 1)
    assert sum(cost.amount for cost in found.agents.values()) == found.whole.amount
    assert agent_id(site, "1001")
    page = body(browser(site, "supervisor"), "/finance/charges")
    assert f"{as_money(found.whole.amount):,.4f}" in page


def test_tariffs_are_made_and_removed_by_administrators(site: Site) -> None:
    client = browser(site, "admin")
    form = {"name": "IDD", "prefix": "00", "since": "2026-11-01", "unit_seconds": "6", "price": "0.0375", "setup": ""}
    assert client.post("/finance/tariffs", data=form).status_code == 303
    assert "0.0375" in body(client, "/finance/tariffs")
    for wrong, says in (
        ({}, "There is a tariff"),
        ({"price": "-1"}, "not an amount"),
        ({"price": "NaN"}, "not an amount"),
        ({"unit_seconds": "0"}, "not an amount"),
        ({"unit_seconds": "9" * 30}, "not an amount"),
        ({"prefix": "abc"}, "not an amount"),
        ({"since": "yesterday"}, "Check the period"),
    ):
        page = client.post("/finance/tariffs", data=form | wrong, follow_redirects=True).text
        assert says in page, wrong
    with site.sessions() as session:
        made = max(tariff.id for tariff in session.query(Tariff) if tariff.prefix == "00")
    assert client.post(f"/finance/tariffs/{made}/delete").status_code == 303
    assert audited(site, "tariff.delete")[-1].before == {"prefix": "00", "trunk": "", "since": "2026-11-01"}
    refused = {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 303}
    assert statuses(site, "POST", "/finance/tariffs", form | {"prefix": "1"} | {"price": "x"}) == refused
