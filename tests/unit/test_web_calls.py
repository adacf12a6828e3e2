"""The call log, notes and recordings in the pages: filters, whose is whose, what is heard is audited."""

from __future__ import annotations

import io
import json
import re
import wave
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.store.models import Call, CallLeg, CallNote, Recording
from tests.fakes.site import Site
from tests.pages import FRAGMENT, HOSTILE, agent_id, audited, body, browser, make_call, make_recording, statuses
from webui.calls.timeline import LEFT, WIDTH, draw
from webui.common.paging import decode, encode
from webui.reports.filters import Filters
from webui.reports.satisfaction import satisfaction

HOUR = 3600.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    made = Site(tmp_path_factory.mktemp("site"), database_url=url)
    make_call(made, "a-mine", agent="1001", number="+8619900000001", ago=1 * HOUR)
    asked = datetime.now(UTC) - timedelta(hours=2) + timedelta(seconds=40.5)
    rated = {"surveyed_at": asked, "rating": 3, "rated_agent_id": agent_id(made, "1004")}
    make_call(made, "b-other", agent="1002", number="+8619900000002", ago=2 * HOUR, **rated)
    make_call(made, "c-gone", agent="", number="+8619900000003", ago=3 * HOUR)
    make_call(made, "d-out", agent="1001", number="+8613812345678", ago=4 * HOUR, direction="outbound", queue_id="")
    make_call(made, "e-service", agent="1003", number="+862166667777", ago=26 * HOUR, queue_id="service")
    make_call(made, "f-live", agent="1002", number="10086", ago=30, ended_at=None)
    with made.sessions() as session:
        leg = CallLeg(id="b-consult", call_id="b-other", position=2, kind="consulted", agent_id=agent_id(made, "1004"))
        leg.created_at = datetime.now(UTC) - timedelta(hours=2)
        session.add(leg)
        session.commit()
    yield made
    made.close()


def listed(site: Site, username: str, query: str = "") -> list[str]:
    page = body(browser(site, username), f"/calls{query}")
    return re.findall(r'<td class="cx-time"><a href="/calls/([\w-]+)"', page)


# ---------------------------------------------------------------- the log


def test_a_supervisor_sees_all_newest_first(site: Site) -> None:
    found = [c for c in listed(site, "supervisor") if c[1] == "-"]
    assert found == ["f-live", "a-mine", "b-other", "c-gone", "d-out", "e-service"]


def test_an_agent_sees_only_calls_that_reached_the_own_phone(site: Site) -> None:
    assert set(listed(site, "agent4")) == {"b-other"}
    assert {"b-other", "f-live"} <= set(listed(site, "agent2"))
    other = agent_id(site, "1001")
    assert set(listed(site, "agent4", f"?agent={other}")) <= {"b-other"}


def test_a_user_without_a_phone_and_without_the_right_sees_none(site: Site) -> None:
    assert listed(site, "agent5") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?number=19900000002", {"b-other"}),
        ("?number=%2B8619900000002", {"b-other"}),
        ("?number=1381234", {"d-out"}),
        ("?number=02166667777", {"e-service"}),
        ("?number=021", {"e-service"}),
        ("?number=10086", {"f-live"}),
        ("?queue=service", {"e-service"}),
        ("?direction=outbound", {"d-out"}),
        ("?outcome=abandoned", {"c-gone"}),
        ("?outcome=no_answer", set()),
        ("?outcome=live", {"f-live"}),
        ("?rating=3", {"b-other"}),
        ("?rating=1", set()),
        ("?number=%25", set()),
        ("?queue=%27%3B--", None),
        ("?direction=sideways&outcome=never", None),
    ],
)
def test_filters(site: Site, query: str, found: set[str] | None) -> None:
    everything = {"a-mine", "b-other", "c-gone", "d-out", "e-service", "f-live"}
    shown = {c for c in listed(site, "supervisor", query) if c[1] == "-"}
    assert shown == (everything if found is None else found)


def test_times_are_those_of_the_users_zone(site: Site) -> None:
    began = datetime.now(UTC) - timedelta(hours=2, minutes=30)
    for zone, hours in (("Asia/Shanghai", 8), ("UTC", 0)):
        site.set_user("supervisor", timezone=zone)
        local = (began + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")
        found = {c for c in listed(site, "supervisor", f"?since={local}") if c[1] == "-"}
        assert found == {"a-mine", "b-other", "f-live"}, zone
    site.set_user("supervisor", timezone="Asia/Shanghai")
    assert "A time was not understood" in body(browser(site, "supervisor"), "/calls?since=yesterday")


def test_page_by_page_without_gap_or_repeat_even_in_the_same_moment(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime.now(UTC) - timedelta(days=400)
    for n in range(7):
        make_call(site, f"same{n}", agent="", created_at=moment)
    monkeypatch.setattr("webui.calls.queries.listing.__defaults__", (3,))
    seen, query = [], "?until=2026-06-01"
    while query:
        page = body(browser(site, "supervisor"), f"/calls{query}")
        seen += re.findall(r'<td class="cx-time"><a href="/calls/([\w-]+)"', page)
        more = re.search(r'href="/calls(\?[^"]*before=[^"]+)"', page)
        query = more.group(1).replace("&amp;", "&") if more else ""
    assert seen == [f"same{n}" for n in reversed(range(7))]


@given(st.text(max_size=60))
def test_a_cursor_is_read_back_or_nothing(text: str) -> None:
    moment = datetime(2026, 11, 21, 4, 5, 6, 789_012, UTC)
    assert decode(encode(moment, text)) == (moment, text)
    decode(text)


def test_numbers_are_masked_for_agents(site: Site) -> None:
    page = body(browser(site, "agent1"), "/calls") + body(browser(site, "agent1"), "/calls/a-mine")
    assert "19900000001" not in page
    assert "199****0001" in page
    assert "19900000001" in body(browser(site, "supervisor"), "/calls")


def test_today_shows_the_own_calls_since_midnight(site: Site) -> None:
    make_call(site, "today-1", agent="1005", ago=1)
    page = body(browser(site, "agent5"), "/calls/today")
    assert 'data-count="1"' in page
    assert 'href="/calls/today-1"' in page
    assert 'data-count="0"' in body(browser(site, "supervisor"), "/calls/today")


# ---------------------------------------------------------------- satisfaction


def test_a_rating_is_on_the_call_and_in_the_log_and_the_talk_ended_before_it(site: Site) -> None:
    page = body(browser(site, "supervisor"), "/calls/b-other")
    assert re.search(r'cx-rating-3">Not satisfied</span> <span class="cx-text">\w', page), "and whose it is"
    assert "<dt>Talked</dt><dd>0:35</dd>" in page
    assert 'cx-rating-3">Not satisfied' in body(browser(site, "supervisor"), "/calls?number=19900000002")
    assert "Satisfaction" not in body(browser(site, "supervisor"), "/calls/a-mine").split("<dl", 1)[1]


def test_the_report_counts_ratings_by_day_month_queue_and_agent(site: Site) -> None:
    first, second = agent_id(site, "1001"), agent_id(site, "1002")
    given = [
        ("rep1", 1, first, 10, 5),
        ("rep2", 2, first, 10, 6),
        ("rep3", None, second, 10, 6),
        ("rep4", 3, first, 9, 1),
    ]
    for name, rating, agent, month, day in given:
        at = datetime(2025, month, day, 17, tzinfo=UTC)  # after midnight in Shanghai
        make_call(site, name, created_at=at, surveyed_at=at, rating=rating, rated_agent_id=agent)
    make_call(site, "rep5", created_at=at, surveyed_at=at, rating=1, rated_agent_id=first, test=True)

    def table(group: str, more: str = "") -> dict[str, list[str]]:
        asked = f"/reports/satisfaction?since=2025-09-01&until=2025-10-31&group={group}{more}"
        page = body(browser(site, "supervisor"), asked)
        found = re.findall(r'<tr><td class="cx-text">(.*?)</td>(.*?)</tr>', page)
        return {label: re.findall(r'data-figure="\w+">(.*?)<', cells) for label, cells in found}

    days = table("day")
    assert len(days) == 61
    assert days["2025-10-06"] == ["1", "1", "0", "0", "1", "100.0 %", "100.0 %", "1.00"]
    assert days["2025-10-07"] == ["2", "0", "1", "0", "1", "50.0 %", "100.0 %", "2.00"]
    assert table("month") == {
        "2025-09": ["1", "0", "0", "1", "1", "100.0 %", "0.0 %", "3.00"],
        "2025-10": ["3", "1", "1", "0", "2", "66.7 %", "100.0 %", "1.50"],
    }
    assert [row[:4] for row in table("queue").values()] == [["4", "1", "1", "1"]]
    assert table("queue", "&queue=service") == {}
    by_agent = table("agent")
    assert [(label[:4], row[0]) for label, row in by_agent.items()] == [("1001", "3"), ("1002", "1")]
    assert next(row for label, row in by_agent.items() if label.startswith("1002")) == [*"10000", "0.0 %", "—", "—"]
    assert [label[:4] for label in table("agent", f"&agent={site.user('agent2').id}")] == ["1002"]


def test_the_report_counts_only_agents_whose_calls_one_may_see(site: Site) -> None:
    seen = frozenset({agent_id(site, "1004")})
    asked = Filters(datetime.now(UTC).date() - timedelta(days=1), datetime.now(UTC).date(), "UTC", "agent", agents=seen)
    with site.app.test_request_context(), site.sessions() as session:
        assert [row.label[:4] for row in satisfaction(session, asked)] == ["1004"]
        assert satisfaction(session, replace(asked, agents=frozenset())) == []


# ---------------------------------------------------------------- one call


def test_a_call_shows_its_legs_transfers_and_note(site: Site) -> None:
    first, second = agent_id(site, "1001"), agent_id(site, "1002")
    transfer = {"at": 1.0, "kind": "consult", "from_agent": first, "to_agent": second, "result": "completed"}
    document = {"transfers": [transfer], "passed": ["queue:service", "queue:orders", "agent:gone"]}
    make_call(site, "legs", agent="1001", ago=9 * HOUR, document=document, ani_name=HOSTILE[:100])
    with site.sessions() as session:
        session.add(CallNote(call_id="legs", user_id=site.user("agent1").id, summary=HOSTILE))
        session.commit()
    page = body(browser(site, "supervisor"), "/calls/legs")
    assert re.findall(r'data-leg="(\w+)"', page) == ["customer", "agent"]
    assert page.count("<rect ") == 4
    assert "Transfer after consultation" in page
    assert "客服 Service → 订购 Orders</dd>" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "This call was not recorded" in page


def test_bars_lie_inside_the_drawing_whatever_the_times() -> None:
    began = datetime(2026, 11, 21, tzinfo=UTC)
    call = Call(id="t", created_at=began, ended_at=began + timedelta(seconds=40))
    legs = [
        CallLeg(kind="customer", created_at=began, answered_at=began, ended_at=began + timedelta(seconds=40)),
        CallLeg(kind="agent", created_at=began - timedelta(seconds=5), answered_at=None, ended_at=None),
        CallLeg(kind="agent", created_at=began + timedelta(seconds=39), ended_at=began + timedelta(seconds=90)),
    ]
    drawing = draw(call, legs, began + timedelta(hours=1))
    bars = [bar for lane in drawing.lanes for bar in lane.bars]
    assert all(bar.x >= LEFT and bar.x + bar.width <= WIDTH and bar.width > 0 for bar in bars)
    assert 1 <= len(drawing.ticks) <= 11


@pytest.mark.parametrize("path", ["/calls/none", "/calls/..%2f..%2fetc", "/calls/" + "x" * 41, "/calls/%00"])
def test_an_unknown_call_is_not_found(site: Site, path: str) -> None:
    assert browser(site, "supervisor").get(path).status_code == 404


def test_who_sees_a_call(site: Site) -> None:
    assert statuses(site, "GET", "/calls/a-mine") == {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}
    assert statuses(site, "GET", "/calls/b-other") == {"nobody": 302, "agent2": 200, "supervisor": 200, "admin": 200}
    assert browser(site, "agent4").get("/calls/b-other").status_code == 200
    everybody = {"nobody": 302, "agent2": 200, "supervisor": 200, "admin": 200}
    assert statuses(site, "GET", "/calls") == everybody
    assert statuses(site, "GET", "/calls/today") == everybody


# ---------------------------------------------------------------- the note


def note(**changes: str) -> dict[str, str]:
    return {"call_type": "normal", "business_type": "complaint", "summary": "客户要求退货"} | changes


def test_a_note_is_saved_and_saved_again(site: Site) -> None:
    client = browser(site, "agent1")
    assert client.post("/calls/a-mine/note", data=note(customer_id="7"), headers=FRAGMENT).status_code == 200
    again = client.post("/calls/a-mine/note", data=note(business_type="", call_type="dropped"), headers=FRAGMENT)
    assert "cy:saved" in json.loads(again.headers["HX-Trigger"])
    with site.sessions() as session:
        saved = session.get_one(CallNote, "a-mine")
        assert (saved.call_type.value, saved.business_type, saved.customer_id) == ("dropped", None, 7)
    assert "客户要求退货" in body(client, "/calls/a-mine/note", **FRAGMENT)
    entry = audited(site, "call.note")[-1]
    assert (entry.object, entry.before) == ("call/a-mine", {"call_type": "normal", "business_type": "complaint"})


def test_a_note_of_the_present_call_is_saved_before_the_call_has_a_row(site: Site) -> None:
    engine, client = site.engine, browser(site, "agent3")
    engine.on_duty("1003")
    channel = engine.call_in("19900000012")
    engine.phone_answers("1003")
    engine.until_state("1003", "talking")
    call_id = engine.ask("1003", "state")["agent"]["call"]["call_id"]
    assert client.post(f"/calls/{call_id}/note", data=note()).status_code == 303
    assert browser(site, "agent4").post(f"/calls/{call_id}/note", data=note(summary="x")).status_code == 403
    with site.sessions() as session:
        assert session.get_one(CallNote, call_id).summary == "客户要求退货"
    engine.caller_hangs_up(channel)


def test_a_note_of_a_call_that_is_only_listened_to_is_saved_before_the_call_has_a_row(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"ok": True, "agent": {"call": None, "watched": {"call_id": "w-now"}}}
    monkeypatch.setattr("webui.calls.access.request_engine", lambda *_: told)
    client = browser(site, "agent1")
    assert client.get("/calls/w-now/note", headers=FRAGMENT).status_code == 200
    assert client.get("/calls/w-other/note", headers=FRAGMENT).status_code == 403


def test_nobody_writes_the_note_of_a_colleagues_call(site: Site) -> None:
    refused = {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}
    assert statuses(site, "GET", "/calls/a-mine/note") == refused
    posted = statuses(site, "POST", "/calls/d-out/note", note())
    assert posted == {"nobody": 302, "agent2": 403, "supervisor": 303, "admin": 303}
    for username in ("agent1", "supervisor"):
        assert browser(site, username).post("/calls/no-such-call/note", data=note()).status_code == 403


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("call_type", {"call_type": "sung"}),
        ("business_type", {"business_type": "sung"}),
        ("summary", {"summary": "x" * 4001}),
        ("customer_id", {"customer_id": "999999"}),
        ("customer_id", {"customer_id": "99999999999999999999"}),
    ],
)
def test_a_wrong_field_of_the_note_is_named(site: Site, field: str, changes: dict[str, str]) -> None:
    answer = browser(site, "agent1").post("/calls/a-mine/note", data=note(**changes), headers=FRAGMENT)
    assert answer.status_code == 422
    assert f'data-field="{field}"' in answer.text or "does not exist" in answer.text


# ---------------------------------------------------------------- recordings


@pytest.fixture(scope="module")
def recorded(site: Site) -> str:
    return make_recording(site, make_call(site, "rec", agent="1001", ago=5 * HOUR))


def listen(site: Site, username: str, recording: str) -> Any:
    return browser(site, username).post(f"/calls/recordings/{recording}/listen", headers={"Accept": "application/json"})


def test_the_sound_comes_whole_and_in_ranges_and_each_listening_is_audited(site: Site, recorded: str) -> None:
    before = len(audited(site, "recording.listen"))
    url = listen(site, "agent1", recorded).json["url"]
    client = browser(site, "agent1")
    whole = client.get(url, buffered=True)
    assert (whole.status_code, whole.mimetype) == (200, "audio/wav")
    with wave.open(io.BytesIO(whole.data)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (2, 8000, 16_000)
    part = client.get(url, headers={"Range": "bytes=1000-1999"}, buffered=True)
    assert (part.status_code, part.data) == (206, whole.data[1000:2000])
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(whole.data)}"
    assert client.get(url, headers={"Range": "bytes=99999999-"}).status_code == 416
    entries = audited(site, "recording.listen")
    assert len(entries) == before + 1
    assert (entries[-1].username, entries[-1].object, entries[-1].after) == (
        "agent1",
        f"recording/{recorded}",
        {"call": "rec"},
    )


def test_a_ticket_is_for_one_user_and_one_recording(site: Site, recorded: str) -> None:
    url = listen(site, "supervisor", recorded).json["url"]
    assert browser(site, "admin").get(url).status_code == 403
    assert browser(site, "supervisor").get(url.split("?")[0]).status_code == 403
    assert browser(site, "supervisor").get(f"{url}x").status_code == 403
    other = make_recording(site, make_call(site, "rec2", agent="1001", ago=6 * HOUR))
    assert browser(site, "supervisor").get(url.replace(recorded, other)).status_code == 403


def test_the_waveform_has_both_sides(site: Site, recorded: str) -> None:
    peaks = browser(site, "agent1").get(f"/calls/recordings/{recorded}/peaks", buffered=True).json
    assert peaks["duration"] == 2.0
    assert len(peaks["left"]) == len(peaks["right"]) > 100


def test_who_may_listen_and_download(site: Site, recorded: str) -> None:
    path = f"/calls/recordings/{recorded}"
    heard = {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}
    assert statuses(site, "POST", f"{path}/listen") == heard
    assert statuses(site, "GET", f"{path}/peaks") == heard
    assert statuses(site, "GET", f"{path}/download") == {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 200}
    assert browser(site, "agent1").get(f"{path}/download").status_code == 403
    entry = audited(site, "recording.download")[-1]
    assert (entry.username, entry.object) == ("admin", f"recording/{recorded}")
    page = body(browser(site, "agent1"), "/calls/rec")
    assert "data-player" in page
    assert "/download" not in page


def test_a_recording_still_written_or_missing_says_so(site: Site) -> None:
    pending = make_recording(site, make_call(site, "rec3", agent="1001", ago=7 * HOUR), ready=False)
    missing = make_recording(site, make_call(site, "rec4", agent="1001", ago=8 * HOUR), sound=False)
    for recording, state, words in ((pending, "pending", "still being written"), (missing, "missing", "is missing")):
        answer = listen(site, "agent1", recording)
        assert (answer.status_code, answer.json["error"]) == (409, f"recording.{state}")
        page = body(browser(site, "agent1"), f"/calls/{recording[:-2]}")
        assert f'data-state="{state}"' in page
        assert words in page
        assert "data-player" not in page


@pytest.mark.parametrize("file", ["../../callyard.db", "/etc/passwd", "..", "2026/../../secrets/x"])
def test_nothing_outside_the_recordings_folder_is_ever_sent(site: Site, file: str) -> None:
    call = make_call(site, f"esc{abs(hash(file)) % 100_000}", agent="1001", ago=10 * HOUR)
    recording = make_recording(site, call, sound=False)
    with site.sessions() as session:
        session.get_one(Recording, recording).file = file
        session.commit()
    assert listen(site, "admin", recording).status_code == 409
    assert browser(site, "admin").get(f"/calls/recordings/{recording}/peaks").status_code == 404
    assert browser(site, "admin").get(f"/calls/recordings/{recording}/download").status_code == 404
