"""The page of voice boards: what the host tells, the plan of the lines, blocking, and who may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask_babel import force_locale

import webui.boards.spans
from cti.domain.dahdi import SpanKind
from cti.domain.errors import EngineUnavailable
from cti.domain.switch.commands import TestCall
from cti.domain.switch.terms import Cause
from cti.provision.found_boards import find_boards
from cti.settings import SwitchChoice
from cti.store.boards import ensure_demo_plan, load_plans
from cti.store.models import Agent, AuditEntry, PhoneKind, Trunk
from cti.store.switchdata import load_switch_rows
from cti.switches.board.wire import command_of
from tests.fakes.site import Site
from tests.pages import browser
from tests.unit.test_dahdi import SPAN_FILES, write
from webui.desktop.texts import bar_texts

HOSTILE = "<script>alert(1)</script>"


def line(number: int, kind: str, **given: Any) -> dict[str, Any]:
    shown = {"state": "idle", "since": 1.0, "dead": False, "blocked": False, "dialed": "", "trunk": "", "device": ""}
    rest = {"level": -20.0, "channel": "", "number": "", "recording": False, "testing": False}
    return {"line": number, "kind": kind, **shown, **rest, **given}


class Host:
    """The board's host on the site's bus; everything else goes to the engine as before."""

    def __init__(self, site: Site) -> None:
        self.lines = [line(0, "trunk"), line(1, "trunk"), line(8, "extension", device="1001")]
        self.asked: list[dict[str, Any]] = []
        self.up = True
        self.calls: list[dict[str, Any]] = []
        self.alarms: list[dict[str, Any]] = []
        bus = site.app.extensions["callyard_bus"]
        ask = bus.request

        def request(subject: str, payload: dict[str, Any], timeout: float = 3.0) -> dict[str, Any]:
            if not subject.startswith("cy.cmd.board."):
                if payload.get("op") in ("publish_config", "apply_switch", "test_call"):
                    self.asked.append(payload)
                    return {"ok": True}
                if payload.get("op") == "calls":
                    return {"ok": True, "calls": self.calls}
                return ask(subject, payload, timeout)
            if not self.up:
                raise EngineUnavailable("nobody answers")
            self.asked.append(payload)
            return {"ok": True, "vendor": "synway", "simulated": True, "alarms": self.alarms, "lines": self.lines}

        bus.request = request


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, phone=PhoneKind.WEB, switch_name="board", switch=SwitchChoice.BOARD, board="sim")
    yield made
    made.close()


@pytest.fixture
def host(site: Site) -> Host:
    return Host(site)


def test_the_lines_are_shown_as_the_host_tells_them_and_harmlessly(site: Site, host: Host) -> None:
    host.lines[0] |= {"state": "connected", "channel": "c", "number": HOSTILE, "recording": True}
    host.lines[1] |= {"dead": True}
    host.lines.append(line(16, "pri", dead=True, alarm="d_channel"))
    page = browser(site, "admin").get("/boards").text
    assert "Connected" in page
    assert "is it plugged in?" in page
    assert "E1 timeslot" in page
    assert "D channel down" in page
    assert HOSTILE not in page
    host.up = False
    assert "does not answer" in browser(site, "admin").get("/boards/board/lines").text


def test_the_plan_is_saved_told_and_checked(site: Site, host: Host) -> None:
    admin = browser(site, "admin")
    assert admin.get("/boards/board/plan").status_code == 200
    good = {"hunt": "first", "dialed-0": "8000", "trunk-0": "local", "device-8": "1002"}
    assert admin.post("/boards/board/plan", data=good).status_code == 303
    with site.sessions() as session:
        plan = load_plans(session)["board"]
        assert plan["hunt"] == "first"
        assert {"line": 0, "dialed": "8000", "trunk": "local", "device": "", "blocked": False} in plan["lines"]
        assert [one["device"] for one in plan["lines"] if one["line"] == 8] == ["1002"]
        assert "board.plan" in {entry.action for entry in session.query(AuditEntry)}
    assert {"op": "publish_config"} in host.asked
    assert admin.post("/boards/board/plan", data={"hunt": "first", "device-8": "9999"}).status_code == 422
    host.lines.append(line(9, "extension"))
    host.lines.append(line(16, "recorder"))
    beside = {"hunt": "first", "device-8": "1001", "device-16": "1001", "dialed-16": "8000"}
    assert admin.post("/boards/board/plan", data=beside).status_code == 303, "another telephone, only listened to"
    twice = admin.post("/boards/board/plan", data={"hunt": "first", "device-8": "1001", "device-9": "1001"})
    assert twice.status_code == 422
    assert "line 8 already" in twice.text


def test_a_line_is_blocked_and_released(site: Site, host: Host) -> None:
    admin = browser(site, "admin")
    for blocked in ("1", "0"):
        assert admin.post("/boards/board/lines/1/block", data={"blocked": blocked}).status_code == 303
        with site.sessions() as session:
            (one,) = (one for one in load_plans(session)["board"]["lines"] if one["line"] == 1)
            assert one["blocked"] is (blocked == "1")
    assert admin.post("/boards/board/lines/77/block", data={"blocked": "1"}).status_code >= 400


def test_test_tone_hands_and_callers_go_to_the_host(site: Site, host: Host) -> None:
    admin = browser(site, "admin")
    admin.post("/boards/board/lines/8/test")
    admin.post("/boards/board/lines/8/hand", data={"what": "lift"})
    admin.post("/boards/board/call", data={"number": "13800138000", "dialed": "8000", "digits": "1"})
    asked = [one for one in host.asked if one["op"] in ("test", "hand", "test_call")]
    assert [(one["op"], one.get("line"), one.get("what")) for one in asked] == [
        ("test", 8, None),
        ("hand", 8, "lift"),
        ("test_call", None, None),
    ]
    for wrong in ({"number": "1;hangup", "dialed": "8000"}, {"number": "138", "dialed": 'x" y'}):
        assert admin.post("/boards/board/call", data=wrong).status_code == 400
    assert admin.post("/boards/board/lines/8/hand", data={"what": "call 1"}).status_code == 400


def test_a_line_that_is_only_listened_to_says_who_calls_whom(site: Site, host: Host) -> None:
    host.lines.append(line(16, "recorder", state="answered", channel="c", incoming=True) | {"number": "13800138000"})
    page = browser(site, "admin").get("/boards/board/lines").text
    assert "Only listened to" in page
    assert "calls in" in page
    host.lines[-1] |= {"incoming": False}
    assert "is called" in browser(site, "admin").get("/boards/board/lines").text


def test_a_gateways_caller_is_asked_of_its_host_for_the_engine_does_not_know_it(tmp_path: Path) -> None:
    site = Site(tmp_path, phone=PhoneKind.WEB, switch_name="asterisk", switch=SwitchChoice.ASTERISK, board="sim")
    try:
        host = Host(site)
        admin = browser(site, "admin")
        admin.post("/boards/board/call", data={"number": "13800138000", "dialed": "8000", "digits": "1"})
        (asked,) = [one for one in host.asked if one["op"] in ("execute", "test_call")]
        command = command_of(asked["command"])
        assert isinstance(command, TestCall)
        assert (command.dialed, command.caller_number, command.digits) == ("8000", "13800138000", "1")
    finally:
        site.close()


def test_supervisors_look_and_agents_do_not(site: Site, host: Host) -> None:
    supervisor, agent = browser(site, "supervisor"), browser(site, "agent1")
    assert supervisor.get("/boards").status_code == 200
    assert supervisor.post("/boards/board/lines/1/block", data={"blocked": "1"}).status_code == 403
    assert agent.get("/boards").status_code == 403
    assert browser(site, "admin").get("/boards/other/lines").status_code == 404


def test_a_new_simulated_board_has_a_plan_once_for_agents_who_have_no_telephone_yet(site: Site) -> None:
    with site.sessions() as session:
        assert ensure_demo_plan(session, "board", 2, 3, alone=True)
        assert not ensure_demo_plan(session, "board", 2, 3)
        assert ensure_demo_plan(session, "e1", 1, 1, 30)
        assert [one["line"] for one in load_plans(session)["e1"]["lines"] if one["trunk"]] == [0, *range(2, 32)]
        assert ensure_demo_plan(session, "taps", 1, 2, 0, 1)
        assert [one["device"] for one in load_plans(session)["taps"]["lines"]] == ["", "1005", "1100", "1005"]
        lines = load_plans(session)["board"]["lines"]
        phones = {agent.number: agent.phone for agent in session.query(Agent)}
    assert (phones["1001"], phones["1005"]) == (PhoneKind.SIP, PhoneKind.WEB)
    assert [(one["line"], one["dialed"], one["device"]) for one in lines] == [
        (0, "8000", ""),
        (1, "8000", ""),
        (2, "", "1001"),
        (3, "", "1002"),
        (4, "", "1003"),
    ]


# ---------------------------------------------------------------- DAHDI boards through Asterisk


@pytest.fixture
def asterisk(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, phone=PhoneKind.WEB, switch_name="asterisk", switch=SwitchChoice.ASTERISK)
    yield made
    made.close()


def test_a_call_on_a_dahdi_line_is_listened_to_by_telephone_where_an_agent_talks(asterisk: Site) -> None:
    host, admin = Host(asterisk), browser(asterisk, "admin")
    spans = "/boards/dahdi-asterisk/spans"
    admin.post(f"{spans}/new?kind=analog", data={"trunk": "lines", "ports": "ooo", "caller_id": "dtmf", "echo": ""})
    host.lines = [line(1, "trunk", channel="c1"), line(2, "trunk", channel="c2"), line(3, "trunk")]

    def leg(channel: str, agent: str, **given: Any) -> dict[str, Any]:
        return {"channel": channel, "agent_id": agent, "ended_at": None, "joined": True, **given}

    talks = [leg("c1", ""), leg("a1", "agent-one"), leg("a2", "agent-two", listens={})]
    host.calls = [{"legs": talks}, {"legs": [leg("c2", ""), leg("a3", "agent-three", joined=False)]}]
    page = admin.get("/boards/dahdi-asterisk/lines").text
    assert page.count("/listen") == 1
    assert "/floor/agents/agent-one/listen" in page


def test_spans_are_added_planned_blocked_and_removed(asterisk: Site) -> None:
    host, admin = Host(asterisk), browser(asterisk, "admin")
    spans = "/boards/dahdi-asterisk/spans"
    assert "No spans yet" in admin.get(spans).text
    assert admin.get(f"{spans}/new?kind=other").status_code == 404
    for kind in SpanKind:
        assert admin.get(f"{spans}/new?kind={kind}").status_code == 200
    bad = admin.post(f"{spans}/new?kind=analog", data={"trunk": "local", "ports": "ooz", "echo": "mg2"})
    assert bad.status_code == 422
    assert "reached by SIP" in bad.text
    assert "at least one in use" in bad.text
    analog = {"name": "TDM410", "trunk": "lines", "ports": "oot-", "caller_id": "dtmf", "echo": ""}
    assert admin.post(f"{spans}/new?kind=analog", data=analog).status_code == 303
    e1 = {"trunk": "lines", "timing": "1", "crc4": "y", "switch_type": "qsig", "echo": "mg2"}
    assert admin.post(f"{spans}/new?kind=pri", data=e1).status_code == 303
    assert {"op": "apply_switch"} in host.asked
    plan = {"hunt": "first", "dialed-1": "8000", "device-3": "1001", "trunk-1": "local"}
    assert admin.post("/boards/dahdi-asterisk/plan", data=plan).status_code == 303
    assert admin.post("/boards/dahdi-asterisk/lines/5/block", data={"blocked": "1"}).status_code == 303
    assert admin.post("/boards/dahdi-asterisk/lines/20/block", data={"blocked": "1"}).status_code >= 400
    with asterisk.sessions() as session:
        (board,) = load_switch_rows(session)["dahdi"]
        trunk = session.get(Trunk, "lines")
        assert trunk is not None
        assert (trunk.host, trunk.switches) == ("dahdi", ["asterisk"])
    assert [one["kind"] for one in board["spans"]] == ["analog", "pri"]
    assert (board["board"], board["hunt"], board["spans"][0]["ports"]) == ("dahdi-asterisk", "first", "oot-")
    assert board["lines"] == [
        {"line": 1, "dialed": "8000", "device": "", "blocked": False},
        {"line": 2, "dialed": "", "device": "", "blocked": False},
        {"line": 3, "dialed": "", "device": "1001", "blocked": False},
        *({"line": n, "dialed": "", "device": "", "blocked": n == 5} for n in range(5, 36) if n != 20),
    ]
    host.lines = [line(1, "trunk", trunk="lines"), line(2, "trunk", dead=True, alarm="Red Alarm")]
    shown = admin.get("/boards").text
    assert "is the cable plugged in?" in shown
    assert "8000" in admin.get("/boards/dahdi-asterisk/lines").text
    host.alarms = [{"span": 2, "alarm": "Red Alarm"}, {"span": 1, "alarm": HOSTILE}]
    alarms = admin.get("/boards/dahdi-asterisk/lines").text
    assert "Span 2: No signal" in alarms
    assert HOSTILE not in alarms
    host.lines = []
    assert "asterisk-dahdi" in admin.get("/boards/dahdi-asterisk/lines").text
    assert admin.post(f"{spans}/1", data=analog | {"ports": "oooo"}).status_code == 303
    assert admin.post(f"{spans}/2/delete").status_code == 303
    assert admin.get(f"{spans}/2").status_code == 404
    assert "oooo" in admin.get(spans).text


def test_the_wizard_says_what_was_found_and_adds_it_by_one_press(
    asterisk: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Host(asterisk)
    admin, root = browser(asterisk, "admin"), tmp_path / "machine"
    monkeypatch.setattr(webui.boards.spans, "find_boards", lambda: find_boards(root))
    nothing = admin.get("/boards/find").text
    assert "No board, no DAHDI driver" in nothing
    assert "CALLYARD_BOARD=sim" in nothing
    write(root, {f"proc/dahdi/{name}": text for name, text in SPAN_FILES.items()})
    write(
        root,
        {"usr/lib/libshpa3.so": "", "sys/bus/pci/devices/a/vendor": "0xd161", "sys/bus/pci/devices/a/device": "0x8005"},
    )
    page = admin.get("/boards/find").text
    for word in ("Digium", "Wildcard TDM410P", "Add what was found: 2", "CALLYARD_BOARD=synway"):
        assert word in page
    asterisk.app.extensions["callyard_settings"].board = "sim"
    assert "[[board]]" in admin.get("/boards/find").text
    for _ in range(2):
        assert admin.post("/boards/dahdi-asterisk/spans/found").status_code == 303
    with asterisk.sessions() as session:
        (board,) = load_switch_rows(session)["dahdi"]
    assert [one["kind"] for one in board["spans"]] == ["analog", "pri"]
    assert browser(asterisk, "supervisor").get("/boards/find").status_code == 403


@pytest.mark.parametrize("locale", ["en", "zh_CN"])
def test_an_agent_is_told_in_words_why_a_line_reached_nobody(site: Site, locale: str) -> None:
    with site.app.test_request_context(), force_locale(locale):
        told = {cause: bar_texts()[f"notice.dial_{cause}"] for cause in Cause if f"notice.dial_{cause}" in bar_texts()}
        general = bar_texts()["notice.dial"]
    on_a_line = {Cause.BUSY, Cause.NO_ANSWER, Cause.CONGESTION, Cause.MEDIA_LOST, Cause.UNREACHABLE}
    assert on_a_line <= set(told)
    assert len({*told.values(), general}) == len(told) + 1
    assert all(text.isascii() == (locale == "en") for text in told.values())
