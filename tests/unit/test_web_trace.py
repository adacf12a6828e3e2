"""The operation log on the site: who may read it, in which words, what is masked; it is read from the bus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cti.bus.base import Traced
from cti.store.models import Call, CallLeg
from tests.fakes.site import Site
from tests.pages import agent_id, audited, body, browser, make_call
from webui.trace.lines import in_order
from webui.trace.words import People, Told, told

NUMBER = "+8613812345678"
Data = dict[str, Any]


def message(place: int, *lines: Data, engine: str = "e1", subject: str = "call.c1") -> Traced:
    return Traced(place, f"cy.trace.{subject}", {"engine": engine, "lines": list(lines)})


def event(at: float, name: str, channel: str = "ch1", **fields: Any) -> Data:
    return {"at": at, "kind": "event", "switch": "fs", "name": name, "channel": channel, "with": fields}


def command(at: float, name: str, n: int, **fields: Any) -> Data:
    return {"at": at, "kind": "command", "switch": "fs", "name": name, "channel": "ch1", "n": n, "with": fields}


OFFER = event(1.0, "ChannelOffered", caller_number=NUMBER, caller_name="138 1234 5678", dialed="8000", trunk="t1")


# ------------------------------------------------------------ lines


def test_an_answer_that_came_later_is_on_the_line_of_its_command() -> None:
    late = {"at": 3.0, "kind": "result", "n": 7, "ms": 812.5, "error": "switch.refused", "detail": "-ERR"}
    lines = in_order([message(1, command(1.0, "Bridge", 7)), message(2, late)])
    assert [(line.name, line.data["ms"], line.data["error"]) for line in lines] == [("Bridge", 812.5, "switch.refused")]


def test_numbers_of_commands_begin_anew_with_each_engine_and_the_log_says_so() -> None:
    late = {"at": 3.0, "kind": "result", "n": 1, "ms": 5.0}
    first, second = message(1, command(1.0, "Answer", 1)), message(2, command(2.0, "Bridge", 1), late, engine="e2")
    lines = in_order([first, second])
    assert [(line.kind, line.name, line.data.get("ms")) for line in lines] == [
        ("command", "Answer", None),
        ("engine", "started", None),
        ("command", "Bridge", 5.0),
    ]


def test_lines_are_in_order_of_time_and_what_is_no_line_is_left_out() -> None:
    odd: list[Any] = [
        "text",
        {"at": "late", "kind": "event"},
        {"kind": "event"},
        {"at": 1.0},
        {"at": 2.0, "kind": "new"},
    ]
    lines = in_order([message(1, event(5.0, "ChannelAnswered"), *odd), Traced(2, "cy.trace.x", {"lines": "none"})])
    assert [line.at for line in lines] == [2.0, 5.0]
    assert told(lines, People())[0].kind == "new"


# ------------------------------------------------------------ words


def one(site: Site, data: Data, people: People = People(unmasked=True)) -> Told:  # noqa: B008 - frozen
    with site.app.test_request_context():
        return told(in_order([message(1, data)]), people)[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (OFFER, "call from 13812345678 138 1234 5678 to 8000 (t1)"),
        (event(1.0, "ChannelBridged", peer="ch2"), "is joined with Agent Ann"),
        (
            event(1.0, "ChannelHungUp", cause="busy", by_far_side=True, sip=486),
            "has ended: Engaged by the far side · SIP 486",
        ),
        (event(1.0, "DeviceRegistered", device="1001"), "phone 1001: not registered any more"),
        (event(1.0, "ChannelHeld"), "taken from hold on the phone"),
        (event(1.0, "SomethingNew", a=1), "SomethingNew"),
        (command(1.0, "Originate", 1, target={"trunk": "t1", "number": "10086"}), "ring 10086 (t1), showing"),
        (command(1.0, "Play", 1, prompts=["zh_CN/welcome"]), "play zh_CN/welcome"),
        (command(1.0, "Spy", 1, target="ch2", mode="whisper"), "let hear Agent Ann: whisper"),
        ({"at": 1.0, "kind": "agent", "agent": "a", "state": "notReady", "reason": "lunch"}, "Busy · at table"),
        (
            {"at": 1.0, "kind": "call", "name": "established", "legs": {"ch2": "connected"}},
            "the talk begins · Agent Ann: connected",
        ),
    ],
)
def test_a_line_is_a_sentence(site: Site, data: Data, words: str) -> None:
    people = People({"a": "Ann"}, {"ch2": "Agent Ann"}, True, {"lunch": "at table"})
    assert one(site, data, people).words == words


def test_what_came_of_a_command_is_told(site: Site) -> None:
    answers = [
        one(site, command(1.0, "Answer", 1)),
        one(site, command(1.0, "Answer", 1) | {"ms": 12.0}),
        one(
            site, command(1.0, "Answer", 1) | {"ms": 12.0, "error": "switch.refused", "detail": "-ERR no such channel"}
        ),
    ]
    assert [(found.outcome, found.tone) for found in answers] == [
        ("no answer yet", ""),
        ("12 ms", "good"),
        ("the switch refused · 12 ms", "bad"),
    ]
    assert ("detail", "-ERR no such channel") in answers[2].details


def test_without_the_right_numbers_and_keys_are_masked_everywhere(site: Site) -> None:
    lines = [
        OFFER,
        event(1.0, "Digit", digit="7"),
        command(1.0, "Originate", 1, target={"trunk": "t1", "number": NUMBER}, caller_number=NUMBER),
        command(1.0, "Answer", 2) | {"error": "switch.refused", "detail": f"no route to {NUMBER}"},
        {"at": 1.0, "kind": "request", "by": "agent", "name": "dial", "with": {"number": NUMBER}},
    ]
    for data in lines:
        text = str(one(site, data, People()))
        assert "12345678" not in text, text
        assert "1234 5678" not in text, text
        assert "'7'" not in text, text
        assert "key 7" not in text, text


# ------------------------------------------------------------ pages


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    make_call(made, "c1", number=NUMBER, agent="1001", ago=600)
    make_call(made, "live", number=NUMBER, agent="1001", ago=5, ended_at=None)
    with made.sessions() as session:
        for leg in session.query(CallLeg):
            leg.channel = {"c1-c": "ch1", "c1-a": "cy-c1-a"}.get(leg.id, f"ch-{leg.id}")
        session.commit()
    now = datetime.now(UTC).timestamp() + 60
    publish(
        made, "call.c1", OFFER, event(2.0, "Digit", digit="7"), command(3.0, "Bridge", 1, peer="cy-c1-a") | {"ms": 8.0}
    )
    publish(made, "call.live", OFFER)
    publish(
        made, "switch.fs", {"at": now, "kind": "event", "switch": "fs", "name": "LinkLost", "with": {"reason": "cable"}}
    )
    ready = {"at": now, "kind": "agent", "agent": agent_id(made, "1001"), "state": "ready"}
    publish(made, f"agent.{agent_id(made, '1001')}", ready)
    yield made
    made.close()


def publish(site: Site, subject: str, *lines: Data) -> None:
    kept = site.engine.broker.traced
    before = len(kept)
    site.engine.bus.publish(f"cy.trace.{subject}", {"engine": "e1", "lines": list(lines)})
    site.engine.until(lambda: len(kept) > before, "kept")


def rows(page: str) -> list[str]:
    return re.findall(r'data-line="(\w+)"', page)


def test_an_administrator_reads_the_log_of_a_call_and_that_is_audited(site: Site) -> None:
    page = body(browser(site, "admin"), "/operations/calls/c1")
    assert rows(page) == ["event", "event", "command"]
    assert "join with Agent" in page
    assert "13812345678" in page
    assert audited(site, "trace.read")[-1].object == "call/c1"
    assert "/operations/calls/c1" in body(browser(site, "admin"), "/calls/c1")
    assert "/operations/calls" not in body(browser(site, "supervisor"), "/calls/c1")


def test_only_some_lines_are_shown_when_asked_for(site: Site) -> None:
    client = browser(site, "admin")
    assert rows(body(client, "/operations/calls/c1?kind=command")) == ["command"]
    assert rows(body(client, "/operations/calls/c1?leg=cy-c1-a")) == ["command"], "named as the peer"


def test_nobody_else_may_unless_given_the_right_and_then_sees_what_calls_are_seen(site: Site) -> None:
    assert browser(site, "supervisor").get("/operations/calls/c1").status_code == 403
    assert browser(site, "agent2").get("/operations").status_code == 403
    site.set_user("agent2", rights={"calls.trace": True})
    client = browser(site, "agent2")
    assert client.get("/operations/calls/c1").status_code == 403, "a call of others"
    assert "agent" not in rows(body(client, "/operations")), "what other agents do"
    assert rows(body(client, "/operations?switch=fs")) == ["event"]
    site.set_user("agent1", rights={"calls.trace": True})
    page = body(browser(site, "agent1"), "/operations/calls/c1")
    assert rows(page) == ["event", "event", "command"]
    assert "12345678" not in page


def test_the_log_is_text_to_be_taken_along(site: Site) -> None:
    answer = browser(site, "admin").get("/operations/calls/c1/text?download=1")
    assert answer.mimetype == "text/plain"
    assert "attachment" in answer.headers["Content-Disposition"]
    lines = answer.get_data(as_text=True).strip().splitlines()[2:]
    assert len(lines) == 3
    assert "join with Agent" in lines[2]
    assert lines[2].endswith("[8 ms]")
    assert audited(site, "trace.download")[-1].object == "call/c1"


def test_while_a_call_goes_on_the_page_asks_for_what_is_new(site: Site) -> None:
    client = browser(site, "admin")
    page = body(client, "/operations/calls/live")
    again = re.search(r'hx-get="([^"]+)" hx-trigger="every 2s"', page)
    assert again is not None
    address = again[1].replace("&amp;", "&")
    assert client.get(address).status_code == 204
    publish(site, "call.live", event(4.0, "ChannelAnswered"))
    piece = body(client, address)
    assert rows(piece) == ["event", "event"]
    assert "<html" not in piece
    with site.sessions() as session:
        live = session.get(Call, "live")
        assert live is not None
        live.ended_at = live.created_at - timedelta(hours=1)
        session.commit()
    assert "hx-get" not in body(client, address), "it is over"


def test_what_belongs_to_no_call_is_found_by_switch_agent_and_words(site: Site) -> None:
    client, agent = browser(site, "admin"), agent_id(site, "1001")
    assert [kind for kind in rows(body(client, "/operations")) if kind != "engine"][:2] == ["agent", "event"], (
        "newest first"
    )
    assert rows(body(client, "/operations?switch=fs")) == ["event"]
    assert rows(body(client, f"/operations?agent={agent}")) == ["agent"]
    assert rows(body(client, "/operations?text=cable")) == ["event"]
    assert rows(body(client, "/operations?until=2020-01-01T00:00&since=2019-01-01T00:00")) == []


@pytest.mark.parametrize(
    ("query", "found"), [("number=13812345678", 2), ("channel=cy-c1-a", 1), ("channel=ch1", 1), ("channel=x", 0)]
)
def test_calls_are_found_by_number_and_channel(site: Site, query: str, found: int) -> None:
    page = body(browser(site, "admin"), f"/operations?{query}")
    assert len(re.findall(r'href="/operations/calls/[\w-]+"', page)) == found


def test_without_the_bus_the_page_says_so(site: Site) -> None:
    site.engine.broker.cut()
    try:
        client = browser(site, "admin")
        for address in ("/operations", "/operations/calls/c1"):
            assert "the bus does not answer" in body(client, address)
        assert client.get("/operations/calls/c1/text").status_code == 503
    finally:
        site.engine.broker.restore()
