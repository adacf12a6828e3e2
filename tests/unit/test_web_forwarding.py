"""Agents forward their own calls to a number outside: only with the right, only to what administrators allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cti.store import forwarding
from cti.store.config import build_config
from cti.store.models import Agent, PhoneKind, Setting
from tests.fakes.site import Site
from tests.pages import FakeWorker, agent_id, audited, body, browser
from webui.common.permissions import ROLE_PERMISSIONS, Permission, Role

ALLOWED = "137 +86139"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def worker(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWorker]:
    monkeypatch.setitem(ROLE_PERMISSIONS, Role.AGENT, ROLE_PERMISSIONS[Role.AGENT] | {Permission.FORWARDING_OWN})
    made = FakeWorker(site)
    yield made
    made.close()
    with site.sessions() as session:
        row = session.get(Setting, forwarding.KEY)
        if row is not None:
            session.delete(row)
        session.get_one(Agent, agent_id(site, "1001")).outside_number = ""
        session.commit()


def allow(site: Site, prefixes: str = ALLOWED, who: str = "admin") -> Any:
    return browser(site, who).post("/admin/outbound/forwarding", data={"prefixes": prefixes})


def forward(site: Site, number: str) -> Any:
    return browser(site, "agent1").post("/own/forwarding", data={"number": number})


def outside(site: Site) -> str:
    with site.sessions() as session:
        return next(agent.outside for agent in build_config(session).agents if agent.number == "1001")


@pytest.mark.parametrize("number", ["13700000001", "13900000001", "+8613900000001"])
def test_an_agent_forwards_to_what_is_allowed_and_it_is_audited(site: Site, worker: FakeWorker, number: str) -> None:
    assert allow(site).status_code == 303
    assert "137, +86139" in body(browser(site, "agent1"), "/own")
    assert forward(site, number).status_code == 303
    assert (outside(site), worker.asked) == (number, ["publish_config"])
    assert number in [entry.after["outside_number"] for entry in audited(site, "forwarding.set")]
    assert forward(site, "").status_code == 303
    assert outside(site) == ""


@pytest.mark.parametrize("number", ["02151118000", "110", "boss", "0013900000001", "13700000001;rm"])
def test_what_is_not_allowed_is_refused(site: Site, worker: FakeWorker, number: str) -> None:
    allow(site)
    answer = forward(site, number)
    assert answer.status_code == 422
    assert "is-invalid" in answer.text
    assert (outside(site), worker.asked) == ("", [])


def test_nothing_is_allowed_until_it_is_set_nor_without_the_right(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert forward(site, "13700000001").status_code == 403
    assert "own-forwarding" not in body(browser(site, "agent1"), "/own")
    allow(site)
    monkeypatch.setitem(ROLE_PERMISSIONS, Role.AGENT, ROLE_PERMISSIONS[Role.AGENT] - {Permission.FORWARDING_OWN})
    assert forward(site, "13700000001").status_code == 403
    assert "own-forwarding" not in body(browser(site, "agent1"), "/own")
    assert outside(site) == ""
    assert Permission.FORWARDING_OWN not in ROLE_PERMISSIONS[Role.SUPERVISOR]


def test_only_administrators_allow_numbers(site: Site) -> None:
    assert allow(site, who="supervisor").status_code == 403
    allow(site, "abc")
    with site.sessions() as session:
        assert forwarding.prefixes(session) == ()
    allow(site)
    with site.sessions() as session:
        assert forwarding.prefixes(session) == ("137", "+86139")
    assert audited(site, "forwarding.allow")[0].after == {"prefixes": ["137", "+86139"]}


def test_who_gives_up_the_number_has_the_browsers_phone_again(site: Site) -> None:
    allow(site)
    forward(site, "13700000001")
    assert browser(site, "agent1").post("/desktop/phone", json={"kind": "outside"}).status_code == 200
    forward(site, "")
    with site.sessions() as session:
        assert session.get_one(Agent, agent_id(site, "1001")).phone is PhoneKind.WEB
