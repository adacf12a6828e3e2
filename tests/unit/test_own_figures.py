"""An agent's own days: midnight in the centre's zone, what is divided by what, whose calls count, on both databases."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cti.store.models import AgentStretch, CallNote, utc_now
from tests.fakes.site import Site
from tests.pages import agent_id, body, browser, make_call, make_recording
from webui.own.figures import DAYS, HEIGHT, Figures, Stretch, by_day, draw, last_days, total

ZONE = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 22)
MIDNIGHT = datetime(2026, 11, 21, 16, tzinfo=UTC)


def stretch(state: str, begin: float, seconds: float) -> Stretch:
    """``begin`` in seconds from today's midnight."""
    began = MIDNIGHT + timedelta(seconds=begin)
    return Stretch(state, began, began + timedelta(seconds=seconds))


def test_a_stretch_over_midnight_counts_for_both_days() -> None:
    days = by_day([stretch("talking", -60, 100)], TODAY, ZONE)
    assert days[TODAY].seconds["talk"] == 40
    assert days[date(2026, 11, 21)].seconds["talk"] == 60


def test_the_days_are_the_last_seven() -> None:
    assert len(last_days(TODAY)) == DAYS
    assert (last_days(TODAY)[0], last_days(TODAY)[-1]) == (date(2026, 11, 16), TODAY)
    assert total(by_day([stretch("ready", -8 * 86400, 100)], TODAY, ZONE), date(2026, 11, 1)).seconds == {}


def test_occupancy_leaves_out_time_that_is_not_ready() -> None:
    states = ("talking", "hold", "workingAfterCall", "ready", "notReady", "alerting")
    day = by_day([stretch(state, at * 100, 60) for at, state in enumerate(states)], TODAY, ZONE)[TODAY]
    assert day.occupancy == 180 / 240
    assert day.average is None
    day.inbound, day.outbound = 2, 1
    assert day.average == 60
    assert Figures().occupancy is None


spans = st.tuples(st.sampled_from(["talking", "ready", "hold", "x"]), st.floats(-1e6, 9e4), st.floats(0, 1e5))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(spans, max_size=20))
def test_no_second_is_lost_or_counted_twice(given_spans: list[tuple[str, float, float]]) -> None:
    found = [stretch(*span) for span in given_spans]
    days = by_day(found, TODAY, ZONE)
    begin, end = MIDNIGHT - timedelta(days=DAYS - 1), MIDNIGHT + timedelta(days=1)
    inside = [
        max(0.0, (min(s.ended, end) - max(s.began, begin)).total_seconds()) for s in found if s.state == "talking"
    ]
    assert total(days, date.min).seconds["talk"] == pytest.approx(sum(inside))
    assert all(0 <= bar.y <= bar.y + bar.height <= HEIGHT + 0.2 for bar in draw(days).bars if bar.height < HEIGHT * 2)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    made = Site(tmp_path_factory.mktemp("site"), database_url=url, zone="Asia/Shanghai")
    yield made
    made.close()


def figure(page: str, name: str) -> tuple[str, str]:
    found = re.search(rf'data-figure="{name}"><td>[^<]*</td><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td>', page)
    assert found, name
    return found[1], found[2]


def test_the_page_shows_the_own_figures_and_recordings_only(site: Site) -> None:
    own = agent_id(site, "1001")
    began = utc_now() - timedelta(seconds=100)
    with site.sessions() as session:
        for at, (who, state) in enumerate(((own, "talking"), (own, "ready"), (agent_id(site, "1002"), "talking"))):
            begin = began + timedelta(seconds=20 * at)
            session.add(
                AgentStretch(agent_id=who, started_at=begin, ended_at=begin + timedelta(seconds=15), state=state)
            )
        session.add(CallNote(call_id="mine", user_id=site.user("agent1").id, business_type="complaint"))
        session.commit()
    make_call(site, "mine", ago=100, talked=15)
    make_call(site, "out", ago=60, talked=15, direction="outbound")
    make_call(site, "other", agent="1002", ago=50, talked=15)
    make_recording(site, "mine", sound=False)
    make_recording(site, "other", "1002", sound=False)
    page = body(browser(site, "agent1"), "/own")
    assert figure(page, "calls")[1] == "2"
    assert (figure(page, "inbound")[1], figure(page, "outbound")[1]) == ("1", "1")
    assert (figure(page, "talk")[1], figure(page, "occupancy")[1]) == ("0:15", "50 %")
    assert "Complaint 1" in page
    assert re.findall(r'data-recording="([\w-]+)"', page) == ["mine-r"]
    assert "data-figures" not in body(browser(site, "admin"), "/own")


def test_the_state_that_has_not_ended_counts_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    since = time.time() - 5.0
    document = {"state": "notReady", "since": since}
    monkeypatch.setattr(site.app.extensions["callyard_hub"], "agent", lambda _agent_id: document)
    assert figure(body(browser(site, "agent4"), "/own"), "busy")[1] >= "0:05"
    document["state"] = "loggedOff"
    assert figure(body(browser(site, "agent4"), "/own"), "busy")[1] == "0:00"
