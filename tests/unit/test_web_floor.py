"""The supervisor's live page: first paint from the engine, no engine, who may; following events in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.site import Site
from tests.pages import body, browser, statuses


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
