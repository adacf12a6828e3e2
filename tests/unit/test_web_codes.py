"""Code tables and parameters: what administrators make of them is what forms offer and pages show."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from cti.store import parameters, shop
from cti.store.config import build_config
from cti.store.models import Code, Customer, Setting
from tests.fakes.site import Site
from tests.pages import audited, body, browser, statuses
from webui.common import codes
from webui.common.labels import LABELS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


def form(site: Site, kind: str, *extra: dict[str, Any], without: str = "", **changes: dict[str, Any]) -> dict[str, Any]:
    """The table as the page would send it, with ``changes`` by code and new rows."""
    with site.app.test_request_context():
        codes.forget()
        rows: list[dict[str, Any]] = [
            {"code": e.code, "zh_CN": e.names.get("zh_CN", ""), "en": e.names.get("en", ""), "active": e.active}
            | changes.get(e.code, {})
            for e in codes.table(kind)
            if e.code != without
        ]
    found = {}
    for place, row in enumerate([*rows, *extra]):
        for name, value in row.items():
            if value is not False:
                found[f"rows-{place}-{name}"] = "y" if value is True else value
    return found


def send(site: Site, kind: str, data: dict[str, Any]) -> Any:
    return browser(site, "admin").post(f"/admin/codes/{kind}", data=data)


# ---------------------------------------------------------------- code tables


def test_a_new_code_is_offered_and_shown_in_the_users_language(site: Site) -> None:
    new = {"code": "leaflet", "zh_CN": "传单", "en": "Leaflet", "active": True}
    assert send(site, "source", form(site, "source", new, tv={"en": "TV shop"})).status_code == 303
    page = body(browser(site, "agent1"), "/customers/new")
    assert '<option value="leaflet">Leaflet</option>' in page
    assert '<option value="tv">TV shop</option>' in page
    site.set_user("agent1", locale="zh_CN")
    assert '<option value="leaflet">传单</option>' in body(browser(site, "agent1"), "/customers/new")
    site.set_user("agent1", locale="en")
    entry = audited(site, "codes.change")[-1]
    assert (entry.object, entry.before["leaflet"]) == ("codes/source", None)
    assert entry.after["tv"] == {"en": "TV shop", "active": True}


def test_a_code_that_is_used_goes_off_but_stays(site: Site) -> None:
    with site.sessions() as session:
        customer = session.scalars(select(Customer).order_by(Customer.id)).first()
        customer.category = "club"
        session.commit()
    club = {"code": "club", "en": "Club", "active": True}
    assert send(site, "category", form(site, "category", club)).status_code == 303
    refused = send(site, "category", form(site, "category", without="club"))
    assert refused.status_code == 422
    assert "never removed: club" in refused.text
    assert send(site, "category", form(site, "category", club={"active": False})).status_code == 303
    assert 'value="club"' not in body(browser(site, "agent1"), "/customers/new")
    with site.app.test_request_context():
        assert codes.word("category", "club") == "Club"
    spare = {"code": "spare", "en": "Spare", "active": True}
    assert send(site, "category", form(site, "category", spare)).status_code == 303
    assert send(site, "category", form(site, "category", without="spare")).status_code == 303
    with site.sessions() as session:
        assert session.get(Code, ("category", "spare")) is None


def test_a_business_type_of_ones_own_is_written_with_a_call(site: Site) -> None:
    new = {"code": "survey", "en": "Survey", "active": True}
    assert send(site, "business_type", form(site, "business_type", new)).status_code == 303
    from tests.pages import make_call

    make_call(site, "code-call")
    agent = browser(site, "agent1")
    note = {"call_type": "normal", "business_type": "survey", "summary": ""}
    assert agent.post("/calls/code-call/note", data=note).status_code == 303
    assert "Survey" in body(agent, "/calls/code-call")


def test_codes_of_the_program_are_only_renamed_ordered_or_switched_off(site: Site) -> None:
    new = {"code": "barter", "en": "Barter", "active": True}
    assert send(site, "payment", form(site, "payment", new)).status_code == 422
    assert send(site, "payment", form(site, "payment", without="online")).status_code == 422
    sent = form(site, "payment", online={"active": False}, bank_transfer={"en": "By bank"})
    assert send(site, "payment", sent).status_code == 303
    with site.app.test_request_context():
        assert [code for code, _text in codes.offered("payment")] == ["cash_on_delivery", "bank_transfer"]
        assert codes.word("payment", "bank_transfer") == "By bank"


@pytest.mark.parametrize(
    "row", [{"code": "Üx", "en": "x"}, {"code": "tv", "en": "twice"}, {"code": "bare"}, {"code": "x" * 33, "en": "x"}]
)
def test_a_wrong_row_is_named_and_nothing_is_saved(site: Site, row: dict[str, str]) -> None:
    answer = send(site, "source", form(site, "source", {**row, "active": True}))
    assert answer.status_code == 422
    assert "is-invalid" in answer.text or "invalid-feedback" in answer.text
    with site.sessions() as session:
        assert session.get(Code, ("source", row["code"])) is None or row["code"] == "tv"


def test_without_a_database_the_words_of_before_hold(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    with site.app.test_request_context():
        codes.STORED.get()

        def broken() -> Any:
            raise OperationalError("", {}, Exception())

        monkeypatch.setitem(site.app.extensions, "callyard_sessions", broken)
        codes.forget()
        assert codes.word("level", "vip") == str(LABELS["level"]["vip"])


# ---------------------------------------------------------------- parameters


def typed(site: Site, **changes: str) -> dict[str, str]:
    with site.sessions() as session:
        values = {p.key: parameters.value(session, p.key) for p in parameters.ALL}
    return {key: "" if value is None else str(value) for key, value in values.items()} | changes


def test_a_parameter_is_changed_and_says_who_did_it(site: Site) -> None:
    data = typed(site, **{"shop.points_share": "30", "shop.free_shipping_from": "199.00"})
    assert browser(site, "admin").post("/admin/parameters", data=data).status_code == 303
    with site.sessions() as session:
        found = shop.parameters(session)
        assert (found.points_share, found.free_shipping_from) == (30, Decimal("199.00"))
        assert session.get_one(Setting, "shop").changed_by == "admin"
        assert parameters.whole(session, "lists.export_rows") == 200_000
    entry = audited(site, "parameters.change")[-1]
    assert entry.before == {"shop.points_share": 50, "shop.free_shipping_from": None}
    assert "Last changed by admin" in body(browser(site, "admin"), "/admin/parameters")


def test_what_the_engine_goes_by_is_published(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []
    monkeypatch.setattr("webui.admin.parameters.announce", lambda *, switch: told.append(switch))
    browser(site, "admin").post("/admin/parameters", data=typed(site, **{"lists.keep_days": "8"}))
    assert told == []
    browser(site, "admin").post("/admin/parameters", data=typed(site, **{"calls.message_silence": "9"}))
    assert told == [False]
    with site.sessions() as session:
        assert build_config(session).message_silence == 9.0


@pytest.mark.parametrize("wrong", ["", "-1", "101", "1e2", "５", "x", "1" * 30])
def test_a_value_out_of_range_is_refused_and_nothing_saved(site: Site, wrong: str) -> None:
    before = typed(site)
    answer = browser(site, "admin").post("/admin/parameters", data=before | {"shop.points_share": wrong})
    assert answer.status_code == 422
    assert "From 0 to 100" in answer.text
    assert typed(site) == before


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4), lambda x: st.lists(x, max_size=2)))
def test_a_damaged_row_gives_the_usual_value_or_one_in_range(damage: Any) -> None:
    for parameter in parameters.ALL:
        document = damage
        for name in reversed(parameter.path):
            document = {name: document}
        found = parameters.read(parameter, document)
        assert found == parameter.default or (not isinstance(found, bool) and parameter.low <= found <= parameter.high)


def test_the_parameters_of_the_shop_are_those_that_it_reads() -> None:
    usual = shop.Parameters().document()
    for parameter in parameters.ALL:
        if parameter.row == "shop":
            here: Any = usual
            for name in parameter.path:
                here = here[name]
            assert here == parameters.plain(parameter.default), parameter.key


def test_who_may_open_the_pages(site: Site) -> None:
    refused = {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 200}
    for path in ("/admin/codes/source", "/admin/parameters"):
        assert statuses(site, "GET", path) == refused
    assert browser(site, "admin").get("/admin/codes/nothing").status_code == 404
