"""Several switches on the site: where browser phones register, what an administrator sees, test calls by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cti.domain.switch.commands import TestCall
from cti.settings import Settings, SwitchChoice
from cti.store.models import PhoneKind
from cti.switch_settings import BadSwitches
from dialplan.releases import Releases
from tests.fakes.site import Site
from tests.pages import browser
from webui.common.hub import EventHub
from webui.common.websockets import websockets

BRANCH = (
    '[[switch]]\nname = "branch"\nkind = "asterisk"\nhost = "192.0.2.5"\nsecret = "s3cret"\nsip_ws_port = 8099\n'
    '[[switch]]\nname = "carrier"\nkind = "freeswitch"\nhost = "192.0.2.6"\nsecret = "s3cret"\nsip_ws_port = 0\n'
)


def with_branches(folder: Path) -> Path:
    path = folder / "more.toml"
    path.write_text(BRANCH, encoding="utf-8")
    return path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(
        tmp_path,
        phone=PhoneKind.WEB,
        switch_name="asterisk",
        switch=SwitchChoice.BOTH,
        switches_file=with_branches(tmp_path),
        web_phone_switch="freeswitch",
    )
    yield made
    made.close()


def test_a_browser_phone_is_told_every_websocket_in_order(site: Site) -> None:
    answer = browser(site, "agent1").get("/desktop/phone")
    assert answer.json["sockets"] == [
        {"name": "freeswitch", "url": "ws://localhost:8089/ws"},
        {"name": "asterisk", "url": "ws://localhost:8088/ws"},
        {"name": "branch", "url": "ws://192.0.2.5:8099/ws"},
    ]
    policy = answer.headers["Content-Security-Policy"]
    assert "connect-src 'self' ws://localhost:8089 ws://localhost:8088 ws://192.0.2.5:8099;" in policy


def test_behind_tls_each_switch_has_a_path_of_its_own(site: Site) -> None:
    client = browser(site, "agent1")
    with client.get("/desktop/phone", base_url="https://calls.example.org") as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "connect-src 'self' wss://calls.example.org;" in policy
    with site.app.test_request_context("/", base_url="https://calls.example.org"):
        found = [one.address() for one in site.app.extensions["callyard_websockets"]]
    assert found == [f"wss://calls.example.org/ws{path}" for path in ("/freeswitch", "", "/branch")]


def test_an_address_that_was_set_is_told_as_it_is(tmp_path: Path) -> None:
    settings = Settings(
        var=tmp_path, switch=SwitchChoice.BOTH, sip_ws_url="wss://a.example.org/ws", freeswitch_sip_ws_url="wss://f/ws"
    )
    assert [(one.address(), one.origin()) for one in websockets(settings)] == [
        ("wss://a.example.org/ws", "wss://a.example.org"),
        ("wss://f/ws", "wss://f"),
    ]


def test_a_web_phone_switch_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSwitches, match="CALLYARD_WEB_PHONE_SWITCH=elsewhere"):
        websockets(Settings(var=tmp_path, web_phone_switch="elsewhere"))


@pytest.mark.parametrize(("who", "status"), [("agent1", 403), ("supervisor", 403), ("admin", 200)])
def test_who_may_see_the_switches(site: Site, who: str, status: int) -> None:
    for path in ("/admin/switches", "/admin/switches/status"):
        assert browser(site, who).get(path).status_code == status


def test_each_switch_is_shown_with_its_link_and_its_release(site: Site) -> None:
    (asterisk, *_) = site.settings.switches()
    Releases(asterisk.home, ".conf").put({"pjsip.conf": "[global]\n"})
    page = browser(site, "admin").get("/admin/switches").text
    rows = {name: page.split(f'data-switch="{name}"')[1].split("</tr>")[0] for name in ("asterisk", "branch")}
    assert 'data-up="true"' in rows["asterisk"]
    assert "00000001" in rows["asterisk"]
    assert 'data-up=""' in rows["branch"], "the engine does not know it yet"
    assert "192.0.2.5:5038" in rows["branch"]
    assert "s3cret" not in page
    site.engine.cut_switch()
    lost = told(site, lambda switch: not switch["up"])
    page = browser(site, "admin").get("/admin/switches/status").text
    assert lost["name"] == "asterisk"
    assert 'data-up="false"' in page.split('data-switch="asterisk"')[1].split("</tr>")[0]


def told(site: Site, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What the site knows of a switch, when it is as wanted."""
    hub: EventHub = site.app.extensions["callyard_hub"]
    site.engine.until(lambda: any(map(fits, hub.centre()["switches"])), "the site is told")
    return next(filter(fits, hub.centre()["switches"]))


def test_a_test_call_comes_in_at_the_switch_that_was_chosen(site: Site) -> None:
    client = browser(site, "agent1")
    assert 'name="switch"' not in client.get("/testcall").text, "nothing to choose from"
    both = [{"name": "asterisk", "up": True, "since": 1.0}, {"name": "freeswitch", "up": True, "since": 1.0}]
    site.engine.tell("cy.evt.centre", {"switches": both, "config_version": 1})
    told(site, lambda switch: switch["name"] == "freeswitch")
    form = {"dialed": "8001", "caller": "known", "digits": ""}
    assert client.post("/testcall", data=form | {"switch": "asterisk"}).status_code == 200
    site.engine.until(lambda: calls_placed(site), "the test call is placed")
    assert client.post("/testcall", data=form | {"switch": "freeswitch"}).status_code == 400, "the engine has no such"
    assert client.post("/testcall", data=form | {"switch": "elsewhere"}).status_code == 422
    assert calls_placed(site) == 1


def calls_placed(site: Site) -> int:
    return sum(isinstance(command, TestCall) for command in list(site.engine.sim.commands))
