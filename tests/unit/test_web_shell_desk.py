"""The desktop's requests, live events and what a user may see, without a browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cti.domain.errors import BadRequest
from cti.store.models import Agent, PhoneKind
from tests.fakes.site import Site
from webui.common.hub import MAILBOX, EventHub, Reader
from webui.common.phones import mask, seal, unseal
from webui.common.viewer import Viewer
from webui.desktop.forms import command
from webui.events import blueprint as events

KEY = b"k" * 32
DOCUMENT = {
    "agent_id": "a1",
    "number": "1001",
    "state": "talking",
    "call": {
        "call_id": "c1",
        "number": "+8613800138000",
        "caller_name": "13800138000",
        "channel": "PJSIP/secret",
        "consult": {"number": "13900139000", "name": "", "state": "ringing"},
    },
}


@pytest.fixture
def site(tmp_path: Any) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def ask(client: FlaskClient, op: str, **arguments: Any) -> Any:
    return client.post("/desktop/command", json={"op": op, **arguments})


# ---------------------------------------------------------------- commands


def test_an_agent_goes_on_duty_and_takes_a_call(site: Site) -> None:
    client = site.client("agent1")
    assert ask(client, "login").json["agent"]["device"] == "1001"
    assert ask(client, "ready").json["agent"]["state"] == "ready"
    site.engine.call_in("19900000012", "Demo Caller")
    site.engine.until_state("1001", "alerting")
    call = ask(client, "state").json["agent"]["call"]
    assert call["shown"] == "199****0012"
    assert "19900000012" not in json.dumps(call)


def test_a_command_is_always_for_the_own_agent(site: Site) -> None:
    client = site.client("agent1")
    other = site.engine.agent("1002").agent_id
    reply = ask(client, "login", agent_id=other, device="1002").json
    assert reply["agent"]["number"] == "1001"
    assert site.engine.agent("1002").state == "loggedOff"


def test_what_the_engine_refuses_is_told_in_words(site: Site) -> None:
    client = site.client("agent1")
    answer = ask(client, "ready")
    assert answer.status_code == 409
    assert answer.json["error"] == "agent.not_now"
    assert answer.json["message"]


def test_an_engine_that_is_gone_is_told_in_words(site: Site) -> None:
    client = site.client("agent1")
    site.engine.stop()
    answer = ask(client, "state")
    assert answer.status_code == 503
    assert answer.json["error"] == "engine.unavailable"


NOT_COMMANDS: list[Any] = [
    None,
    [],
    "x",
    {"op": "drop table"},
    {"op": "digits", "digits": "1\r\nAction: Originate"},
    {"op": "digits", "digits": ""},
    {"op": "dial", "number": "abc"},
    {"op": "dial", "number": "1" * 60},
    {"op": "dial", "number": "~forged"},
    {"op": "not_ready", "reason": "a b"},
    {"op": "wrapup_extend", "seconds": 1e9},
    {"op": "wrapup_extend", "seconds": True},
]


@pytest.mark.parametrize("body", NOT_COMMANDS)
def test_what_is_not_a_command_goes_nowhere(site: Site, body: Any) -> None:
    with site.app.test_request_context(), pytest.raises(BadRequest):
        command(body)


def test_a_number_as_people_type_it_is_dialled_as_digits(site: Site) -> None:
    with site.app.test_request_context():
        assert command({"op": "dial", "number": " 010-6552 (9988) "}) == ("dial", {"number": "01065529988"})


def test_a_masked_number_is_dialled_by_its_token(site: Site) -> None:
    client = site.client("agent1")
    token = seal("19900000012", site.app.extensions["callyard_number_key"])
    ask(client, "login")
    reply = ask(client, "dial", number=token)
    assert reply.status_code == 200
    assert "19900000012" not in reply.text


def test_only_an_agent_with_a_number_outside_can_be_called_there(site: Site) -> None:
    client = site.client("agent1")
    assert client.post("/desktop/phone", json={"kind": "outside"}).status_code == 400
    with site.sessions() as session:
        row = session.scalars(select(Agent).where(Agent.number == "1001")).one()
        row.outside_number = "13700000001"
        session.commit()
    answer = client.post("/desktop/phone", json={"kind": "outside", "outside_number": "0099123456"})
    assert (answer.json["kind"], answer.json["device"], answer.json["outside"]) == ("outside", "1001-out", "0001")
    assert "13700000001" not in answer.text
    with site.sessions() as session:
        assert session.scalars(select(Agent).where(Agent.number == "1001")).one().outside_number == "13700000001"


def test_phone_credentials_are_only_the_own_and_never_cached(site: Site) -> None:
    site_client = site.client("agent2")
    assert site_client.post("/desktop/phone", json={"kind": "web"}).status_code == 200
    answer = site_client.get("/desktop/phone")
    assert answer.json["device"] == "1002-web"
    assert answer.json["secret"]
    assert [one["url"].split(":")[:2] for one in answer.json["sockets"]] == [["ws", "//localhost"]]
    assert answer.headers["Cache-Control"] == "no-store"
    assert site.client("admin").get("/desktop/phone").status_code == 403


def test_a_page_that_becomes_the_phone_is_told_to_the_agents_other_pages_only(site: Site) -> None:
    page = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    client, colleague = site.client("agent1"), site.client("agent2")
    with Stream(client) as own, Stream(colleague) as other:
        own.until("whole")
        other.until("whole")
        assert client.post("/desktop/phone/claim", json={"page": page}).status_code == 200
        assert client.post("/desktop/phone/claim", json={"page": "<x>"}).status_code == 400
        assert own.until("phone") == {"agent_id": site.engine.agent("1001").agent_id, "page": page}
        site.engine.on_duty("1002")
        kinds = []
        while not kinds or kinds[-1] != "agent":
            kinds.append(other.next()[0])
        assert "phone" not in kinds


def test_transfer_targets_are_queues_and_colleagues_with_their_state(site: Site) -> None:
    site.engine.on_duty("1002")
    targets = {t["number"]: t for t in site.client("agent1").get("/desktop/targets").json["targets"]}
    assert targets["2001"]["kind"] == "queue"
    assert targets["1002"]["state"] == "ready"
    assert "1001" not in targets
    assert set(targets["1002"]) == {"number", "name", "state", "kind"}


def test_a_test_call_reaches_the_agent_who_asked(site: Site) -> None:
    client = site.client("agent1")
    ask(client, "login")
    ask(client, "ready")
    page = client.get("/testcall").text
    assert "8000" in page
    answer = client.post("/testcall", data={"dialed": "8001", "caller": "known", "digits": ""})
    assert "cy:toast" in answer.headers["HX-Trigger"]
    site.engine.until_state("1001", "alerting")


def test_a_test_call_to_a_number_that_is_not_ours_is_refused(site: Site) -> None:
    answer = site.client("agent1").post("/testcall", data={"dialed": "00441234", "caller": "known", "digits": ""})
    assert answer.status_code == 422


# ---------------------------------------------------------------- who sees what


def test_an_agent_sees_only_the_own_document_with_masked_numbers() -> None:
    seen = Viewer("a1", floor=False, unmasked=False, key=KEY).agent(DOCUMENT)
    assert seen is not None
    assert "138001" not in json.dumps(seen)
    assert "139001" not in json.dumps(seen)
    assert "channel" not in seen["call"]
    assert unseal(seen["call"]["number"], KEY) == "+8613800138000"
    assert Viewer("a2", floor=False, unmasked=False, key=KEY).agent(DOCUMENT) is None


def test_a_supervisor_sees_everybody_in_the_open() -> None:
    seen = Viewer("", floor=True, unmasked=True, key=KEY).agent(DOCUMENT)
    assert seen is not None
    assert seen["call"]["number"] == "+8613800138000"
    assert seen["call"]["shown"] == "13800138000"


def test_queues_are_for_those_who_may_see_the_floor() -> None:
    document = {"queue_id": "q", "waiting": [{"call_id": "c", "number": "13800138000"}]}
    assert Viewer("a1", floor=False, unmasked=False, key=KEY).queue(document) is None
    seen = Viewer("a1", floor=True, unmasked=False, key=KEY).queue(document)
    assert seen is not None
    assert seen["waiting"][0]["shown"] == "138****8000"


@pytest.mark.parametrize(
    ("number", "shown"),
    [("13800138000", "138****8000"), ("+8613800138000", "+86138****8000"), ("1001", "1001"), ("95588", "95588"),
     ("01065529988", "010****9988"), ("", "")],
)  # fmt: skip
def test_masking_keeps_extensions_and_short_numbers(number: str, shown: str) -> None:
    assert mask(number) == shown


def test_a_number_token_says_nothing_and_cannot_be_made_up() -> None:
    token = seal("13800138000", KEY)
    assert "138" not in token
    assert unseal(token, KEY) == "13800138000"
    changed = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    for forged in (changed, "~", "~AAAA", "~" + "A" * 64, "~ü"):
        with pytest.raises(BadRequest):
            unseal(forged, KEY)
    with pytest.raises(BadRequest):
        unseal(token, b"other" * 8)


# ---------------------------------------------------------------- the live stream


class Stream:
    """``/events`` as a browser reads it."""

    def __init__(self, client: FlaskClient) -> None:
        self.answer = client.get("/events", buffered=False)
        assert self.answer.status_code == 200, self.answer.text
        self.chunks = iter(self.answer.response)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.answer.close()

    def next(self) -> tuple[str, Any]:
        chunk = next(self.chunks)
        text = chunk.decode() if isinstance(chunk, bytes) else chunk
        lines = dict(line.partition(": ")[::2] for line in text.strip().splitlines())
        return (lines["event"], json.loads(lines["data"])) if "event" in lines else ("", None)

    def until(self, kind: str, wanted: Any = lambda _d: True) -> Any:
        for _ in range(100):
            got, document = self.next()
            if got == kind and wanted(document):
                return document
        raise AssertionError(f"no {kind}")


def test_the_stream_begins_with_everything_and_goes_on_with_changes(site: Site) -> None:
    client = site.client("agent1")
    with Stream(client) as stream:
        assert stream.answer.mimetype == "text/event-stream"
        assert "Content-Encoding" not in stream.answer.headers
        assert stream.until("centre")["engine"] is True
        assert stream.until("agent")["state"] == "loggedOff"
        assert stream.until("whole")["now"] > 0
        site.engine.on_duty("1001")
        assert stream.until("agent", lambda d: d["state"] == "ready")["number"] == "1001"


def test_a_supervisor_hears_of_queues_and_everybody(site: Site) -> None:
    with Stream(site.client("supervisor")) as stream:
        numbers = set()
        while (item := stream.next())[0] != "whole":
            if item[0] == "agent":
                numbers.add(item[1]["number"])
        assert numbers == {"1001", "1002", "1003", "1004", "1005", "1100"}
        site.engine.call_in("13800000001")
        waiting = stream.until("queue", lambda d: d["waiting"])["waiting"]
        assert waiting[0]["shown"] == "13800000001"


def test_the_stream_tells_when_the_engine_is_gone_and_back(site: Site) -> None:
    with Stream(site.client("agent1")) as stream:
        stream.until("whole")
        site.engine.stop()
        stream.until("centre", lambda d: not d["engine"])
        site.engine.start()
        stream.until("centre", lambda d: d["engine"])
        stream.until("whole")


def test_the_stream_tells_of_a_switch_that_is_lost(site: Site) -> None:
    with Stream(site.client("agent1")) as stream:
        stream.until("whole")
        site.engine.cut_switch()
        assert stream.until("centre", lambda d: not d["switches"][0]["up"])["engine"]


def test_streams_end_when_the_site_ends(site: Site) -> None:
    with Stream(site.client("agent1")) as stream:
        stream.until("whole")
        threading.Timer(0.05, site.app.extensions["callyard_hub"].close).start()
        for _chunk in stream.chunks:
            pass


def test_more_streams_than_threads_are_refused_in_words(site: Site) -> None:
    site.settings.web_threads = 40
    client = site.client("agent1")
    streams = [Stream(client) for _ in range(8)]
    try:
        for stream in streams:
            stream.next()
            stream.until("whole")
        assert client.get("/events").status_code == 503
    finally:
        for stream in streams:
            stream.answer.close()
    with Stream(client) as again:
        again.until("whole")


def test_a_browser_that_does_not_read_is_dropped(site: Site) -> None:
    hub: EventHub = site.app.extensions["callyard_hub"]
    slow = hub.join()
    for _ in range(MAILBOX + 1):
        hub._take("cy.evt.agent.a1", {"agent_id": "a1"})
    assert slow.ended
    assert hub.dropped == 1
    assert hub.open == 0


def test_a_stream_beats_also_while_there_is_news_for_others_only(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BEAT", 0.1)
    hub: EventHub = site.app.extensions["callyard_hub"]
    heard = threading.Event()

    def news_of_others() -> None:
        for _ in range(150):
            hub._take("cy.evt.agent.other", {**DOCUMENT, "agent_id": "other"})
            if heard.wait(0.02):
                return

    with Stream(site.client("agent1")) as stream:
        stream.until("whole")
        news = threading.Thread(target=news_of_others)
        news.start()
        stream.until("beat")
        assert news.is_alive(), "only when there was no news any more"
        heard.set()
        news.join()


def test_a_user_without_rights_to_the_stream_is_sent_away(site: Site) -> None:
    assert site.client().get("/events").status_code == 401


def test_an_ended_reader_says_so() -> None:
    reader = Reader()
    reader.end()
    assert reader.take(1.0) is None
    assert reader.ended


# ---------------------------------------------------------------- which phone


def test_with_the_simulator_alone_no_browser_phone_is_offered(tmp_path: Any) -> None:
    made = Site(tmp_path, phone=PhoneKind.WEB, switch_name="sim")
    try:
        assert made.client("agent1").get("/desktop/phone").json == {
            "ok": True, "kind": "sip", "device": "1001-web", "simulated": True, "outside": "",
        }  # fmt: skip
    finally:
        made.close()
