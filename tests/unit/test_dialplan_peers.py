"""The lines between the switches of one centre, rendered for both kinds."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cti.provision.switches import switch_named
from cti.settings import SwitchChoice, load_settings
from cti.switch_settings import Peer, SwitchSettings
from dialplan import freeswitch_render, render
from dialplan.escape import UnsafeValue

SECRET = "a-secret-of-the-two"
ROWS = {
    "agents": [{"number": "1001", "name": "One", "sip_secret": "password-1", "web_secret": "password-2"}],
    "trunks": [],
}


@pytest.fixture
def switch(tmp_path: Path) -> SwitchSettings:
    settings = load_settings(tmp_path)
    settings.switch = SwitchChoice.ASTERISK
    return replace(switch_named(settings), name="east", peers=(Peer("west", "192.0.2.7", 5070, SECRET),))


def test_asterisk_knows_its_peer_by_secret_and_address_alone(switch: SwitchSettings) -> None:
    files = render.render(switch, ROWS)
    render.check(files)
    text = files["pjsip.conf"]
    assert "contact = sip:192.0.2.7:5070" in text
    assert "from_user = switch-east" in text
    assert re.search(r"deny = 0\.0\.0\.0/0\ndeny = ::/0\npermit = 192\.0\.2\.7\n", text)
    assert text.count(f"password = {SECRET}") == 2
    assert "systemname = east" in files["asterisk.conf"]
    assert "app_dial.so" in files["modules.conf"]


def test_a_peer_reaches_phones_and_nothing_else(switch: SwitchSettings) -> None:
    plan = render.render(switch, ROWS)["extensions.conf"]
    context = plan.split("[callyard-switch]")[1].split("\n[")[0]
    assert re.findall(r"^exten => ([^,]+),1", context, re.M) == ["phone-1001", "phone-1001-web", "ring"]
    assert "AGI" not in context
    root = ElementTree.fromstring(freeswitch_render.render(switch, ROWS)["dialplan.xml"])
    (ours,) = [c for c in root.iter("context") if c.get("name") == "callyard-switch"]
    numbers = {c.get("expression") for c in ours.iter("condition") if c.get("field") == "destination_number"}
    assert numbers == {r"^phone-(1001|1001\-web)$", "^over$"}
    applications = {a.get("application") for a in ours.iter("action")}
    assert applications == {"export", "set", "bridge", "transfer", "hangup"}


def test_freeswitch_knows_its_peer_by_secret_and_address_alone(switch: SwitchSettings) -> None:
    files = freeswitch_render.render(switch, ROWS)
    freeswitch_render.check(files)
    users = ElementTree.fromstring(files["directory.xml"])
    (user,) = [u for u in users.iter("user") if u.get("id") == "switch-west"]
    assert {v.get("name"): v.get("value") for v in user.iter("variable")} == {"user_context": "callyard-switch"}
    (gateway,) = [g for g in ElementTree.fromstring(files["sofia.xml"]).iter("gateway") if "west" in g.get("name", "")]
    values = {p.get("name"): p.get("value") for p in gateway.iter("param")}
    assert (values["username"], values["password"], values["proxy"]) == ("switch-east", SECRET, "192.0.2.7:5070")
    plan = ElementTree.fromstring(files["dialplan.xml"])
    (context,) = [c for c in plan.iter("context") if c.get("name") == "callyard-switch"]
    patterns = [c.get("expression", "") for c in context.iter("condition") if c.get("field") == "network_addr"]
    assert [bool(re.fullmatch(patterns[0], a)) for a in ("192.0.2.7", "192.0.2.70", "192x0x2x7")] == [
        True,
        False,
        False,
    ]


def test_one_switch_alone_has_nothing_of_it(switch: SwitchSettings) -> None:
    alone = replace(switch, peers=())
    for files in (render.render(alone, ROWS), freeswitch_render.render(alone, ROWS)):
        text = "\n".join(files.values())
        assert "callyard-switch" not in text
        assert "switch-" not in text
        assert "systemname" not in text
        assert "app_dial" not in text


@pytest.mark.parametrize(
    "peer",
    [
        Peer("we\nst", "192.0.2.7", 5070, SECRET),
        Peer("west]", "192.0.2.7", 5070, SECRET),
        Peer("west", "192.0.2.7;x", 5070, SECRET),
        Peer("west", "192.0.2.7", 0, SECRET),
        Peer("west", "192.0.2.7", 5070, "short"),
        Peer("west", "192.0.2.7", 5070, "line\nend-in-it"),
    ],
)
def test_what_could_change_the_configuration_is_refused(switch: SwitchSettings, peer: Peer) -> None:
    for renderer in (render.render, freeswitch_render.render):
        with pytest.raises(UnsafeValue):
            renderer(replace(switch, peers=(peer,)), ROWS)
