"""Trunks as either switch is told of them: the same account, codecs and addresses, and no value that breaks out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.settings import Settings
from cti.switch_settings import GATEWAY_HOST, SwitchSettings
from dialplan import freeswitch_render, render
from dialplan.escape import UnsafeValue
from dialplan.trunks import carried_by, trunks
from tests.unit.test_dialplan import sections

ACCOUNT: dict[str, Any] = {
    "id": "c1",
    "name": "Carrier",
    "host": "sip.example.org",
    "port": 5080,
    "transport": "tcp",
    "outbound_proxy": "proxy.example.org:5070",
    "username": "8675309",
    "secret": "s3cret;pw",
    "register": True,
    "auth_user": "auth-1",
    "realm": "example.org",
    "expiry": 120,
    "codecs": ["g722", "alaw"],
    "dtmf": "info",
    "ping": True,
    "sources": ["192.0.2.0/24", "2001:db8::/64"],
    "did_from": "to",
    "caller_in": "pai",
}
PEER: dict[str, Any] = {"id": "p1", "name": "Exchange", "host": "192.0.2.9", "did_from": "fixed", "did_fixed": "8000"}
OLD: dict[str, Any] = {"id": "o1", "name": "Old", "host": "198.51.100.1", "port": 5060, "username": "", "secret": ""}


@pytest.fixture
def switch(tmp_path: Path) -> SwitchSettings:
    return Settings(var=tmp_path, ami_secret="manager-secret").switches()[0]


@pytest.fixture
def freeswitch(tmp_path: Path) -> SwitchSettings:
    return Settings(var=tmp_path, switch="freeswitch", esl_password="socket-secret").switches()[0]


def asterisk(switch: SwitchSettings, *rows: dict[str, Any]) -> dict[str, str]:
    """The bodies of the sections of trunk ``c1`` (or the first), by kind."""
    files = render.render(switch, {"agents": [], "trunks": list(rows)})
    render.check(files)
    found = {}
    for body in sections(files["pjsip_trunks.conf"], f"trunk-{rows[0]['id']}"):
        kind = re.search(r"^type = (\w+)", body, re.M)
        found[kind[1] if kind else ("endpoint" if "aors =" in body else "aor")] = body
    return found


def sofia(switch: SwitchSettings, *rows: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Parameters and variables of the gateway of the first of ``rows``."""
    files = freeswitch_render.render(switch, {"agents": [], "trunks": list(rows)}, resolve=lambda _: ["203.0.113.1"])
    freeswitch_render.check(files)
    root = ElementTree.fromstring(files["sofia.xml"])
    gateway = next(g for g in root.iter("gateway") if g.get("name") == f"trunk-{rows[0]['id']}")
    return (
        {p.get("name", ""): p.get("value", "") for p in gateway.iter("param")},
        {v.get("name", ""): v.get("value", "") for v in gateway.iter("variable")},
    )


def test_an_account_on_asterisk(switch: SwitchSettings) -> None:
    found = asterisk(switch, ACCOUNT)
    for line in (
        "server_uri = sip:sip.example.org:5080\\;transport=tcp",
        "client_uri = sip:8675309@sip.example.org:5080",
        "contact_user = s",
        "transport = transport-tcp",
        "outbound_proxy = sip:proxy.example.org:5070\\;transport=tcp\\;lr",
        "expiration = 120",
    ):
        assert f"{line}\n" in found["registration"]
    assert "username = auth-1\npassword = s3cret\\;pw\nrealm = example.org\n" in found["auth"]
    for line in (
        "allow = g722,alaw",
        "dtmf_mode = info",
        "from_user = 8675309",
        "from_domain = sip.example.org",
        "send_pai = yes",
        "set_var = CY_DID=to",
    ):
        assert f"{line}\n" in found["endpoint"]
    assert "qualify_frequency = 30\n" in found["aor"]
    assert re.findall(r"match = (.*)", found["identify"]) == ["192.0.2.0/24", "2001:db8::/64"]


def test_an_account_on_freeswitch(freeswitch: SwitchSettings) -> None:
    parameters, variables = sofia(freeswitch, ACCOUNT)
    wanted = {
        "proxy": "sip.example.org:5080",
        "outbound-proxy": "proxy.example.org:5070",
        "register-proxy": "proxy.example.org:5070",
        "realm": "example.org",
        "from-domain": "sip.example.org",
        "username": "8675309",
        "auth-username": "auth-1",
        "password": "s3cret;pw",
        "register": "true",
        "register-transport": "tcp",
        "expire-seconds": "120",
        "caller-id-in-from": "false",
        "ping": "30",
    }
    assert {name: parameters[name] for name in wanted} == wanted
    quiet = {"media_timeout": "600000", "media_hold_timeout": "3600000"}
    assert variables == {"absolute_codec_string": "G722,PCMA", "dtmf_type": "info", "sip_cid_type": "pid"} | quiet
    files = freeswitch_render.render(freeswitch, {"agents": [], "trunks": [ACCOUNT]})
    assert "mod_spandsp" in files["configuration.xml"]
    assert "cy_did=to" in files["dialplan.xml"]


def test_a_peer_known_by_its_address(switch: SwitchSettings, freeswitch: SwitchSettings) -> None:
    found = asterisk(switch, PEER)
    assert found.keys() == {"aor", "endpoint", "identify"}
    assert "set_var = CY_DID=fixed\nset_var = CY_DID_FIXED=8000\n" in found["endpoint"]
    assert "from_user" not in found["endpoint"]
    assert "send_pai = yes" in found["endpoint"]
    assert "match = 192.0.2.9/32" in found["identify"]
    assert "qualify" not in found["aor"]
    parameters, variables = sofia(freeswitch, PEER)
    assert parameters["caller-id-in-from"] == "true"
    assert "ping" not in parameters
    assert variables["absolute_codec_string"] == "PCMA,PCMU"


def test_a_row_of_the_fewest_fields_is_as_before(switch: SwitchSettings, freeswitch: SwitchSettings) -> None:
    found = asterisk(switch, OLD)
    assert "contact = sip:198.51.100.1:5060\n" in found["aor"]
    assert "allow = alaw,ulaw\n" in found["endpoint"]
    assert "transport = transport-udp\n" in found["endpoint"]
    assert sofia(freeswitch, OLD)[0]["proxy"] == "198.51.100.1:5060"


@pytest.mark.parametrize(
    ("caller_in", "user", "asserted"), [("from", False, False), ("pai", True, True), ("both", False, True)]
)
def test_the_headers_that_show_the_number(
    switch: SwitchSettings, freeswitch: SwitchSettings, caller_in: str, user: bool, asserted: bool
) -> None:
    row = ACCOUNT | {"caller_in": caller_in}
    endpoint = asterisk(switch, row)["endpoint"]
    assert ("from_user = 8675309" in endpoint, "send_pai = yes" in endpoint) == (user, asserted)
    parameters, variables = sofia(freeswitch, row)
    assert (parameters["caller-id-in-from"] == "false", variables["sip_cid_type"] == "pid") == (user, asserted)


def test_tls_is_listened_for_where_a_trunk_wants_it(switch: SwitchSettings, freeswitch: SwitchSettings) -> None:
    for row, there in ((ACCOUNT, False), (ACCOUNT | {"transport": "tls"}, True)):
        rows = {"agents": [], "trunks": [row]}
        assert ("[transport-tls]" in render.render(switch, rows)["pjsip.conf"]) is there
        sofia_text = freeswitch_render.render(freeswitch, rows, resolve=lambda _: [])["sofia.xml"]
        assert ('<param name="tls" value="true"/>' in sofia_text) is there


def test_an_address_belongs_to_one_trunk() -> None:
    rows = [
        {"id": "wide", "host": "192.0.2.1", "sources": ["192.0.2.0/24"]},
        {"id": "narrow", "host": "192.0.2.7"},
        {"id": "same", "host": "192.0.2.7"},
        {"id": "here", "host": "127.0.0.1", "port": 5070},
        {"id": "there", "host": "127.0.0.1", "port": 5080, "sources": ["127.0.0.9/32"]},
    ]
    found = {trunk.id: trunk for trunk in trunks(rows, 5060)}
    assert [str(n) for n in found["wide"].networks] == ["192.0.2.0/24"]
    assert [str(n) for n in found["wide"].not_networks] == ["192.0.2.7/32"]
    assert [str(n) for n in found["narrow"].networks] == ["192.0.2.7/32"]
    assert found["same"].networks == ()
    assert [str(n) for n in found["here"].not_networks] == ["127.0.0.9/32"]
    assert "local" not in found


def test_only_the_trunks_a_switch_carries_are_written(switch: SwitchSettings) -> None:
    rows = [PEER | {"switches": ["other"]}, ACCOUNT | {"switches": ["asterisk", "other"]}, OLD | {"switches": []}]
    assert [row["id"] for row in carried_by("asterisk", rows)] == ["c1", "o1"]
    text = render.render(switch, {"agents": [], "trunks": rows})["pjsip_trunks.conf"]
    assert "trunk-p1" not in text
    assert "trunk-c1" in text


HOSTILE: list[dict[str, Any]] = [
    {"host": "a b"},
    {"host": "x;y"},
    {"transport": "sctp"},
    {"outbound_proxy": "proxy:5060;lr>"},
    {"outbound_proxy": "proxy\r\ntype=x"},
    {"outbound_proxy": "proxy:99999"},
    {"username": "a@b"},
    {"auth_user": 'x"/>'},
    {"realm": "${realm}"},
    {"secret": "a blank"},
    {"secret": "with\nline-end"},
    {"register": True, "username": ""},
    {"expiry": 5},
    {"expiry": 10**6},
    {"codecs": ["opus"]},
    {"codecs": ["alaw,!all"]},
    {"dtmf": "auto\n"},
    {"sources": ["0.0.0.0/33"]},
    {"sources": ["10.0.0.1/8"]},
    {"sources": ["127.0.0.1 deny"]},
    {"did_from": "${x}"},
    {"did_from": "fixed", "did_fixed": ""},
    {"did_from": "fixed", "did_fixed": "80;00"},
    {"did_from": "fixed", "did_fixed": "${x}"},
    {"caller_in": "rpid"},
    {"port": -1},
    {"id": "x]"},
]


@pytest.mark.parametrize("change", HOSTILE, ids=str)
def test_what_would_break_a_file_is_refused(
    switch: SwitchSettings, freeswitch: SwitchSettings, change: dict[str, Any]
) -> None:
    rows = {"agents": [], "trunks": [ACCOUNT | change]}
    with pytest.raises(UnsafeValue):
        render.render(switch, rows)
    with pytest.raises(UnsafeValue):
        freeswitch_render.render(freeswitch, rows, resolve=lambda _: [])


@given(
    st.sampled_from(["host", "outbound_proxy", "username", "auth_user", "realm", "did_fixed", "transport", "dtmf"]),
    st.text(min_size=1, max_size=40),
)
def test_any_text_is_refused_or_harmless(field: str, value: str) -> None:
    try:
        (trunk, *_) = trunks([ACCOUNT | {"did_from": "fixed", "did_fixed": "1", field: value}], 5060)
    except UnsafeValue:
        return
    written = "".join(str(part) for part in (trunk.host, trunk.proxy, trunk.username, trunk.auth_user, trunk.realm))
    assert re.fullmatch(r"[A-Za-z0-9_.+\[\]:-]*", written + trunk.did_fixed.replace("*", "").replace("#", ""))


def test_a_gateway_of_ours_that_says_nothing_has_died(switch: SwitchSettings, freeswitch: SwitchSettings) -> None:
    rows = [PEER, {**PEER, "id": "board", "host": GATEWAY_HOST, "sources": [GATEWAY_HOST]}]
    at_asterisk = render.render(switch, {"agents": [], "trunks": rows})["pjsip_trunks.conf"]
    at_freeswitch = "".join(freeswitch_render.render(freeswitch, {"agents": [], "trunks": rows}).values())
    assert re.findall(r"^rtp_timeout = (\d+)$", at_asterisk, re.M) == ["600", "20"]
    assert {"media_timeout=20000", "media_timeout=600000"} <= set(re.findall(r"media_timeout=\d+", at_freeswitch))
