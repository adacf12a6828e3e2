"""Which switches the settings name, and what each of them knows of the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from cti.provision.apt import ProvisionFailed
from cti.provision.secrets import SecretsUnreadable, interconnect_secret
from cti.provision.switches import all_switches, switch_named
from cti.settings import Settings, SwitchChoice, SwitchKind, load_settings
from cti.switch_settings import BadSwitches

BRANCH = '[[switch]]\nname = "branch"\nkind = "asterisk"\nhost = "10.0.0.5"\nsecret = "s3cret"\n'


def centre(tmp_path: Path, choice: SwitchChoice = SwitchChoice.AUTO, more: str = "", **given: object) -> Settings:
    (tmp_path / "switches.toml").write_text(more, encoding="utf-8")
    return Settings(var=tmp_path, switch=choice, **given)  # type: ignore[arg-type]


def test_a_voice_board_is_a_switch_alone_or_beside_another(tmp_path: Path) -> None:
    (board,) = centre(tmp_path, SwitchChoice.BOARD, board="sim", board_face="donjin").switches()
    assert (board.name, board.kind, board.vendor, board.program) == ("board", SwitchKind.BOARD, "donjin", "")
    both = centre(tmp_path, SwitchChoice.ASTERISK, board="synway", board_library="libshpa3.so").switches()
    assert [switch.name for switch in both] == ["asterisk", "board"]
    with pytest.raises(BadSwitches, match="CALLYARD_BOARD_LIBRARY"):
        centre(tmp_path, SwitchChoice.BOARD, board="donjin").switches()
    with pytest.raises(ValueError, match="sim"):
        centre(tmp_path, SwitchChoice.BOARD, board="other")


SECOND = '[[board]]\nname = "second"\nvendor = "sim"\nface = "donjin"\n'


def test_further_boards_are_switches_of_their_own(tmp_path: Path) -> None:
    real = '[[board]]\nname = "real"\nvendor = "synway"\nlibrary = "libshpa3.so"\nconfig = "/etc/ShConfig.ini"\n'
    first, second, other = centre(tmp_path, SwitchChoice.BOARD, SECOND + real, board="sim").switches()
    assert (first.name, first.home) == ("board", tmp_path / "board")
    assert (second.name, second.kind, second.vendor, second.program) == ("second", SwitchKind.BOARD, "donjin", "")
    assert second.home == tmp_path / "board-second"
    assert (other.vendor, other.program, other.config) == ("synway", "libshpa3.so", "/etc/ShConfig.ini")
    beside = all_switches(centre(tmp_path, SwitchChoice.ASTERISK, SECOND, board="sim"))
    assert [(s.name, s.gateway) for s in beside] == [("asterisk", False), ("board", True), ("second", False)]
    (alone,) = centre(tmp_path, SwitchChoice.OUTSIDE, SECOND).switches()
    assert alone.own


def test_only_a_simulated_board_of_synway_has_e1_lines_of_its_own(tmp_path: Path) -> None:
    (board,) = centre(tmp_path, SwitchChoice.BOARD, board="sim", board_e1=2).switches()
    assert board.e1 == 2
    for other in ({"board": "sim", "board_face": "donjin"}, {"board": "synway", "board_library": "libshpa3.so"}):
        with pytest.raises(BadSwitches, match="CALLYARD_BOARD_E1"):
            centre(tmp_path, SwitchChoice.BOARD, board_e1=1, **other).switches()


def test_a_simulated_board_beside_a_softswitch_is_its_gateway(tmp_path: Path) -> None:
    settings = centre(tmp_path, SwitchChoice.FREESWITCH, board="sim", sip_port=5999, gateway_port=5091)
    freeswitch, board = all_switches(settings)
    assert board.gateway
    assert (board.sip_host, board.sip_port) == ("127.0.0.2", 5091)
    assert [(peer.name, peer.host, peer.port) for peer in board.peers] == [("freeswitch", "127.0.0.1", 5999)]
    assert not freeswitch.peers
    for alone in (SwitchChoice.BOARD, SwitchChoice.SIM):
        assert not any(switch.gateway for switch in centre(tmp_path, alone, board="sim").switches())


def test_one_switch_keeps_the_ports_it_always_had(tmp_path: Path) -> None:
    (asterisk,) = centre(tmp_path).switches()
    (freeswitch,) = centre(tmp_path, SwitchChoice.FREESWITCH, sip_port=5999).switches()
    assert (asterisk.name, asterisk.kind, asterisk.own) == ("asterisk", SwitchKind.ASTERISK, True)
    assert (asterisk.place, asterisk.sip_port, asterisk.sip_ws_port) == ("127.0.0.1:5038", 5060, 8088)
    assert (freeswitch.place, freeswitch.sip_port, freeswitch.home) == ("127.0.0.1:8021", 5999, tmp_path / "freeswitch")
    assert all_switches(centre(tmp_path))[0].peers == ()


def test_both_share_no_port(tmp_path: Path) -> None:
    asterisk, freeswitch = centre(tmp_path, SwitchChoice.BOTH).switches()
    assert {asterisk.port, asterisk.sip_port, asterisk.sip_ws_port}.isdisjoint(
        {freeswitch.port, freeswitch.sip_port, freeswitch.sip_ws_port}
    )
    assert asterisk.rtp_end < freeswitch.rtp_start


def test_two_switches_know_each_other_by_one_secret_that_stays(tmp_path: Path) -> None:
    settings = centre(tmp_path, SwitchChoice.BOTH, BRANCH, bind="192.0.2.1")
    first = {switch.name: {peer.name: peer for peer in switch.peers} for switch in all_switches(settings)}
    assert {name: set(peers) for name, peers in first.items()} == {
        "asterisk": {"freeswitch", "branch"},
        "freeswitch": {"asterisk", "branch"},
        "branch": {"asterisk", "freeswitch"},
    }
    assert first["asterisk"]["freeswitch"].secret == first["freeswitch"]["asterisk"].secret
    assert len({peer.secret for peers in first.values() for peer in peers.values()}) == 3
    assert (first["asterisk"]["freeswitch"].host, first["asterisk"]["freeswitch"].port) == ("192.0.2.1", 5070)
    assert (first["asterisk"]["branch"].host, first["asterisk"]["branch"].port) == ("10.0.0.5", 5060)
    assert all_switches(settings)[0].peers == tuple(first["asterisk"].values())
    assert (tmp_path / "secrets" / "interconnect").stat().st_mode & 0o777 == 0o600


def test_a_damaged_interconnect_secret_is_not_used(tmp_path: Path) -> None:
    interconnect_secret(tmp_path)
    (tmp_path / "secrets" / "interconnect").write_text("")
    with pytest.raises(SecretsUnreadable, match="interconnect"):
        all_switches(centre(tmp_path, SwitchChoice.BOTH))


def test_further_switches_come_after_ours_or_alone(tmp_path: Path) -> None:
    more = BRANCH + 'spool = "/there"\nspool_here = "/mnt/branch"\nsip_host = "10.0.0.6"\n'
    assert [s.name for s in centre(tmp_path, SwitchChoice.FREESWITCH, more).switches()] == ["freeswitch", "branch"]
    (branch,) = centre(tmp_path, SwitchChoice.OUTSIDE, more).switches()
    assert (branch.own, branch.place, branch.sip_host) == (False, "10.0.0.5:5038", "10.0.0.6")
    assert (branch.spool_dir, branch.spool_here) == (Path("/there"), Path("/mnt/branch"))


def test_a_second_switch_of_our_own_lives_in_a_folder_of_its_own(tmp_path: Path) -> None:
    more = '[[switch]]\nname = "second"\nkind = "asterisk"\nown = true\nrtp_start = 30000\nrtp_end = 30999\n'
    first, second = all_switches(centre(tmp_path, SwitchChoice.ASTERISK, more))
    assert (second.home, second.host, second.secret) == (tmp_path / "switch-second", "127.0.0.1", first.secret)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[switch]\n", "switches.toml"),
        (BRANCH.replace('"branch"', '"Branch Office"'), "switch 1 name"),
        (BRANCH.replace('"asterisk"', '"sim"'), "switch 1 kind"),
        (BRANCH + "sip_port = 70000\n", "switch 1 sip_port"),
        (BRANCH + 'colour = "red"\n', "colour"),
        (BRANCH.replace('secret = "s3cret"\n', ""), "branch: give host and secret"),
        (SECOND.replace('"sim"', '"other"'), "board 1 vendor"),
        (SECOND.replace('"sim"', '"donjin"'), "second: name the files of its library"),
        (SECOND + "e1 = 1\n", "second: only a simulated board"),
        (SECOND + SECOND, "two switches are called second"),
        (BRANCH + BRANCH, "two switches are called branch"),
        (BRANCH.replace('"branch"', '"asterisk"'), "two switches are called asterisk"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(BadSwitches, match=why):
        centre(tmp_path, SwitchChoice.AUTO, text).switches()


def test_switches_of_one_machine_share_no_rtp_port(tmp_path: Path) -> None:
    with pytest.raises(BadSwitches, match=r"asterisk \(16384-20000\) and freeswitch .* overlap"):
        centre(tmp_path, SwitchChoice.BOTH, rtp_end=20000).switches()


def test_no_switch_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSwitches, match="names no switch"):
        centre(tmp_path, SwitchChoice.OUTSIDE).switches()


def test_a_switch_is_found_by_its_name(tmp_path: Path) -> None:
    settings = centre(tmp_path, SwitchChoice.BOTH)
    assert switch_named(settings).name == "asterisk"
    assert switch_named(settings, "freeswitch").kind is SwitchKind.FREESWITCH
    with pytest.raises(ProvisionFailed, match="asterisk freeswitch"):
        switch_named(settings, "elsewhere")


def test_a_time_zone_that_nobody_knows_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLYARD_ZONE", "Europe/Berlin")
    assert str(load_settings(tmp_path).timezone) == "Europe/Berlin"
    monkeypatch.setenv("CALLYARD_ZONE", "Moon/Tranquility")
    with pytest.raises(ValidationError, match="no such time zone"):
        load_settings(tmp_path)
