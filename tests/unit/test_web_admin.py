"""Administration: people, queues, numbers, menus, trunks; every change audited, published, and said when it was not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import webui
from cti.domain.config.queues import Need, Overflow, OverflowWhen, Strategy
from cti.domain.config.routes import RouteTarget, TargetKind
from cti.store.config import build_config
from cti.store.models import Agent, Did, Menu, Queue, Role, User
from tests.fakes.site import PASSWORD, Site
from tests.pages import HOSTILE, FakeWorker, audited, body, browser, statuses, trunk_form
from webui.common.labels import LABELS

ADMINS = {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 200}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture
def worker(site: Site) -> Iterator[FakeWorker]:
    made = FakeWorker(site)
    yield made
    made.close()


def user_form(**changes: Any) -> dict[str, Any]:
    return {
        "username": "demo.neu",
        "name": "Demo Neu",
        "role": "agent",
        "locale": "en",
        "timezone": "Asia/Shanghai",
        "department": "",
        "active": "y",
        "number": "",
        "phone": "web",
    } | changes


def queue_form(**changes: Any) -> dict[str, Any]:
    return {
        "number": "2009",
        "name": "Demo queue",
        "strategy": "sequential",
        "ring_timeout": "12",
        "wrapup": "5",
        "announce_every": "20",
        "announce_max": "2",
        "music": "default",
        "service_level_seconds": "30",
        "level_after": "0",
        "priority": "0",
        "age": "60",
        "voicemail_greeting": "voicemail_greeting",
        "voicemail_max": "90",
        "tickets": "y",
        "ticket_after": "7",
        "callback_tries": "3",
        "callback_every": "300",
        "last_agent_days": "0",
        "last_agent_wait": "30",
        "retry_within": "0",
        "retry_points": "1",
        "pop_url": "https://crm.example/?n={number}",
        "active": "y",
    } | changes


def post(site: Site, path: str, form: dict[str, Any]) -> Any:
    return browser(site, "admin").post(path, data=form)


def user(site: Site, username: str) -> User:
    with site.sessions() as session:
        return session.scalars(select(User).where(User.username == username)).one()


def agents(site: Site) -> list[str]:
    with site.sessions() as session:
        return list(session.scalars(select(Agent.id).order_by(Agent.number)))


def once(page: str) -> str:
    found = re.search(r"data-once>([^<]+)<", page)
    assert found is not None
    return found.group(1)


# ---------------------------------------------------------------- people


def test_a_new_agent_gets_a_one_time_password_that_works_once(site: Site, worker: FakeWorker) -> None:
    with site.sessions() as session:
        queue = session.scalars(select(Queue).where(Queue.number == "2001")).one().id
    answer = post(site, "/admin/users/new", user_form(number="1050", queues=[queue]))
    assert answer.status_code == 200
    password = once(answer.text)
    assert worker.asked == ["publish_config", "apply_switch"]
    with site.sessions() as session:
        config = build_config(session)
        agent = next(a for a in config.agents if a.number == "1050")
        assert agent.queues == (queue,)
        made = session.scalars(select(User).where(User.username == "demo.neu")).one()
        assert made.agent is not None
        assert len({made.agent.sip_secret, made.agent.web_secret}) == 2
        assert password not in made.password_hash
    fresh = site.app.test_client()
    assert fresh.post("/login", data={"username": "demo.neu", "password": password}).status_code == 303
    assert fresh.get("/customers").location == "/password"
    assert password not in str([(e.before, e.after) for e in audited(site, "user.create")])
    assert password not in body(browser(site, "admin"), "/admin/users")


def test_an_agents_number_outside_is_audited_and_reaches_the_engine(site: Site, worker: FakeWorker) -> None:
    form = user_form(username="demo.home", number="1059", phone="outside", outside_number="+8613700000001")
    assert post(site, "/admin/users/new", form).status_code == 200
    with site.sessions() as session:
        agent = session.scalars(select(Agent).where(Agent.number == "1059")).one()
        assert agent.device == "1059-out"
        assert next(a for a in build_config(session).agents if a.id == agent.id).outside == "+8613700000001"
    entry = audited(site, "user.create")[-1]
    assert entry.after is not None
    assert entry.after["outside_number"] == "+8613700000001"
    assert "+8613700000001" in body(browser(site, "admin"), f"/admin/users/{agent.user_id}")


def test_a_user_without_a_phone_concerns_no_engine(site: Site, worker: FakeWorker) -> None:
    assert post(site, "/admin/users/new", user_form(username="demo.office", role="supervisor")).status_code == 200
    assert worker.asked == []
    assert user(site, "demo.office").role is Role.SUPERVISOR


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("username", {"username": "a b"}),
        ("username", {"username": "AGENT1"}),
        ("name", {"name": ""}),
        ("role", {"role": "root"}),
        ("timezone", {"timezone": "Mars/Olympus"}),
        ("number", {"number": "1001"}),
        ("number", {"number": "2001"}),
        ("number", {"number": "12a"}),
        ("outside_number", {"number": "1051", "outside_number": "12;34567"}),
        ("phone", {"number": "1051", "phone": "outside"}),
        ("queues", {"queues": ["no-such"]}),
    ],
)
def test_a_wrong_field_of_a_user_is_named(site: Site, field: str, changes: dict[str, Any]) -> None:
    answer = post(site, "/admin/users/new", user_form(username="demo.falsch") | changes)
    assert answer.status_code == 422
    assert "invalid-feedback" in answer.text
    assert f'name="{field}"' in answer.text
    with site.sessions() as session:
        assert session.scalars(select(User).where(User.username == "demo.falsch")).first() is None


def test_a_change_is_audited_without_secrets(site: Site, worker: FakeWorker) -> None:
    before = user(site, "agent5")
    form = user_form(username="agent5", name="Demo Fünf", number="1005", phone="sip")
    assert post(site, f"/admin/users/{before.id}", form).status_code == 303
    entry = audited(site, "user.change")[-1]
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["name"], entry.after["name"]) == (before.name, "Demo Fünf")
    assert entry.after["queues"] == []
    assert "secret" not in str(entry.after)
    assert worker.asked == ["publish_config", "apply_switch"]


def test_a_user_switched_off_is_out_at_once(site: Site, worker: FakeWorker) -> None:
    client = site.client("agent4")
    assert client.get("/customers").status_code == 200
    form = user_form(username="agent4", name="Demo", number="1004")
    del form["active"]
    assert post(site, f"/admin/users/{user(site, 'agent4').id}", form).status_code == 303
    assert client.get("/customers").status_code == 302
    with site.sessions() as session:
        assert "1004" not in {a.number for a in build_config(session).agents}


def test_a_new_password_ends_sessions_and_lifts_a_lock(site: Site) -> None:
    client = site.client("agent3")
    answer = post(site, f"/admin/users/{user(site, 'agent3').id}/password", {})
    password = once(answer.text)
    assert client.get("/customers").status_code == 302
    old = site.app.test_client().post("/login", data={"username": "agent3", "password": PASSWORD})
    assert old.status_code == 422
    new = site.app.test_client().post("/login", data={"username": "agent3", "password": password})
    assert new.status_code == 303
    assert audited(site, "user.password")[-1].username == "admin"


@pytest.mark.parametrize("changes", [{"role": "agent"}, {"active": ""}])
def test_administrators_cannot_lock_themselves_out(site: Site, changes: dict[str, str]) -> None:
    form = user_form(username="admin", name="Demo Admin", role="admin") | changes
    if not form["active"]:
        del form["active"]
    answer = post(site, f"/admin/users/{user(site, 'admin').id}", form)
    assert answer.status_code == 422
    assert "your own access" in answer.text
    assert (user(site, "admin").role, user(site, "admin").active) == (Role.ADMIN, True)


# ---------------------------------------------------------------- queues, numbers, menus, trunks


def test_a_queue_is_created_with_its_agents_in_order(site: Site, worker: FakeWorker) -> None:
    page = body(browser(site, "admin"), "/admin/queues/new")
    agents = re.findall(r'name="(members-\d+)-agent_id" value="([^"]+)"', page)
    rows: dict[str, Any] = {}
    for at, (name, agent) in enumerate(agents[:3]):
        rows |= {f"{name}-agent_id": agent, f"{name}-member": "y", f"{name}-order": str(9 - at)}
    assert post(site, "/admin/queues/new", queue_form() | rows).status_code == 303
    with site.sessions() as session:
        queue = session.scalars(select(Queue).where(Queue.number == "2009")).one()
        config = next(q for q in build_config(session).queues if q.id == queue.id)
        assert config.agents == tuple(agent for _name, agent in reversed(agents[:3]))
        assert (config.strategy, config.ring_timeout, config.announce_max) == ("sequential", 12.0, 2)
        assert queue.service_level_seconds == 30.0
    assert worker.asked == ["publish_config"]
    emptied = post(site, f"/admin/queues/{queue.id}", queue_form(name=HOSTILE[:100]))
    assert emptied.status_code == 303
    page = body(browser(site, "admin"), "/admin/queues")
    assert "<script>alert" not in page
    entry = audited(site, "queue.change")[-1]
    assert entry.after is not None
    assert entry.after["members"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "2001"),
        ("number", "1001"),
        ("number", "x"),
        ("ring_timeout", "0"),
        ("ring_timeout", "soon"),
        ("wrapup", "-1"),
        ("announce_max", "1000"),
        ("music", "a;b"),
        ("strategy", "favourites"),
        ("service_level_seconds", "inf"),
        ("level_after", "0.2"),
        ("priority", "-1"),
        ("age", "nan"),
        ("needs-0-name", "two words"),
        ("last_agent_days", "-1"),
        ("last_agent_wait", ""),
        ("retry_within", "86401"),
        ("retry_points", "0"),
        ("pop_url", "javascript:alert({number})"),
        ("pop_url", "https://{number}/"),
        ("overflow-0-limit", ""),
        ("overflow-0-limit", "101"),
        ("overflow-0-target", ""),
        ("overflow-0-target", "queue:nowhere"),
        ("overflow-0-say", "../etc"),
        ("overflow-0-target", "outside:"),
        ("overflow-0-number", "abc"),
        ("members-0-level", "10"),
        ("members-0-weight", "0"),
        ("wrapup", "nan"),
    ],
)
def test_a_wrong_field_of_a_queue_is_named(site: Site, field: str, value: str) -> None:
    rows = {"needs-0-name": "en", "members-0-agent_id": agents(site)[0], "members-0-member": "y"}
    rows |= {"overflow-0-when": "service_level", "overflow-0-limit": "80", "overflow-0-target": "hangup:"}
    answer = post(site, "/admin/queues/new", queue_form(number="2010") | rows | {field: value})
    assert answer.status_code == 422
    assert f'name="{field}"' in answer.text
    assert "is-invalid" in answer.text


def test_levels_weights_needs_and_priorities_reach_the_engine(site: Site, worker: FakeWorker) -> None:
    first, second = agents(site)[:2]
    form = queue_form(number="2011", strategy="weighted", level_after="20", priority="45.5", age="30") | {
        "members-0-agent_id": first,
        "members-0-member": "y",
        "members-0-order": "1",
        "members-0-level": "2",
        "members-0-weight": "3",
        "members-1-agent_id": second,
        "members-1-member": "y",
        "members-1-order": "2",
        "needs-0-name": "EN",
        "needs-0-level": "5",
        "needs-0-relax_every": "15",
        "needs-3-name": "粤语",
        "needs-3-level": "2",
        "needs-3-relax_every": "",
    }
    assert post(site, "/admin/queues/new", form).status_code == 303
    with site.sessions() as session:
        queue = session.scalars(select(Queue).where(Queue.number == "2011")).one()
        config = next(q for q in build_config(session).queues if q.id == queue.id)
    assert (config.strategy, config.level_after, config.priority, config.age) == ("weighted", 20.0, 45.5, 30.0)
    assert (config.levels, config.weights) == ({first: 2}, {first: 3})
    assert config.needs == (Need("en", 5, 15.0), Need("粤语", 2, 0.0))
    page = body(browser(site, "admin"), f"/admin/queues/{queue.id}")
    assert all(f'value="{value}"' in page for value in ("粤语", "45.5", "3"))
    entry = audited(site, "queue.create")[-1]
    assert entry.after is not None
    assert entry.after["members"][0] == {"agent": first, "level": 2, "weight": 3}


def test_overflow_and_last_agents_reach_the_engine(site: Site, worker: FakeWorker) -> None:
    with site.sessions() as session:
        other = session.scalars(select(Queue).where(Queue.number == "2001")).one().id
    form = queue_form(number="2013", last_agent_days="14", last_agent_wait="20", announce_wait="y") | {
        "retry_within": "600",
        "retry_points": "3",
        "announce_number": "y",
        "survey": "y",
        "overflow-0-when": "waited",
        "overflow-0-limit": "90",
        "overflow-0-target": f"queue:{other}",
        "overflow-0-say": "no_agent",
        "overflow-1-when": "",
        "overflow-1-limit": "5",
        "overflow-4-when": "no_agents",
        "overflow-4-limit": "",
        "overflow-4-target": "hangup:",
        "overflow-4-say": "closed",
        "overflow-5-when": "length",
        "overflow-5-limit": "9",
        "overflow-5-target": "outside:",
        "overflow-5-number": "13700000001",
    }
    assert post(site, "/admin/queues/new", form).status_code == 303
    with site.sessions() as session:
        queue = session.scalars(select(Queue).where(Queue.number == "2013")).one()
        config = next(q for q in build_config(session).queues if q.id == queue.id)
    assert config.overflow == (
        Overflow(OverflowWhen.WAITED, RouteTarget(TargetKind.QUEUE, other), 90.0, "no_agent"),
        Overflow(OverflowWhen.NO_AGENTS, RouteTarget(TargetKind.HANGUP), 0.0, "closed"),
        Overflow(OverflowWhen.LENGTH, RouteTarget(TargetKind.OUTSIDE, "13700000001"), 9.0, "no_agent"),
    )
    assert (config.announce_wait, config.last_agent_days, config.last_agent_wait) == (True, 14, 20.0)
    assert (config.retry_within, config.retry_points) == (600.0, 3)
    assert config.announce_number
    assert config.survey
    page = body(browser(site, "admin"), f"/admin/queues/{queue.id}")
    assert f'<option selected value="queue:{other}">' in page
    assert f'value="queue:{queue.id}"' not in page
    assert 'value="13700000001"' in page
    entry = audited(site, "queue.create")[-1]
    assert entry.after is not None
    assert [rule["when"] for rule in entry.after["overflow"]] == ["waited", "no_agents", "length"]


def test_a_rule_to_what_was_removed_is_left_out_and_shown_empty(site: Site) -> None:
    with site.sessions() as session:
        queue = session.scalars(select(Queue).where(Queue.number == "2002")).one()
        target = {"kind": "menu", "id": "gone"}
        queue.overflow = [{"when": "waited", "limit": 5.0, "target": target, "say": ""}, {"when": "soon"}]
        session.commit()
        assert next(q for q in build_config(session).queues if q.id == queue.id).overflow == ()
        queue.overflow = queue.overflow[:1]
        session.commit()
        queue_id = queue.id
    page = body(browser(site, "admin"), f"/admin/queues/{queue_id}")
    assert 'value="menu:gone"' not in page
    with site.sessions() as session:
        session.get_one(Queue, queue_id).overflow = []
        session.commit()


@pytest.mark.parametrize("when", list(OverflowWhen))
def test_every_overflow_condition_has_words(when: OverflowWhen) -> None:
    assert when.value in LABELS["overflow"]


@pytest.mark.parametrize("strategy", list(Strategy))
def test_every_strategy_is_offered_and_explained(site: Site, strategy: Strategy) -> None:
    assert strategy.value in LABELS["strategy"]
    assert f'data-when="strategy={strategy.value}"' in body(browser(site, "admin"), "/admin/queues/new")


def test_a_skill_named_twice_is_refused(site: Site) -> None:
    twice = {"needs-0-name": "en", "needs-1-name": "EN", "needs-0-level": "1", "needs-1-level": "2"}
    answer = post(site, "/admin/queues/new", queue_form(number="2012") | twice)
    assert answer.status_code == 422
    assert "Named twice: en" in answer.text


def test_skills_of_an_agent_are_kept_and_shown_as_tags(site: Site, worker: FakeWorker) -> None:
    agent = user(site, "agent2")
    form = user_form(username="agent2", name="Demo", number="1002")
    skills = {"skills-0-name": "English", "skills-0-level": "7", "skills-1-name": "", "skills-1-level": "1"}
    assert post(site, f"/admin/users/{agent.id}", form | skills).status_code == 303
    with site.sessions() as session:
        assert next(a.skills for a in build_config(session).agents if a.number == "1002") == {"english": 7}
    assert worker.asked[0] == "publish_config"
    assert ">english 7<" in body(browser(site, "admin"), "/admin/queues/new")
    assert 'value="english"' in body(browser(site, "admin"), f"/admin/users/{agent.id}")
    for wrong in ({"skills-0-level": "10"}, {"skills-0-name": "a b"}, {"skills-0-name": "x" * 33}):
        answer = post(site, f"/admin/users/{agent.id}", form | skills | wrong)
        assert answer.status_code == 422, wrong
        assert "is-invalid" in answer.text


def test_a_service_number_is_led_to_a_queue_and_removed(site: Site, worker: FakeWorker) -> None:
    form = {"number": "8009", "name": "Demo", "target": "queue:orders"}
    assert post(site, "/admin/numbers/new", form).status_code == 303
    with site.sessions() as session:
        did = session.scalars(select(Did).where(Did.number == "8009")).one()
        config = build_config(session)
        assert next(d.target.id for d in config.dids if d.number == "8009") == "orders"
    assert post(site, "/admin/numbers/new", form).status_code == 422
    assert post(site, f"/admin/numbers/{did.id}", form | {"target": "queue:gone"}).status_code == 422
    assert post(site, f"/admin/numbers/{did.id}", form | {"target": "hangup:"}).status_code == 303
    assert post(site, f"/admin/numbers/{did.id}/delete", {}).status_code == 303
    with site.sessions() as session:
        assert session.get(Did, did.id) is None
    assert worker.asked == ["publish_config"] * 3
    gone = {"number": "8009", "name": "Demo", "target": "hangup:", "trunk": ""}
    assert audited(site, "number.delete")[-1].before == gone


def menu_form(**changes: str) -> dict[str, str]:
    form = {"name": "Demo", "greeting": "welcome", "prompt": "menu_main", "language": "zh_CN"}
    form |= {"timeout": "5", "tries": "2", "otherwise": "queue:orders"}
    for at, digit in enumerate("1234567890*#"):
        form |= {f"options-{at}-digit": digit, f"options-{at}-target": "", f"options-{at}-language": ""}
    return form | changes


def test_a_menu_keeps_its_keys_and_their_languages(site: Site, worker: FakeWorker) -> None:
    keys = {"options-0-target": "queue:service", "options-8-target": "menu:main", "options-8-language": "en"}
    assert post(site, "/admin/menus/new", menu_form(**keys)).status_code == 303
    with site.sessions() as session:
        menu = session.scalars(select(Menu).where(Menu.name == "Demo")).one()
        assert menu.options == {
            "1": {"kind": "queue", "id": "service"},
            "9": {"kind": "menu", "id": "main", "language": "en"},
        }
        assert next(m for m in build_config(session).menus if m.id == menu.id).languages == {"9": "en"}
    for wrong in ({"prompt": "../x;y"}, {"options-1-target": "queue:gone"}, {"tries": "0"}, {"otherwise": ""}):
        assert post(site, f"/admin/menus/{menu.id}", menu_form(**wrong)).status_code == 422, wrong
    assert 'value="en" selected' in body(browser(site, "admin"), f"/admin/menus/{menu.id}").replace(
        'selected value="en"', 'value="en" selected'
    )


# ---------------------------------------------------------------- in force or not


def test_a_change_that_could_not_be_published_is_kept_and_says_so(site: Site) -> None:
    answer = post(site, "/admin/numbers/new", {"number": "8020", "name": "", "target": "hangup:"})
    assert answer.status_code == 303
    page = body(browser(site, "admin"), "/admin/numbers")
    assert "not yet in force" in page
    assert ">8020<" in page


def test_a_switch_that_refuses_is_told_from_a_worker_that_is_away(site: Site, worker: FakeWorker) -> None:
    worker.refuse.add("apply_switch")
    assert post(site, "/admin/trunks/new", trunk_form(id="demo4", host="192.0.2.1", port="0")).status_code == 303
    page = body(browser(site, "admin"), "/admin/trunks")
    assert "the switch did not take it over" in page
    assert "pjsip.conf line 3" in page
    worker.refuse.clear()
    worker.asked.clear()
    assert post(site, "/admin/publish", {}).status_code == 303
    assert worker.asked == ["publish_config", "apply_switch"]
    assert "in force now" in body(browser(site, "admin"), "/admin/users")


# ---------------------------------------------------------------- the audit, and who may


def test_the_audit_is_filtered_and_shows_hostile_text_inert(site: Site) -> None:
    client = browser(site, "admin")
    assert post(site, "/admin/users/new", user_form(username="demo.audited", role="supervisor")).status_code == 200
    wrong = site.app.test_client().post("/login", data={"username": HOSTILE[:60], "password": "x"})
    assert wrong.status_code == 422
    page = body(client, "/admin/audit?action=login.failed")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    found = re.findall(r'<td title="([\w.]+)" rowspan', body(client, "/admin/audit?who=admin&action=user"))
    assert found
    assert all(action.startswith("user.") for action in found)
    assert "Nothing was recorded" in body(client, "/admin/audit?object=customer/424242")
    assert "Nothing was recorded" in body(client, "/admin/audit?until=2020-01-01")


def test_every_action_of_the_audit_has_words() -> None:
    sources = Path(webui.__file__).parent.rglob("*.py")
    written = {name for path in sources for name in re.findall(r'record\(\s*"([\w.]+)"', path.read_text("utf-8"))}
    assert {"login", "order.create", "recording.listen"} <= written
    assert written - set(LABELS["audit"]) == set()


@pytest.mark.parametrize(
    "path",
    [
        "/admin/users",
        "/admin/users/new",
        "/admin/queues",
        "/admin/queues/new",
        "/admin/queues/orders",
        "/admin/numbers",
        "/admin/numbers/new",
        "/admin/numbers/did-8000",
        "/admin/menus",
        "/admin/menus/new",
        "/admin/menus/main",
        "/admin/trunks",
        "/admin/trunks/new",
        "/admin/trunks/local",
        "/admin/audit",
    ],
)
def test_only_administrators_open_the_pages(site: Site, path: str) -> None:
    assert statuses(site, "GET", path) == ADMINS


@pytest.mark.parametrize("part", ["users", "queues", "numbers", "menus", "trunks"])
def test_only_administrators_change_anything(site: Site, part: str) -> None:
    assert statuses(site, "POST", f"/admin/{part}/new", {"name": ""}) == ADMINS | {"admin": 422}
    assert statuses(site, "POST", f"/admin/{part}/no-such", {"name": ""}) == ADMINS | {"admin": 404}
    assert statuses(site, "GET", f"/admin/{part}/no-such") == ADMINS | {"admin": 404}


def test_the_other_doors_are_shut_too(site: Site) -> None:
    assert statuses(site, "GET", "/admin") == {"nobody": 302, "agent2": 403, "supervisor": 302, "admin": 302}
    assert statuses(site, "POST", "/admin/users/no-such/password") == ADMINS | {"admin": 404}
    assert statuses(site, "POST", "/admin/numbers/no-such/delete") == ADMINS | {"admin": 404}
    refused = statuses(site, "POST", "/admin/publish")
    assert (refused["agent2"], refused["supervisor"]) == (403, 403)
