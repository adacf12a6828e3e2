"""What our FreeSWITCH is given to load: well formed, no hole for a name or password, put in force and taken back."""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cti.provision import freeswitch
from cti.provision.apt import ProvisionFailed
from cti.provision.switches import switch_named
from cti.settings import Settings, SwitchChoice, SwitchSettings
from dialplan import freeswitch_deploy, which
from dialplan.escape import UnsafeValue
from dialplan.freeswitch_render import FILES, check, render
from dialplan.releases import NothingToRollBack
from dialplan.render import BadDialplan

AGENT = {"number": "1001", "name": "张伟 Demo", "sip_secret": "secret-1001", "web_secret": "secret&<web>"}
CARRIER = {"id": "c1", "name": "Carrier", "host": "192.0.2.7", "port": 5070, "username": "u1", "secret": "s3cretpw"}


@pytest.fixture
def switch(tmp_path: Path) -> SwitchSettings:
    return switch_named(Settings(var=tmp_path / "var", switch=SwitchChoice.FREESWITCH, esl_host=""))


def rows(*agents: dict[str, Any], trunks: tuple[dict[str, Any], ...] = ()) -> dict[str, list[dict[str, Any]]]:
    return {"agents": list(agents), "trunks": list(trunks)}


def parsed(files: dict[str, str], name: str) -> ElementTree.Element:
    return ElementTree.fromstring(files[name])


def parameters(element: ElementTree.Element) -> dict[str, str]:
    return {p.get("name", ""): p.get("value", "") for p in element.iter("param")}


def gates(context: ElementTree.Element) -> list[tuple[str, str]]:
    """Networks that calls may come from, each with the trunk it is taken for, in the order they are tried."""
    found = []
    for extension in context.iter("extension"):
        for condition in extension.iter("condition"):
            if network := re.fullmatch(r"\$\{acl\(\$\{network_addr\} (\S+)\)\}", condition.get("field", "")):
                assert condition.get("expression") == "^true$"
                found.append((network[1], extension.get("name", "")))
    return found


def test_phones_trunk_and_event_socket_are_there(switch: SwitchSettings) -> None:
    files = render(switch, rows(AGENT, trunks=(CARRIER,)))
    check(files)
    users = {u.get("id"): parameters(u)["password"] for u in parsed(files, "directory.xml").iter("user")}
    assert users == {"1001": "secret-1001", "1001-web": "secret&<web>"}
    gateways = {g.get("name"): parameters(g) for g in parsed(files, "sofia.xml").iter("gateway")}
    assert gateways.keys() == {"trunk-c1", "trunk-local"}
    assert gateways["trunk-c1"]["proxy"] == "192.0.2.7:5070"
    assert gateways["trunk-local"]["proxy"] == f"127.0.0.1:{switch.sip_port}"
    (event_socket,) = (
        c for c in parsed(files, "configuration.xml").iter("configuration") if c.get("name") == "event_socket.conf"
    )
    assert parameters(event_socket)["listen-ip"] == "127.0.0.1"
    assert len(parameters(event_socket)["password"]) >= 32


def test_copies_of_sip_messages_go_to_this_machine_and_only_when_asked_for(switch: SwitchSettings) -> None:
    for bind in ("127.0.0.1", "0.0.0.0"):
        profile = parameters(parsed(render(replace(switch, bind=bind)), "sofia.xml"))
        assert profile["capture-server"] == f"udp:127.0.0.1:{switch.port};hep=1"
        assert "sip-capture" not in profile


def test_nothing_a_caller_fills_is_named_in_the_dialplan(switch: SwitchSettings) -> None:
    """FreeSWITCH expands variables inside variables; only what the driver sets may be expanded."""
    files = render(switch, rows(AGENT, trunks=(CARRIER,)))
    found = set(re.findall(r"\$\{(\w+)", "".join(files.values())))
    assert found == {"cy_test_max", "cy_test_wait", "cy_test_digits", "acl", "network_addr", "sip_via_protocol"}


def test_no_call_can_be_taken_by_naming_it(switch: SwitchSettings) -> None:
    """FreeSWITCH looks for these where a channel does not have them."""
    settings = parsed(render(switch, rows(AGENT)), "freeswitch.xml").iter("X-PRE-PROCESS")
    assert {"intercept_unanswered_only=true", "intercept_unbridged_only=true"} <= {s.get("data") for s in settings}


def test_a_trunk_is_known_by_its_address_alone(switch: SwitchSettings) -> None:
    named = CARRIER | {"id": "c2", "host": "sip.example.org"}
    nowhere = CARRIER | {"id": "c3", "host": "nowhere.example.org"}
    known = {"sip.example.org": ["192.0.2.9", "2001:db8::9"]}
    files = render(switch, rows(AGENT, trunks=(CARRIER, named, nowhere)), resolve=lambda host: known.get(host, []))
    check(files)
    gate = next(c for c in parsed(files, "dialplan.xml").iter("context") if c.get("name") == "callyard-gate")
    assert gates(gate) == [
        ("2001:db8::9/128", "trunk-c2-1"),
        ("::1/128", "trunk-local-2"),
        ("192.0.2.7/32", "trunk-c1-3"),
        ("192.0.2.9/32", "trunk-c2-4"),
        ("127.0.0.0/8", "trunk-local-5"),
    ]
    first = next(gate.iter("extension"))
    assert first.get("name") == "phone"
    assert re.fullmatch(next(first.iter("condition")).get("expression", "").strip("^$"), "1001-web")


def test_an_ipv4_address_is_in_no_ipv6_network(switch: SwitchSettings) -> None:
    """FreeSWITCH finds 1.2.18.253 in fd12::/16."""
    six = CARRIER | {"sources": ["fd12::/16"]}
    gate = next(parsed(render(switch, rows(trunks=(six,))), "dialplan.xml").iter("context"))
    families = {}
    for extension in gate.iter("extension"):
        fields = {c.get("field", ""): c.get("expression", "") for c in extension.iter("condition")}
        if network := next((field.split()[1].rstrip(")}") for field in fields if "acl(" in field), ""):
            families[network] = fields["network_addr"]
    for address, own in (("1.2.18.253", "127.0.0.0/8"), ("::ffff:127.0.0.1", "127.0.0.0/8"), ("fd12::1", "fd12::/16")):
        found = [network for network, family in families.items() if re.search(family, address)]
        assert own in found
        assert {":" in network for network in found} == {":" in own}


@pytest.mark.parametrize(
    "change",
    [
        {"sip_secret": "with\nline-end"},
        {"sip_secret": "with$${var}dollar"},
        {"sip_secret": "short"},
        {"number": '1"/><user id="x'},
        {"number": "${x}"},
    ],
)
def test_a_hostile_agent_is_refused(switch: SwitchSettings, change: dict[str, str]) -> None:
    with pytest.raises(UnsafeValue):
        render(switch, rows(AGENT | change))


@pytest.mark.parametrize(
    "change", [{"host": "x;y"}, {"host": "$${x}"}, {"id": "a b"}, {"username": "a'b"}, {"port": 99999}]
)
def test_a_hostile_trunk_is_refused(switch: SwitchSettings, change: dict[str, Any]) -> None:
    with pytest.raises(UnsafeValue):
        render(switch, rows(AGENT, trunks=(CARRIER | change,)), resolve=lambda _: [])


@pytest.mark.parametrize("folder", ["with blank", "with$dollar", "with!mark"])
def test_a_folder_freeswitch_would_misread_is_refused(switch: SwitchSettings, tmp_path: Path, folder: str) -> None:
    with pytest.raises(UnsafeValue):
        render(replace(switch, home=tmp_path / folder), rows(AGENT))


def test_what_is_not_well_formed_is_not_put_in_force(switch: SwitchSettings) -> None:
    files = render(switch, rows(AGENT))
    with pytest.raises(BadDialplan, match=r"sofia\.xml"):
        check(files | {"sofia.xml": "<include>"})
    with pytest.raises(BadDialplan, match="missing"):
        check({name: text for name, text in files.items() if name != "dialplan.xml"})
    with pytest.raises(BadDialplan, match="two of user"):
        check(render(switch, rows(AGENT, AGENT)))


def test_apply_and_roll_back(switch: SwitchSettings) -> None:
    first = which.apply(switch, rows(AGENT))
    assert set(first.changed) == set(FILES)
    assert which.apply(switch, rows(AGENT)).changed == ()
    second = which.apply(switch, rows(AGENT, trunks=(CARRIER,)))
    assert set(second.changed) == {"sofia.xml", "dialplan.xml"}
    etc = switch.home / "etc"
    assert "trunk-c1" in (etc / "sofia.xml").read_text()
    assert (etc / "sofia.xml").stat().st_mode & 0o077 == 0
    assert which.rollback(switch).release == first.release
    assert "trunk-c1" not in (etc / "sofia.xml").read_text()
    with pytest.raises(NothingToRollBack):
        which.rollback(switch)


def test_a_trunk_that_changed_is_taken_down_first(switch: SwitchSettings) -> None:
    other = CARRIER | {"id": "c2"}
    before = render(switch, rows(trunks=(CARRIER, other)))["sofia.xml"]
    after = render(switch, rows(trunks=(CARRIER | {"port": 5080}, other)))["sofia.xml"]
    assert freeswitch_deploy.trunks_to_take_down(before, after) == ["trunk-c1"]
    assert freeswitch_deploy.trunks_to_take_down("", after) == []


def test_what_only_a_start_reads_waits_for_it(switch: SwitchSettings) -> None:
    """The first trunk by TLS makes the profile listen for it."""
    which.apply(switch, rows(AGENT, trunks=(CARRIER,)))
    assert which.apply(switch, rows(AGENT, trunks=(CARRIER | {"transport": "tls"},))).restart == ("sofia.xml",)
    assert which.apply(switch, rows(AGENT, trunks=(CARRIER | {"transport": "tls", "port": 1},))).restart == ()


def test_our_running_freeswitch_is_told(switch: SwitchSettings) -> None:
    heard: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        switch = replace(switch, port=server.getsockname()[1])

        def serve() -> None:
            connection, _ = server.accept()
            with connection, connection.makefile("rwb") as stream:
                stream.write(b"Content-Type: auth/request\n\n")
                stream.flush()
                while line := stream.readline():
                    stream.readline()
                    heard.append(line.decode().strip())
                    if line.startswith(b"auth"):
                        stream.write(b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n")
                    else:
                        stream.write(b"Content-Type: api/response\nContent-Length: 4\n\n+OK\n")
                    stream.flush()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        applied = which.apply(switch, rows(AGENT, trunks=(CARRIER,)))
        thread.join(5)
    assert heard[0] == f"auth {switch.secret}"
    assert applied.reloaded == ("reloadxml", "sofia profile callyard rescan")
    assert applied.restart == ("configuration.xml",)


def test_a_freeswitch_that_is_not_there_is_told(switch: SwitchSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FREESWITCH_BIN", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(freeswitch, "USUAL_PLACE", Path("/nowhere"))
    assert freeswitch.find_freeswitch(switch) is None
    with pytest.raises(ProvisionFailed, match="CALLYARD_FREESWITCH_BIN"):
        freeswitch.require_freeswitch(switch)
    with pytest.raises(ProvisionFailed, match="no such program"):
        freeswitch.find_freeswitch(replace(switch, program="/nowhere/freeswitch"))


def test_there_is_music_without_any_recording(switch: SwitchSettings) -> None:
    freeswitch.prepare_freeswitch_home(switch)
    (piece,) = (switch.home / "moh").iterdir()
    assert piece.stat().st_size > 100_000
    freeswitch.prepare_freeswitch_home(switch)
