"""Departments and rights: who may do what, whose rows one sees, and that nobody becomes more than the giver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import g
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from cti.store.models import (
    AuditEntry,
    Customer,
    Department,
    Medium,
    Order,
    Queue,
    Role,
    RoleRights,
    Ticket,
    TicketState,
    User,
    utc_now,
)
from tests.fakes.site import Site
from tests.pages import FRAGMENT, audited, body, browser, make_call, statuses
from webui.admin.sections import GROUPS
from webui.common import db
from webui.common.identity import describe
from webui.common.permissions import ROLE_PERMISSIONS, Permission
from webui.common.rights import Kind, Scope, rights_of
from webui.common.scope import below
from webui.transfers.lists import ticket_query

OWN, GROUP, ALL = Scope.OWN, Scope.GROUP, Scope.ALL


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def tree(site: Site) -> dict[str, int]:
    """Sales with a team below it, and Service beside; agents 1 and 2 in the team, 3 in Service, 4 in Sales."""
    with site.sessions() as session:
        sales, service = Department(name="Sales"), Department(name="Service")
        session.add_all([sales, service])
        session.flush()
        team = Department(name="Team A", parent_id=sales.id)
        session.add(team)
        session.flush()
        ids = {"sales": sales.id, "service": service.id, "team": team.id}
        session.commit()
    for user, name in (("agent1", "team"), ("agent2", "team"), ("agent3", "service"), ("agent4", "sales")):
        site.set_user(user, department_id=ids[name])
    return ids


@pytest.fixture(autouse=True)
def as_made(site: Site) -> Iterator[None]:
    yield
    with site.sessions() as session:
        session.query(RoleRights).delete()
        for user in session.scalars(select(User)):
            user.rights, user.scopes = {}, {}
        session.commit()


def make_order(site: Site, username: str) -> int:
    with site.sessions() as session:
        customer = session.scalars(select(Customer.id)).first()
        order = Order(customer_id=customer, agent_user_id=site.user(username).id, total=Decimal(1))
        session.add(order)
        session.commit()
        return order.id


def user_of(role: Role, **values: Any) -> User:
    return User(role=role, **values)


# ---------------------------------------------------------------- what a user may


@pytest.mark.parametrize("role", list(Role))
def test_without_changes_everybody_may_what_the_role_says(role: Role) -> None:
    rights = rights_of(user_of(role), None)
    assert rights.permissions == ROLE_PERMISSIONS[role]
    everything = ALL if role is not Role.AGENT else OWN
    assert rights.scopes == {Kind.CUSTOMERS: ALL, Kind.ORDERS: everything, Kind.TICKETS: ALL, Kind.CALLS: everything}


def test_the_user_goes_before_the_role() -> None:
    role = RoleRights(role=Role.AGENT, rights={"recordings.download": True, "orders.write": False}, scopes={})
    user = user_of(Role.AGENT, rights={"recordings.download": False, "no.such": True}, scopes={"orders": "group"})
    held = rights_of(user, role)
    assert Permission.RECORDINGS_DOWNLOAD not in held.permissions
    assert Permission.ORDERS_WRITE not in held.permissions
    assert Permission.RECORDINGS_DOWNLOAD in rights_of(user_of(Role.AGENT), role).permissions
    assert held.scopes[Kind.ORDERS] is GROUP


@given(
    role=st.sampled_from(list(Role)),
    rights=st.dictionaries(st.sampled_from([str(p) for p in Permission]), st.booleans()),
    scopes=st.dictionaries(st.sampled_from(list(Kind)), st.sampled_from(["own", "group", "all", "", "x"])),
)
def test_to_see_all_and_the_permission_to_are_always_the_same(role: Role, rights: Any, scopes: Any) -> None:
    held = rights_of(user_of(role, rights=rights, scopes={str(k): v for k, v in scopes.items()}), None)
    assert (Permission.ORDERS_READ_ALL in held.permissions) is (held.scopes[Kind.ORDERS] is ALL)
    assert (Permission.CALLS_READ_ALL in held.permissions) is (held.scopes[Kind.CALLS] is ALL)
    for code, given_ in rights.items():
        if not code.endswith(".read_all"):
            assert (code in held.permissions) is given_


@given(st.dictionaries(st.integers(1, 12), st.none() | st.integers(1, 12)), st.integers(1, 12))
def test_a_group_is_what_hangs_below_even_in_a_ring(parents: dict[int, int | None], top: int) -> None:
    found = below(parents, top)
    assert top in found
    assert all(parents.get(one) in found for one in found - {top})
    assert not [one for one, parent in parents.items() if parent in found and one not in found]


# ---------------------------------------------------------------- whose rows one sees


def test_an_order_of_another_group_is_refused_and_audited(site: Site, tree: dict[str, int]) -> None:
    mine, mate, other = (make_order(site, name) for name in ("agent1", "agent2", "agent3"))
    agent = browser(site, "agent1")
    assert [agent.get(f"/orders/{n}").status_code for n in (mine, mate, other)] == [200, 403, 403]
    site.set_user("agent1", scopes={"orders": "group"})
    assert [agent.get(f"/orders/{n}").status_code for n in (mine, mate, other)] == [200, 200, 403]
    assert audited(site, "access.refused")[-1].object == f"GET /orders/{other}"
    site.set_user("agent1", scopes={"orders": "all"})
    assert agent.get(f"/orders/{other}").status_code == 200


def make_ticket(site: Site, number: str, **values: Any) -> str:
    with site.sessions() as session:
        values = {"queue_id": "", "call_id": "", "first_at": utc_now(), "lost_at": utc_now()} | values
        ticket = Ticket(number=number, **values)
        session.add(ticket)
        session.commit()
        return ticket.id


def test_tickets_are_seen_by_scope_in_the_list_by_address_in_the_export_and_by_who_takes_the_next(
    site: Site, tree: dict[str, int]
) -> None:
    lost = make_ticket(site, "+8613900000001")
    mine = make_ticket(site, "+8613900000002", made_by=site.user("agent1").id)
    mate = make_ticket(site, "+8613900000003", held_by=site.user("agent2").id, held_until=utc_now())
    other = make_ticket(site, "+8613900000004", made_by=site.user("agent3").id, urgent=True)
    settled = {"user_id": site.user("agent3").id, "state": TicketState.DONE, "closed_at": utc_now()}
    done = make_ticket(site, "+8613900000005", **settled)
    every = (lost, mine, mate, other, done)

    def seen(username: str, scope: str) -> list[bool]:
        site.set_user(username, scopes={"tickets": scope})
        client = browser(site, username)
        listed = [f'data-ticket="{one}"' in body(client, "/followup?state=all") for one in every]
        opened = [client.get(f"/tickets/{one}").status_code for one in every]
        assert opened == [200 if one else 403 for one in listed]
        with site.app.test_request_context(), site.sessions() as session:
            g._login_user = describe(session.get_one(User, site.user(username).id), None, None)
            out = set(db.session().scalars(ticket_query({"state": "all"})))
            assert [one in {ticket.id for ticket in out} for one in every] == listed
        return listed

    assert seen("agent1", "all") == [True] * 5
    assert seen("agent1", "own") == [True, True, False, False, False]
    assert audited(site, "access.refused")[-1].object == f"GET /tickets/{done}"
    assert browser(site, "agent1").post(f"/tickets/{other}/take").status_code == 403
    taken = browser(site, "agent1").post("/tickets/next", data={"call": "no"}, headers=FRAGMENT)
    assert taken.status_code == 204
    with site.sessions() as session:  # not the urgent one of another group
        assert session.get_one(Ticket, lost).held_by == site.user("agent1").id
    assert seen("agent1", "group") == [True, True, True, False, False]
    assert seen("agent4", "group") == [True, True, True, False, False]
    assert seen("agent3", "own") == [False, False, False, True, True]


def test_the_list_of_orders_holds_what_may_be_opened(site: Site, tree: dict[str, int]) -> None:
    team, above, other = (make_order(site, name) for name in ("agent2", "agent4", "agent3"))

    def seen(username: str, scope: str) -> list[bool]:
        site.set_user(username, scopes={"orders": scope})
        page = body(browser(site, username), "/orders")
        return [f'/orders/{n}"' in page for n in (team, above, other)]

    assert seen("agent4", "group") == [True, True, False]
    assert seen("agent2", "group") == [True, False, False]
    assert seen("agent4", "own") == [False, True, False]
    assert seen("supervisor", "group") == [False, False, False]
    assert seen("supervisor", "all") == [True, True, True]


def test_calls_of_the_group(site: Site, tree: dict[str, int]) -> None:
    team = make_call(site, "rights-team", agent="1002")
    other = make_call(site, "rights-other", agent="1003")
    agent = browser(site, "agent4")
    assert [agent.get(f"/calls/{n}").status_code for n in (team, other)] == [403, 403]
    site.set_user("agent4", scopes={"calls": "group"})
    assert [agent.get(f"/calls/{n}").status_code for n in (team, other)] == [200, 403]
    page = body(agent, "/calls")
    assert "/calls/rights-team" in page
    assert "/calls/rights-other" not in page


# ---------------------------------------------------------------- pages


def test_departments_are_made_moved_and_removed(site: Site, tree: dict[str, int]) -> None:
    admin = browser(site, "admin")
    answer = admin.post("/admin/departments", data={"name": "Team B", "parent": str(tree["sales"]), "order": "2"})
    assert answer.status_code == 303
    made = int(answer.location.rsplit("/", 1)[1])
    assert "Team B" in body(admin, "/admin/departments")
    moved = admin.post(f"/admin/departments/{made}", data={"name": "Team B", "parent": str(tree["service"])})
    assert moved.status_code == 303
    entry = audited(site, "department.change")[-1]
    assert (entry.before, entry.after) == (
        {"parent_id": tree["sales"], "order": 2},
        {"parent_id": tree["service"], "order": 0},
    )
    assert admin.post(f"/admin/departments/{made}/delete").status_code == 303
    assert admin.get(f"/admin/departments/{made}").status_code == 404


def test_a_department_is_never_below_itself_and_stays_while_it_holds_anything(site: Site, tree: dict[str, int]) -> None:
    admin = browser(site, "admin")
    for parent in (tree["sales"], tree["team"]):
        data = {"name": "Sales", "parent": str(parent)}
        assert admin.post(f"/admin/departments/{tree['sales']}", data=data).status_code == 422
    for held in (tree["sales"], tree["service"]):
        answer = admin.post(f"/admin/departments/{held}/delete", follow_redirects=True)
        assert "elsewhere first" in answer.text
    with site.sessions() as session:
        assert {d.id for d in session.scalars(select(Department))} >= set(tree.values())


def test_a_right_is_given_and_taken_for_one_user(site: Site) -> None:
    agent2 = site.user("agent2").id
    admin, agent = browser(site, "admin"), browser(site, "agent2")
    assert (agent.get("/floor").status_code, agent.get("/orders").status_code) == (403, 200)
    form = {"floor.view": "yes", "orders.read": "no", "desktop.use": "yes", "nonsense": "yes", "scope.calls": "group"}
    assert admin.post(f"/admin/rights/users/{agent2}", data=form).status_code == 303
    assert site.user("agent2").rights == {"floor.view": True, "orders.read": False}
    assert site.user("agent2").scopes == {"calls": "group"}
    assert (agent.get("/floor").status_code, agent.get("/orders").status_code) == (200, 403)
    entry = audited(site, "user.rights")[-1]
    assert entry.after == {"floor.view": True, "orders.read": False, "scope.calls": "group"}
    page = body(admin, f"/admin/rights/users/{agent2}")
    assert 'value="yes" selected' in page
    assert 'value="no" selected' in page


def test_a_role_is_changed_for_all_who_have_it(site: Site) -> None:
    admin = browser(site, "admin")
    assert admin.post("/admin/rights/roles/agent", data={"recordings.download": "yes"}).status_code == 303
    with site.sessions() as session:
        assert session.get_one(RoleRights, Role.AGENT).rights == {"recordings.download": True}
    assert admin.post("/admin/rights/roles/admin", data={}).status_code == 404
    assert audited(site, "role.rights")[-1].after == {"recordings.download": True}


def test_nobody_takes_away_the_own_access(site: Site) -> None:
    me = site.user("admin").id
    answer = browser(site, "admin").post(f"/admin/rights/users/{me}", data={"admin.users": "no"})
    assert answer.status_code == 422
    assert "your own access" in answer.text
    assert site.user("admin").rights == {}


def test_who_looks_after_users_gives_nothing_beyond_the_own(site: Site) -> None:
    site.set_user("supervisor", rights={"admin.users": True})
    boss, admin, agent = browser(site, "supervisor"), site.user("admin").id, site.user("agent3").id
    assert boss.get("/admin/users").status_code == 200
    for path in (f"/admin/users/{admin}", f"/admin/rights/users/{admin}"):
        assert boss.get(path).status_code == 403
    assert boss.post(f"/admin/users/{admin}/password").status_code == 403
    assert boss.post(f"/admin/rights/users/{agent}", data={"audit.read": "yes"}).status_code == 422
    assert boss.post("/admin/rights/roles/agent", data={}).status_code == 403
    assert boss.post(f"/admin/rights/users/{agent}", data={"floor.view": "yes"}).status_code == 303
    form = {"username": "agent3", "name": "x", "role": "admin", "locale": "en", "timezone": "UTC", "active": "y"}
    form |= {"number": "1003", "phone": "sip", "department": ""}
    answer = boss.post(f"/admin/users/{agent}", data=form)
    assert answer.status_code == 422
    assert "may more than you" in answer.text
    assert site.user("agent3").role == "agent"


def test_pages_of_rights_are_for_administrators(site: Site, tree: dict[str, int]) -> None:
    refused = {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 200}
    for path in ("/admin/departments", f"/admin/departments/{tree['team']}", "/admin/rights/roles/agent"):
        assert statuses(site, "GET", path) == refused
    assert browser(site, "admin").get(f"/admin/rights/users/{site.user('agent1').id}").status_code == 200
    assert browser(site, "admin").get("/admin/departments/99999999999999999999").status_code == 404


def test_the_audit_shows_before_and_after_side_by_side_and_goes_to_a_file(site: Site) -> None:
    admin = browser(site, "admin")
    agent = site.user("agent5").id
    admin.post(f"/admin/rights/users/{agent}", data={"floor.view": "yes"})
    page = body(admin, f"/admin/audit?object=user/{agent}")
    assert "Rights of a user changed" in page
    field = '<td class="cx-none">See all agents and queues live</td>'
    assert f'{field}<td class="cx-text "></td><td class="cx-text cf-now">Yes</td>' in page
    assert "Nothing was recorded" in body(admin, "/admin/audit?address=192.0.2.1")
    assert browser(site, "supervisor").post("/transfers/export/audit").status_code == 403
    assert admin.post("/transfers/export/audit", data={"action": "user.rights"}).status_code == 303
    assert site.app.extensions["callyard_transfers"].wait(60)
    told = audited(site, "list.export")[-1].after
    assert (told["list"], told["rows"] > 0) == ("audit", True)


AUDITED: tuple[tuple[str, dict[str, Any], dict[str, Any], list[list[str]]], ...] = (
    (
        "order/12",
        {"status": "new"},
        {"status": "cancelled", "event": "void", "refund": 1001},
        [["状态", "待审核", "已取消"], ["事件", "", "作废"], ["退款", "", "1001"]],
    ),
    (
        "product/3",
        {"active": True, "prices": []},
        {"active": False, "prices": ["9.00", "8.00"], "on_hand": 0},
        [["在售", "是", "否"], ["时段价格", "", "9.00，8.00"], ["在库", "", "0"]],
    ),
    ("calendar/1", {}, {"until": "2026-11-22T10:00:00+00:00"}, [["截止", "", "2026-11-22 18:00:00"]]),
    ("did/1", {"target": "queue:sales"}, {"target": "hangup:"}, [["转到", "队列 sales", "挂断"]]),
    ("codes/sex", {}, {"male": {"zh_CN": "先生"}}, [["男", "", "zh_CN: 先生"]]),
    ("newer/1", {}, {"something": [{"of": 1}]}, [["something", "", "原金额: 1"]]),
)


def test_the_audit_says_fields_values_and_objects_in_the_users_words(site: Site) -> None:
    with site.sessions() as session:
        for thing, before, after, _rows in AUDITED:
            session.add(AuditEntry(username="x", action="order.status", object=thing, before=before, after=after))
        session.commit()
    site.set_user("admin", locale="zh_CN")
    try:
        page = body(browser(site, "admin"), "/admin/audit?who=x")
    finally:
        site.set_user("admin", locale="en")
    for thing, _before, _after, rows in AUDITED:
        assert [list(row) for row in re.findall(CELLS, part_of(page, thing))] == rows
    assert 'title="order/12">订单 12</a>' in page
    assert 'title="newer/1">newer/1</a>' in page


def test_the_audit_names_what_it_keeps_by_id_and_shows_the_id_of_what_is_gone(site: Site) -> None:
    with site.sessions() as session:
        queue = session.scalars(select(Queue)).all()[0]
        east, west = Department(name="East & <b>"), Department(name="West")
        medium = Medium(name="Shop TV")
        session.add_all([east, west, medium])
        session.flush()
        told = (
            (
                "user/x",
                {"department_id": west.id, "queues": [queue.id, "gone"]},
                {"department_id": 999_999, "queues": []},
            ),
            (f"department/{west.id}", {"parent_id": None}, {"parent_id": east.id}),
            ("airing/1", {"medium_id": "no id"}, {"medium_id": medium.id}),
            ("newer/1", {"parent_id": 1}, {"queues": {"medium_id": [True, 1.5, str(medium.id), "9" * 40]}}),
        )
        for thing, before, after in told:
            session.add(AuditEntry(username="by-id", action="x", object=thing, before=before, after=after))
        session.commit()
    page = body(browser(site, "admin"), "/admin/audit?who=by-id")
    cells = {thing: [list(row)[1:] for row in re.findall(CELLS, part_of(page, thing))] for thing, *_ in told}
    assert cells["user/x"] == [["West", "999999"], [f"{queue.name}, gone", ""]]
    assert cells[f"department/{west.id}"] == [["", "East &amp; &lt;b&gt;"]]
    assert cells["airing/1"] == [["no id", "Shop TV"]]
    assert cells["newer/1"][1] == ["", f"Medium: Yes, 1.5, Shop TV, {'9' * 40}"]
    assert f'title="department/{west.id}">Department West</a>' in page


CELLS = r'<td class="cx-none">(.*?)</td><td class="cx-text \S*">(.*?)</td><td class="cx-text \S*">(.*?)</td>'


def part_of(page: str, thing: str) -> str:
    return next(part for part in page.split("<tbody>") if f'title="{thing}"' in part)


def test_every_page_of_the_administration_is_in_one_group(site: Site) -> None:
    pages = {
        rule.endpoint
        for rule in site.app.url_map.iter_rules()
        if rule.endpoint.startswith("admin.") and rule.endpoint.endswith((".index", ".roles")) and not rule.arguments
    }
    offered = [section.endpoint for group in GROUPS for section in group.sections]
    assert sorted(offered) == sorted(pages - {"admin.index"})


def test_the_administration_offers_the_pages_that_one_may_open(site: Site) -> None:
    """The only one of a group stands by itself, and the page that is open is marked."""
    page = body(browser(site, "supervisor"), "/admin/calendars")
    bar = page[page.index('<nav class="cx-tabs cx-groups"') : page.index("</nav>", page.index("cx-groups"))]
    assert re.findall(r'<a href="([^"]+)" (aria-current="page")?', bar) == [("/admin/calendars", 'aria-current="page"')]
    assert "<details" not in bar
    bar = body(browser(site, "admin"), "/admin/menus")
    assert re.search(r"data-here>\s*<summary>Numbers and rules<b>Menus</b>", bar)
