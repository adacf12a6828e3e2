"""The user's own tasks, reminders and bulletins: whose they are, when they are due, who is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from cti.store.models import Agent, Bulletin, CallNote, Customer, QueueMember, Task, Ticket, utc_now
from tests.fakes.site import Site
from tests.pages import HOSTILE, audited, body, browser
from webui.own import queries

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    made = Site(tmp_path_factory.mktemp("site"), database_url=url)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def nothing_to_do(site: Site) -> None:
    with site.sessions() as session:
        for row in (*session.scalars(select(Task)), *session.scalars(select(Bulletin))):
            session.delete(row)
        session.commit()


def note(site: Site, username: str = "agent1", **form: Any) -> Any:
    return browser(site, username).post("/own/tasks", data={"text": "Call back", "when": "60"} | form)


def only_task(site: Site) -> Task:
    with site.sessions() as session:
        return session.scalars(select(Task)).one()


def have(site: Site, due: timedelta | None = None, username: str = "agent1", text: str = "Call back") -> int:
    """A task that is due so long from now."""
    at = None if due is None else utc_now() + due
    task = Task(user_id=site.user(username).id, text=text, due_at=at)
    with site.sessions() as session:
        session.add(task)
        session.commit()
        return task.id


def bell(site: Site, username: str = "agent1") -> tuple[int, str]:
    """How much is due, and the whole list."""
    page = body(browser(site, username), "/own/bell")
    found = re.search(r'data-count="(\d+)"', page)
    assert found
    return int(found[1]), page


# ---------------------------------------------------------------- tasks


def test_a_task_is_noted_with_its_customer_and_number(site: Site) -> None:
    masked = re.search(r'data-number="([^"]+)"', body(browser(site, "agent1"), "/customers/3"))
    assert masked
    answer = note(site, text="Send the offer", customer_id="3", number=masked[1], call_id="c-1")
    assert answer.status_code == 200
    task = only_task(site)
    with site.sessions() as session:
        number = session.get_one(Customer, 3).phones[0].number
    assert (task.text, task.customer_id, task.number, task.call_id) == ("Send the offer", 3, number, "c-1")
    assert task.due_at is not None
    assert abs(task.due_at - utc_now() - timedelta(hours=1)) < timedelta(seconds=20)
    assert number not in body(browser(site, "agent1"), "/own/tasks")


def test_the_time_of_a_reminder_is_the_users(site: Site) -> None:
    note(site, when="at", at="2026-12-24T18:30")
    assert only_task(site).due_at == datetime(2026, 12, 24, 10, 30, tzinfo=UTC)


def test_tomorrow_is_the_users_tomorrow(site: Site) -> None:
    note(site, when="tomorrow")
    due = only_task(site).due_at
    assert due is not None
    local = due.astimezone(SHANGHAI)
    assert (local.date() - datetime.now(SHANGHAI).date(), local.hour, local.minute) == (timedelta(days=1), 9, 0)


@pytest.mark.parametrize(
    "form",
    [
        {"text": ""},
        {"text": "x" * 300},
        {"when": "at", "at": ""},
        {"when": "at", "at": "yesterday"},
        {"when": "never"},
    ],
)
def test_what_is_no_task_is_shown_again(site: Site, form: dict[str, str]) -> None:
    assert note(site, **form).status_code == 422
    with site.sessions() as session:
        assert session.scalars(select(Task)).first() is None


def test_hostile_text_is_only_text(site: Site) -> None:
    note(site, text=HOSTILE, number="")
    assert "<script>alert" not in body(browser(site, "agent1"), "/own")
    assert note(site, number="~forged").status_code == 400
    assert note(site, customer_id="9" * 18, call_id="../../etc").status_code == 200


def test_only_what_is_due_counts_and_done_is_done(site: Site) -> None:
    later, due = have(site, timedelta(hours=2), text="Later today"), have(site, -timedelta(minutes=1), text="Now")
    have(site, None, text="Some day")
    count, page = bell(site)
    assert count == 1
    assert "Now" in page
    assert "Later today" not in page
    assert browser(site, "agent1").post(f"/own/tasks/{due}/done").status_code == 204
    assert bell(site)[0] == 0
    assert f'data-done="{due}"' in body(browser(site, "agent1"), "/own/tasks")
    browser(site, "agent1").post(f"/own/tasks/{due}/again")
    assert bell(site)[0] == 1
    browser(site, "agent1").post(f"/own/tasks/{due}/later")
    assert bell(site)[0] == 0
    listed = re.findall(r'data-task="(\d+)"', body(browser(site, "agent1"), "/own/tasks"))
    assert listed[:2] == [str(due), str(later)]


def test_nobody_sees_or_changes_anothers_tasks(site: Site) -> None:
    mine = have(site, -timedelta(minutes=1), text="Only mine")
    for other in ("agent2", "supervisor", "admin"):
        assert "Only mine" not in bell(site, other)[1]
        assert "Only mine" not in body(browser(site, other), "/own")
        assert browser(site, other).post(f"/own/tasks/{mine}/done").status_code == 404
    assert browser(site, "agent1").post(f"/own/tasks/{mine}/burn").status_code == 404
    assert browser(site, "agent1").post(f"/own/tasks/{2**70}/done").status_code == 404


def test_whose_reminder_came_due_is_told_once(site: Site) -> None:
    have(site, timedelta(seconds=30))
    have(site, timedelta(seconds=40), "agent2")
    reminders = site.app.extensions["callyard_reminders"]
    reader = site.app.extensions["callyard_hub"].join()
    told: list[str] = []

    def look(after: float) -> list[str]:
        reminders.look(utc_now() + timedelta(seconds=after))
        told.clear()
        while (item := reader.take(0.05)) is not None:
            if item[0] == "reminder":
                told.append(item[1]["user_id"])
        return told

    assert look(0) == []
    assert look(31) == [site.user("agent1").id]
    assert look(41) == [site.user("agent2").id]
    assert look(60) == []
    site.app.extensions["callyard_hub"].leave(reader)


# ---------------------------------------------------------------- bulletins


def test_a_bulletin_is_for_everybody_until_it_is_read(site: Site) -> None:
    answer = browser(site, "supervisor").post("/own/bulletins", data={"text": f"New prices\n{HOSTILE}"})
    assert answer.status_code == 303
    with site.sessions() as session:
        bulletin = session.scalars(select(Bulletin.id)).one()
    assert bell(site, "supervisor")[0] == 0
    for username in ("agent1", "agent2"):
        count, page = bell(site, username)
        assert count == 1
        assert "New prices" in page
        assert "<script>alert" not in page
    assert browser(site, "agent1").post(f"/own/bulletins/{bulletin}/read").status_code == 204
    assert browser(site, "agent1").post(f"/own/bulletins/{bulletin}/read").status_code == 204
    assert (bell(site, "agent1")[0], bell(site, "agent2")[0]) == (0, 1)
    assert "New prices" in body(browser(site, "agent1"), "/own")
    assert browser(site, "supervisor").post(f"/own/bulletins/{bulletin}/delete").status_code == 303
    assert bell(site, "agent2")[0] == 0


def test_a_bulletin_ends_by_itself(site: Site) -> None:
    author = site.user("supervisor").id
    with site.sessions() as session:
        session.add(Bulletin(user_id=author, text="over", until=utc_now() - timedelta(minutes=1)))
        session.add(Bulletin(user_id=author, text="old", created_at=utc_now() - timedelta(days=15)))
        session.add(Bulletin(user_id=author, text="long", created_at=utc_now() - timedelta(days=15)))
        session.flush()
        session.scalars(select(Bulletin).where(Bulletin.text == "long")).one().until = utc_now() + timedelta(days=1)
        session.commit()
        assert [one.text for one in queries.bulletins(session, utc_now())] == ["long"]


def test_what_must_be_read_comes_first_is_confirmed_and_the_writer_sees_who_has_not(site: Site) -> None:
    boss = browser(site, "supervisor")
    assert boss.post("/own/bulletins", data={"text": "Recall of A100", "must_read": "y"}).status_code == 303
    assert boss.post("/own/bulletins", data={"text": "Cake at four"}).status_code == 303
    with site.sessions() as session:
        must = session.scalars(select(Bulletin.id).where(Bulletin.must_read)).one()
    count, page = bell(site, "agent1")
    assert count == 2
    assert page.index("Recall of A100") < page.index("I have read it") < page.index("Cake at four")
    assert browser(site, "agent1").post(f"/own/bulletins/{must}/read").status_code == 204
    assert bell(site, "agent1")[0] == 1
    site.set_user("agent2", rights={"desktop.use": False})
    site.set_user("agent3", active=False)
    readers = body(boss, f"/own/bulletins/{must}/readers")
    found = re.findall(r'data-reader="(\w+)" (data-unread)?', readers)
    assert found[-1] == ("agent1", "")
    unread = {name for name, mark in found if mark}
    assert "agent4" in unread
    assert not unread & {"agent1", "agent2", "agent3", "supervisor"}
    assert f"read by 1 of {len(found)}" in body(boss, "/own")
    assert audited(site, "bulletin.create")[-2].after == {"text": "Recall of A100", "must_read": True}
    site.set_user("agent2", rights={})
    site.set_user("agent3", active=True)


def test_agents_publish_nothing(site: Site) -> None:
    assert browser(site, "agent1").get("/own/bulletins/1/readers").status_code == 403
    assert browser(site, "supervisor").get("/own/bulletins/1000/readers").status_code == 404
    assert "read by" not in body(browser(site, "agent1"), "/own")
    assert browser(site, "agent1").post("/own/bulletins", data={"text": "x"}).status_code == 403
    assert browser(site, "agent1").post("/own/bulletins/1/delete").status_code == 403
    assert '/own/bulletins"' not in body(browser(site, "agent1"), "/own")


# ---------------------------------------------------------------- lost calls


def test_lost_calls_of_the_own_queues_are_named(site: Site) -> None:
    began = utc_now()
    with site.sessions() as session:
        member = session.scalars(select(QueueMember).join(Agent).where(Agent.number == "1001")).first()
        assert member is not None
        for queue_id, number in ((member.queue_id, "10086"), ("elsewhere", "10010")):
            ticket = Ticket(number=number, queue_id=queue_id, call_id="c", first_at=began, lost_at=began)
            session.add(ticket)
        session.commit()
    count, page = bell(site)
    assert count == 0
    assert 'data-tickets="1"' in page
    assert "data-messages" not in page


# ---------------------------------------------------------------- birthdays


def test_birthdays_are_those_of_the_own_customers(site: Site) -> None:
    mine, other = 5, 6
    with site.sessions() as session:
        for customer_id in (mine, other):
            session.get_one(Customer, customer_id).birthday = date(1980, 2, 29)
        session.add(CallNote(call_id="c-birthday", customer_id=mine, user_id=site.user("agent3").id))
        session.commit()
        found = {
            today: [c.id for c in queries.birthdays(session, site.user("agent3").id, today)]
            for today in (date(2026, 2, 28), date(2024, 2, 28), date(2024, 2, 29), date(2026, 3, 1))
        }
        assert found == {
            date(2026, 2, 28): [mine],
            date(2024, 2, 28): [],
            date(2024, 2, 29): [mine],
            date(2026, 3, 1): [],
        }
        session.get_one(Customer, mine).birthday = datetime.now(SHANGHAI).date().replace(year=2000)
        session.commit()
    count, page = bell(site, "agent3")
    assert count == 0
    assert f'data-birthday="{mine}"' in page
    assert "data-birthday" not in bell(site, "agent4")[1]
