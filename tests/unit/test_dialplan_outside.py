"""Switches behind NAT: what those outside are told, and what everybody else."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cti.settings import Settings, SwitchChoice
from cti.switch_settings import SwitchSettings
from dialplan import freeswitch_render, render
from dialplan.escape import UnsafeValue
from dialplan.outside import Outside, outside_of

SHOWN, OWN = "198.51.100.7", "192.168.5.10"


@pytest.fixture(params=[SwitchChoice.ASTERISK, SwitchChoice.FREESWITCH])
def switch(request: pytest.FixtureRequest, tmp_path: Path) -> SwitchSettings:
    settings = Settings(
        var=tmp_path, bind=OWN, external_address=SHOWN, switch=request.param, local_networks="10.0.0.0/8"
    )
    return dataclasses.replace(settings.switches()[0], secret="a-secret-of-ours")


def files(switch: SwitchSettings) -> dict[str, str]:
    module = render if switch.name == "asterisk" else freeswitch_render
    found = module.render(switch)
    module.check(found)
    return found


def test_who_is_outside_is_told_another_address(switch: SwitchSettings) -> None:
    found = files(switch)
    if switch.name == "asterisk":
        lines = found["pjsip.conf"].splitlines()
        transports = found["pjsip.conf"].count("type = transport")
        for line in (
            f"external_signaling_address = {SHOWN}",
            f"external_media_address = {SHOWN}",
            "local_net = 127.0.0.0/8",
            f"local_net = {OWN}/32",
            "local_net = 10.0.0.0/8",
        ):
            assert lines.count(line) == transports, line
        assert f"[ice_host_candidates]\n{OWN} => {SHOWN},include_local_address\n" in found["rtp.conf"]
    else:
        given = {p.get("name"): p.get("value") for p in ElementTree.fromstring(found["sofia.xml"]).iter("param")}
        assert (given["ext-sip-ip"], given["ext-rtp-ip"]) == (SHOWN, SHOWN)
        nets = ElementTree.fromstring(found["configuration.xml"]).findall(
            f".//list[@name='{given['local-network-acl']}']/node"
        )
        assert [node.get("cidr") for node in nets] == ["127.0.0.0/8", f"{OWN}/32", "10.0.0.0/8"]


def test_without_an_outside_address_everybody_is_told_the_same(switch: SwitchSettings) -> None:
    text = "".join(files(dataclasses.replace(switch, external_address="")).values())
    assert not [word for word in ("external_media", "ice_host", "ext-rtp", "callyard-local") if word in text]


def test_a_switch_that_listens_everywhere_asks_for_its_own_address(switch: SwitchSettings) -> None:
    everywhere = dataclasses.replace(switch, bind="0.0.0.0")
    assert outside_of(everywhere, lambda: "10.1.1.1") == Outside(
        SHOWN, ("127.0.0.0/8", "10.1.1.1/32", "10.0.0.0/8"), "10.1.1.1", SHOWN
    )
    assert files(everywhere)


@pytest.mark.parametrize("address", ["1.2.3.4\nx", "a b", "x;y", "$${domain}"])
def test_an_address_that_would_break_the_file_is_refused(switch: SwitchSettings, address: str) -> None:
    with pytest.raises(UnsafeValue, match="CALLYARD_EXTERNAL_ADDRESS"):
        files(dataclasses.replace(switch, external_address=address))


def test_a_name_is_looked_up_by_freeswitch_itself(switch: SwitchSettings) -> None:
    named = files(dataclasses.replace(switch, external_address="localhost"))
    if switch.name == "asterisk":
        assert "external_media_address = localhost" in named["pjsip.conf"]
    else:
        assert '<param name="ext-rtp-ip" value="host:localhost"/>' in named["sofia.xml"]


def test_networks_that_are_none_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="local_networks"):
        Settings(var=tmp_path, local_networks="10.0.0.0/8 elsewhere")
