"""The supervisor's live page: first paint from the engine, no engine, who may; following events in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from cti.store.models import Role
from tests.fakes.site import Site
from tests.pages import agent_id, audited, body, browser, statuses
from webui.common.permissions import ROLE_PERMISSIONS, Permission


@pytest.fixture
def site(tmp_path: Any) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def start(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" data-start>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    document: dict[str, Any] = json.loads(found.group(1))
    return document


def test_the_first_paint_holds_agents_and_waiting_callers(site: Site) -> None:
    site.engine.on_duty("1003")
    site.engine.call_in("19900000012", "</script><script>alert(1)</script>")
    site.engine.until_state("1003", "alerting")
    site.engine.call_in("19900000013")
    site.engine.until(lambda: any(q.waiting for q in site.engine.engine.centre.queues.values()), "a caller waits")
    page = body(browser(site, "supervisor"), "/floor")
    assert "<script>alert" not in page
    first = start(page)
    assert first["up"] is True
    states = {agent["number"]: agent["state"] for agent in first["agents"]}
    assert (states["1003"], states["1001"]) == ("alerting", "loggedOff")
    waiting = [caller["number"] for queue in first["queues"] for caller in queue["waiting"]]
    assert "19900000013" in str(waiting)
    assert first["reasons"]["lunch"] == "Lunch"
    assert first["reasons"]["no_answer"] == "no answer"
    assert set(first["targets"]) == {queue["queue_id"] for queue in first["queues"]}


def test_without_an_engine_the_page_says_so(site: Site) -> None:
    site.engine.stop()
    page = body(browser(site, "supervisor"), "/floor")
    assert start(page)["up"] is False
    assert re.search(r"data-stale-note\s*>", page)


def test_only_supervisors_and_administrators_watch(site: Site) -> None:
    assert statuses(site, "GET", "/floor") == {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}


def post(site: Site, username: str, path: str, document: Any) -> tuple[int, str]:
    answer = browser(site, username).post(f"/floor{path}", json=document, headers={"Accept": "application/json"})
    return answer.status_code, (answer.json or {}).get("error", "")


def test_a_supervisor_changes_an_agents_state_and_it_is_audited(site: Site) -> None:
    site.engine.on_duty("1003")
    agent = agent_id(site, "1003")
    assert post(site, "supervisor", f"/agents/{agent}/notReady", {"reason": "meeting"})[0] == 200
    site.engine.until_state("1003", "notReady")
    assert site.engine.agent("1003").notice == "forced"
    assert post(site, "supervisor", f"/agents/{agent}/ready", {})[0] == 200
    site.engine.until_state("1003", "ready")
    assert post(site, "supervisor", f"/agents/{agent}/loggedOff", {})[0] == 200
    site.engine.until_state("1003", "loggedOff")
    assert [(e.object, e.after) for e in audited(site, "supervise.force_not_ready")] == [
        (f"agent/{agent}", {"agent_id": agent, "reason": "meeting"})
    ]
    assert [len(audited(site, f"supervise.{op}")) for op in ("force_ready", "force_logout")] == [1, 1]
    assert post(site, "supervisor", f"/agents/{agent}/ready", {}) == (409, "agent.not_now")
    for wrong in ({}, [], None, {"reason": ""}, {"reason": ["meeting"]}, {"reason": "x" * 65}):
        assert post(site, "supervisor", f"/agents/{agent}/notReady", wrong) == (400, "request.bad"), wrong
    assert post(site, "supervisor", "/agents/nobody/ready", {}) == (404, "agent.unknown")


FORCED = {"ready": "force_ready", "notReady": "force_not_ready", "loggedOff": "force_logout"}


def test_each_state_that_is_forced_needs_its_own_permission(site: Site) -> None:
    agent = agent_id(site, "1001")
    site.engine.on_duty("1001")
    for state, op in FORCED.items():
        others = {f"supervise.{other}": False for other in FORCED.values() if other != op}
        site.set_user("supervisor", rights=others)
        may = start(body(browser(site, "supervisor"), "/floor"))["may"]
        assert {name: may[name] for name in FORCED} == {name: name == state for name in FORCED}
        for name in FORCED:
            answer, _ = post(site, "supervisor", f"/agents/{agent}/{name}", {"reason": "meeting"})
            assert answer == (200 if name == state else 403), (state, name)
    assert [len(audited(site, f"supervise.{op}")) for op in FORCED.values()] == [1, 1, 1]


def test_a_supervisor_drops_a_call(site: Site) -> None:
    site.engine.call_in("19900000013")
    calls = site.engine.engine.centre.calls
    site.engine.until(lambda: any(q.waiting for q in site.engine.engine.centre.queues.values()), "a caller waits")
    (call,) = calls
    assert post(site, "supervisor", f"/calls/{call}/pull", {"agent_id": agent_id(site, "1003")}) == (
        409,
        "agent.not_now",
    )
    assert post(site, "supervisor", f"/calls/{call}/drop", {})[0] == 200
    site.engine.until(lambda: not calls, "the call is over")
    assert [e.object for e in audited(site, "supervise.drop")] == [f"call/{call}"]
    assert len(audited(site, "supervise.pull")) == 1


def test_a_supervisor_puts_an_agent_into_other_queues_and_it_is_audited(site: Site) -> None:
    site.engine.on_duty("1001")
    agent = agent_id(site, "1001")
    assert post(site, "supervisor", f"/agents/{agent}/queues", {"queues": ["service"]})[0] == 200
    assert site.engine.agent("1001").queues == ("service",)
    assert [e.after for e in audited(site, "supervise.set_queues")] == [{"agent_id": agent, "queues": ["service"]}]
    for wrong in ({}, None, {"queues": "service"}, {"queues": [1]}, {"queues": ["nowhere"]}):
        assert post(site, "supervisor", f"/agents/{agent}/queues", wrong) == (400, "request.bad"), wrong
    assert post(site, "agent2", f"/agents/{agent}/queues", {"queues": []})[0] == 403


def talks_and_is_watched(site: Site) -> str:
    """1003 talks; agent2 is a supervisor with the phone 1002, and busy. The id of 1003."""
    site.set_user("agent2", role="supervisor")
    site.engine.on_duty("1003")
    site.engine.call_in("19900000013")
    site.engine.until_state("1003", "alerting")
    site.engine.phone_answers("1003")
    site.engine.until_state("1003", "talking")
    site.engine.on_duty("1002")
    site.engine.ask("1002", "not_ready", reason="meeting")
    return agent_id(site, "1003")


def test_a_supervisor_listens_whispers_barges_in_and_leaves_and_it_is_audited(site: Site) -> None:
    agent = talks_and_is_watched(site)
    own = {"agent_id": agent, "supervisor": agent_id(site, "1002")}
    assert start(body(browser(site, "agent2"), "/floor"))["own"] == own["supervisor"]
    for op in ("listen", "whisper", "barge"):
        assert post(site, "agent2", f"/agents/{agent}/{op}", {})[0] == 200
        site.engine.until_state("1002", "talking")
        assert [(e.object, e.after) for e in audited(site, f"supervise.{op}")] == [(f"agent/{agent}", own)]
    assert post(site, "agent2", "/listening/stop", {})[0] == 200
    site.engine.until_state("1002", "notReady")
    assert len(audited(site, "supervise.stop")) == 1
    assert post(site, "agent2", f"/agents/{agent}/intercept", {})[0] == 200
    site.engine.until(lambda: site.engine.agent("1003").notice == "intercepted", "taken over")
    assert len(audited(site, "supervise.intercept")) == 1


def test_who_has_no_phone_does_not_listen(site: Site) -> None:
    agent = talks_and_is_watched(site)
    for path in (f"/agents/{agent}/listen", f"/agents/{agent}/intercept", "/listening/stop"):
        assert post(site, "admin", path, {}) == (409, "agent.not_now")
    assert audited(site, "supervise.listen") == []


def test_each_way_of_listening_needs_its_permission(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = talks_and_is_watched(site)
    ops = ("listen", "whisper", "barge", "intercept")
    for op in ops:
        without = ROLE_PERMISSIONS[Role.SUPERVISOR] - {Permission(f"supervise.{op}")}
        monkeypatch.setitem(ROLE_PERMISSIONS, Role.SUPERVISOR, without)
        assert start(body(browser(site, "agent2"), "/floor"))["may"][op] is False
        assert post(site, "agent2", f"/agents/{agent}/{op}", {})[0] == 403
        monkeypatch.undo()
    assert post(site, "agent1", f"/agents/{agent}/listen", {})[0] == 403
    assert [audited(site, f"supervise.{op}") for op in ops] == [[], [], [], []]


def test_only_supervisors_and_administrators_act(site: Site) -> None:
    for path in ("/floor/agents/x/notReady", "/floor/calls/x/pull", "/floor/calls/x/drop"):
        answers = statuses(site, "POST", path)
        assert answers["nobody"] in (302, 401)
        assert answers["agent2"] == 403
        assert answers["supervisor"] == answers["admin"] == 400
    assert audited(site, "supervise.pull") == []
