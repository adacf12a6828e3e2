"""Customers in the pages: the pop with a call, search, create and change, what agents may not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, select

from cti.store import callbacks
from cti.store.initials import initials
from cti.store.models import CallNote, Customer, CustomerPhone, utc_now
from tests.fakes.site import Site
from tests.pages import FRAGMENT, HOSTILE, audited, body, browser, make_call, statuses

SHARED = "+8613700000077"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    made = Site(tmp_path_factory.mktemp("site"), database_url=url)
    yield made
    made.close()


@pytest.fixture
def one_number_two_customers(site: Site) -> Iterator[str]:
    with site.sessions() as session:
        rows = [CustomerPhone(customer_id=id, number=SHARED) for id in (11, 12)]
        session.add_all(rows)
        session.commit()
        yield SHARED
        for row in rows:
            session.delete(row)
        session.commit()


def customer(site: Site, name: str) -> Customer:
    with site.sessions() as session:
        return session.scalars(select(Customer).where(Customer.name == name)).one()


def new_form(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Demo Neu",
        "sex": "female",
        "birthday": "1980-02-29",
        "email": "neu@example.com",
        "level": "gold",
        "phones-0-number": "021 6666 7788",
        "phones-0-label": "home",
        "phones-1-number": "13900001234",
        "phones-1-label": "mobile",
        "addresses-0-city": "上海市",
        "addresses-0-line": "演示路 1 号",
        "addresses-1-city": "北京市",
        "addresses-1-line": "演示街 2 号",
        "addresses-1-is_default": "y",
    } | changes


# ---------------------------------------------------------------- the pop


@pytest.mark.parametrize("number", ["19900000003", "+8619900000003", "+86 199 0000 0003"])
def test_a_known_number_pops_the_customer_however_it_is_written(site: Site, number: str) -> None:
    page = browser(site, "agent1").get("/customers/pop", query_string={"number": number, "call_id": "p1"}).text
    with site.sessions() as session:
        name = session.get_one(Customer, 3).name
    assert 'data-match="one"' in page
    assert 'data-call-id="p1"' in page
    assert f'<h2 class="cx-text" data-customer-name>{name}</h2>' in page
    assert "data-order-new" in page


def test_several_customers_are_offered_by_key_and_the_choice_stays_with_the_call(
    site: Site, one_number_two_customers: str
) -> None:
    make_call(site, "p2", number=SHARED, agent="1001")
    client = browser(site, "agent1")
    pop = {"number": SHARED, "call_id": "p2"}
    page = client.get("/customers/pop", query_string=pop).text
    assert 'data-match="many"' in page
    assert re.findall(r"<kbd>(\d)</kbd>\s*<strong", page) == ["1", "2"]
    chosen = client.post("/customers/pop", data={"call_id": "p2", "customer_id": "12"}, headers=FRAGMENT)
    assert 'data-customer-id="12"' in chosen.text
    assert 'data-customer-id="12"' in client.get("/customers/pop", query_string=pop).text
    with site.sessions() as session:
        assert session.get_one(CallNote, "p2").customer_id == 12


def test_an_unknown_number_gives_a_form_that_already_holds_it(site: Site) -> None:
    client = browser(site, "supervisor")
    page = client.get("/customers/pop", query_string={"number": "13812345678", "call_id": "p3"}).text
    assert 'data-match="none"' in page
    assert 'value="+8613812345678"' in page


def test_a_landline_is_written_with_its_area_code_and_is_no_mobile(site: Site) -> None:
    page = browser(site, "supervisor").get("/customers/pop", query_string={"number": "+861062345678"}).text
    assert '<span class="cx-num">01062345678</span>' in page
    assert '<option selected value="home">' in page
    assert "010****5678" in browser(site, "agent1").get("/customers/pop?number=01062345678").text


def test_who_is_called_back_need_not_say_the_name_again(site: Site) -> None:
    with site.sessions() as session:
        agent, now = site.user("agent1").id, utc_now()
        ticket, _new = callbacks.make(session, callbacks.Wanted("+8613812345679", name="Demo Rückruf"), agent, now)
        callbacks.take(session, ticket.id, agent, now, 60.0)
        session.commit()
    assert 'value="Demo Rückruf"' in browser(site, "agent1").get("/customers/pop?number=13812345679").text
    assert "Demo Rückruf" not in browser(site, "agent2").get("/customers/pop?number=13812345679").text


def test_the_recipients_phone_goes_with_its_address(site: Site) -> None:
    client, agent = browser(site, "supervisor"), browser(site, "agent1")
    form = new_form(name="Demo Empfang") | {"addresses-0-phone": "x1", "addresses-1-phone": "139 0000 9999"}
    assert client.post("/customers/new", data=form).status_code == 422
    made = client.post("/customers/new", data=form | {"addresses-0-phone": ""}).location
    assert "13900009999" in body(client, made)
    token = re.search(r'name="addresses-0-phone" value="(~[^"]+)"', body(agent, f"{made}/edit"))
    assert token is not None
    form = new_form(name="Demo Empfang") | {"addresses-1-phone": token.group(1)}
    del form["addresses-0-city"], form["addresses-0-line"]
    assert agent.post(f"{made}/edit", data=form).status_code == 303
    kept = customer(site, "Demo Empfang").addresses
    assert [(a.city, a.phone) for a in kept] == [("北京市", "+8613900009999")]


@pytest.mark.parametrize("number", ["", "anonymous", "'; drop table customers", "9" * 400, "~forged", "\x00"])
def test_any_number_at_all_gives_a_pop_or_is_refused(site: Site, number: str) -> None:
    answer = browser(site, "agent1").get("/customers/pop", query_string={"number": number, "call_id": "p4"})
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert 'data-match="none"' in answer.text


def test_an_agent_saves_a_masked_new_caller_without_ever_reading_the_number(site: Site) -> None:
    make_call(site, "p5", number="+8613812340005", agent="1001")
    client = browser(site, "agent1")
    page = client.get("/customers/pop", query_string={"number": "+8613812340005", "call_id": "p5"}).text
    assert "13812340005" not in page
    token = re.search(r'name="phones-0-number" value="(~[^"]+)"', page)
    assert token is not None
    form = {"name": "Demo Maskiert", "phones-0-number": token.group(1), "phones-0-label": "mobile", "call_id": "p5"}
    saved = client.post("/customers/new", data=form, headers=FRAGMENT)
    assert 'data-match="one"' in saved.text
    with site.sessions() as session:
        made = session.scalars(select(Customer).where(Customer.name == "Demo Maskiert")).one()
        assert [p.number for p in made.phones] == ["+8613812340005"]
        assert session.get_one(CallNote, "p5").customer_id == made.id


def test_nobody_links_a_customer_to_a_colleagues_call(site: Site) -> None:
    make_call(site, "p6", agent="1002")
    answer = browser(site, "agent1").post("/customers/pop", data={"call_id": "p6", "customer_id": "1"})
    assert answer.status_code == 403
    with site.sessions() as session:
        assert session.get(CallNote, "p6") is None


def test_the_pop_asks_the_database_few_times(site: Site) -> None:
    client = browser(site, "agent1")
    asked: list[str] = []
    event.listen(site.database, "before_cursor_execute", lambda _c, _k, statement, *_rest: asked.append(statement))
    assert client.get("/customers/pop", query_string={"number": "19900000003", "call_id": "few"}).status_code == 200
    assert len(asked) <= 9, asked


# ---------------------------------------------------------------- list and search


@pytest.mark.parametrize(
    ("text", "finds"),
    [("19900000001", True), ("1990000000", True), ("100001", True), ("DEMO1@example.com", True), ("no such", False)],
)
def test_one_box_finds_by_phone_number_and_mail(site: Site, text: str, finds: bool) -> None:
    page = body(browser(site, "supervisor"), f"/customers?q={text}", **FRAGMENT)
    assert ('href="/customers/1"' in page) is finds
    assert ("No customer found" in page) is not finds


def test_names_are_found_in_the_middle_and_wildcards_are_letters(site: Site) -> None:
    client = browser(site, "supervisor")
    with site.sessions() as session:
        name = session.get_one(Customer, 3).name
    assert name in body(client, f"/customers?q={name[1:]}", **FRAGMENT)
    assert "No customer found" in body(client, "/customers?q=%25", **FRAGMENT)
    assert "No customer found" in body(client, "/customers?q=_", **FRAGMENT)


@pytest.mark.parametrize("path", ["/customers", "/orders", "/products", "/calls", "/admin/audit", "/orders/products"])
def test_no_search_text_breaks_a_list(site: Site, path: str) -> None:
    for text in ("\x00", "\x00'\";--", "%", "\\", "😀" * 60, "\u202e\ud7ff", "9" * 300, "-1"):
        names = ("q", "number", "who", "action", "object", "agent", "queue", "status", "since", "until", "before")
        answer = browser(site, "admin").get(path, query_string=dict.fromkeys(names, text))
        assert answer.status_code == 200, (path, text)


def test_control_characters_never_reach_the_store(site: Site) -> None:
    form = new_form(name="Demo\x00Null\r\nBcc: x", remarks="one\r\ntwo\x00\x07\tthree")
    assert browser(site, "agent1").post("/customers/new", data=form).status_code == 303
    made = customer(site, "DemoNullBcc: x")
    assert made.remarks == "one\ntwo\tthree"


def test_the_list_goes_on_without_gap_or_repeat(site: Site) -> None:
    client, seen = browser(site, "supervisor"), []
    path: str | None = "/customers"
    while path:
        page = body(client, path)
        seen += re.findall(r'<td class="cx-num"><a href="/customers/(\d+)"', page)
        more = re.search(r'href="(/customers\?[^"]*before=[^"]+)"', page)
        path = more.group(1).replace("&amp;", "&") if more else None
    with site.sessions() as session:
        everybody = [str(id) for id in session.scalars(select(Customer.id))]
    assert sorted(seen) == sorted(everybody)


@pytest.mark.parametrize("cursor", ["x", "%00", "W10", "WzEsMl0x", "eyJhIjoxfQ", "W251bGwsbnVsbF0", "WzFlOTk5LDFd"])
def test_a_made_up_cursor_is_the_first_page(site: Site, cursor: str) -> None:
    assert browser(site, "supervisor").get(f"/customers?before={cursor}").status_code == 200


# ---------------------------------------------------------------- create and change


def test_a_customer_is_created_with_phones_and_addresses_and_audited(site: Site) -> None:
    answer = browser(site, "agent1").post("/customers/new", data=new_form())
    assert answer.status_code == 303
    made = customer(site, "Demo Neu")
    assert answer.location == f"/customers/{made.id}"
    assert [(p.number, p.label) for p in made.phones] == [("+862166667788", "home"), ("+8613900001234", "mobile")]
    assert [(a.city, a.is_default) for a in made.addresses] == [("北京市", True), ("上海市", False)]
    assert made.number > 100_000
    assert made.name_initials == "DN"
    entry = audited(site, "customer.create")[-1]
    assert entry.object == f"customer/{made.id}"
    assert entry.after is not None
    assert entry.after["phones"] == ["+862166667788 home", "+8613900001234 mobile"]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 129}),
        ("email", {"email": "nobody"}),
        ("birthday", {"birthday": "2999-01-01"}),
        ("phones-0-number", {"phones-0-number": "call me"}),
        ("phones-0-number", {"phones-0-number": "~AAAA"}),
        ("addresses-0-line", {"addresses-0-line": "x" * 256}),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_saved(site: Site, field: str, changes: dict[str, str]) -> None:
    answer = browser(site, "agent1").post("/customers/new", data=new_form(name="Demo Falsch") | changes)
    assert answer.status_code == 422
    assert "invalid-feedback" in answer.text
    assert f'name="{field}"' in answer.text
    with site.sessions() as session:
        assert session.scalars(select(Customer).where(Customer.name.in_(["Demo Falsch", "x" * 129]))).first() is None


def test_the_same_phone_twice_is_refused(site: Site) -> None:
    form = new_form(**{"phones-0-number": "13900001234", "phones-1-number": "+86 139 0000 1234"})
    answer = browser(site, "agent1").post("/customers/new", data=form)
    assert answer.status_code == 422
    assert "stands twice" in answer.text


def test_a_change_is_audited_with_before_and_after_and_keeps_masked_numbers(site: Site) -> None:
    client = browser(site, "agent1")
    page = body(client, "/customers/20/edit")
    token, seen = (re.search(p, page) for p in (r'value="(~[^"]+)"', r'name="seen"[^>]*value="(\d+)"'))
    assert token is not None
    assert seen is not None
    form = new_form(name="Demo Anders", **{"phones-0-number": token.group(1), "seen": seen.group(1)})
    assert client.post("/customers/20/edit", data=form).status_code == 303
    with site.sessions() as session:
        changed = session.get_one(Customer, 20)
        assert changed.phones[0].number == "+8619900000020"
    entry = audited(site, "customer.change")[-1]
    assert entry.after is not None
    assert entry.before is not None
    assert entry.after["name"] == "Demo Anders"
    assert entry.before["name"] != "Demo Anders"
    stale = client.post("/customers/20/edit", data=form)
    assert stale.status_code == 409
    assert "meanwhile" in stale.text


def test_an_agent_neither_reads_nor_wipes_the_id_number(site: Site) -> None:
    with site.sessions() as session:
        session.get_one(Customer, 21).id_number = "110101199001011234"
        session.commit()
    client = browser(site, "agent1")
    assert "110101199001011234" not in body(client, "/customers/21") + body(client, "/customers/21/edit")
    assert client.post("/customers/21/edit", data=new_form(name="Demo Ausweis")).status_code == 303
    with site.sessions() as session:
        assert session.get_one(Customer, 21).id_number == "110101199001011234"
    assert "110101199001011234" in body(browser(site, "supervisor"), "/customers/21")


def test_hostile_text_is_shown_and_does_nothing(site: Site) -> None:
    client = browser(site, "agent1")
    hostile = HOSTILE[:100]
    fields = {"name": hostile, "remarks": HOSTILE, "addresses-0-line": HOSTILE, "addresses-0-recipient": hostile}
    answer = client.post("/customers/new", data=new_form() | fields)
    assert answer.status_code == 303
    for path in (answer.location, f"{answer.location}/edit", "/customers?q=alert"):
        page = body(client, path)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert "{{7*7}}" in page.replace("{{7*7}}", "{{7*7}}")
    assert customer(site, hostile).remarks == HOSTILE


def test_history_shows_orders_and_calls_of_the_customer(site: Site) -> None:
    make_call(site, "h1", number="+8619900000030", agent="1001")
    make_call(site, "h2", number="+8619900000030", agent="1002")
    page = body(browser(site, "agent1"), "/customers/30")
    assert 'href="/calls/h1"' in page
    assert 'href="/calls/h2"' not in page
    assert 'href="/calls/h2"' in body(browser(site, "supervisor"), "/customers/30")


# ---------------------------------------------------------------- who may


def test_everybody_signed_in_reads_and_writes_customers(site: Site) -> None:
    allowed = {"nobody": 302, "agent2": 200, "supervisor": 200, "admin": 200}
    for path in ("/customers", "/customers/1", "/customers/1/edit", "/customers/new", "/customers/pop?number=1"):
        assert statuses(site, "GET", path) == allowed, path
    assert set(statuses(site, "POST", "/customers/new", {"name": ""}).values()) == {302, 422}


@pytest.mark.parametrize("path", ["/customers/99999", "/customers/99999999999999999999999", "/customers/0"])
def test_an_unknown_customer_is_not_found(site: Site, path: str) -> None:
    assert browser(site, "agent1").get(path).status_code == 404


def test_forms_without_the_token_are_refused(site: Site) -> None:
    client = browser(site, "agent1")
    site.app.config["WTF_CSRF_ENABLED"] = True
    assert client.post("/customers/new", data=new_form(name="Demo ohne Token")).status_code == 400


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("张伟", "ZW"),
        ("单志强", "SZQ"),  # a surname read otherwise than the word
        ("曾国庆", "ZGQ"),
        ("万俟雪", "MQX"),
        ("王重庆", "WCQ"),  # read by its neighbours
        ("Demo Customer", "DC"),
        ("李 Demo", "LD"),
        ("😀<>", ""),
        ("张" * 200, "Z" * 64),
    ],
)
def test_initials_of_a_name(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_a_renamed_customer_is_found_by_the_initials(site: Site) -> None:
    client = browser(site, "agent1")
    client.post("/customers/new", data=new_form(name="曾庆国"))
    assert "曾庆国" in client.get("/customers?q=zqg").text
    made = customer(site, "曾庆国")
    client.post(f"/customers/{made.id}/edit", data=new_form(name="解晓东"))
    assert "解晓东" in client.get("/customers?q=xxd").text
    assert "解晓东" not in client.get("/customers?q=zqg").text
