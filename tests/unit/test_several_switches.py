"""Several switches prepared, checked and configured side by side: one that fails keeps no other from its work."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti import cli, serve
from cti.bootstrap import make_bus, make_runner, make_switches
from cti.provision import checks, freeswitch
from cti.provision.apt import ProvisionFailed
from cti.provision.first_run import migrate_database
from cti.provision.ports import our_ports
from cti.provision.switches import all_switches
from cti.settings import Settings, SwitchChoice, SwitchSettings, load_settings
from dialplan.deploy import Applied
from dialplan.releases import NothingToRollBack
from dialplan.which import SwitchesNotApplied, each


@pytest.fixture
def both(tmp_path: Path) -> Settings:
    return Settings(var=tmp_path, switch=SwitchChoice.BOTH)


@pytest.fixture
def no_freeswitch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FREESWITCH_BIN", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(freeswitch, "USUAL_PLACE", Path("/nowhere"))


def test_a_switch_that_fails_keeps_no_other_from_its_configuration(both: Settings) -> None:
    applied: list[str] = []

    def work(switch: SwitchSettings) -> Applied:
        if switch.name == "asterisk":
            raise NothingToRollBack("there is no earlier configuration")
        applied.append(switch.name)
        return Applied("00000001", ())

    with pytest.raises(SwitchesNotApplied, match=r"^asterisk: there is no earlier configuration$"):
        each(all_switches(both), work)
    assert applied == ["freeswitch"]


def test_of_one_switch_the_error_is_told_as_it_is(tmp_path: Path) -> None:
    def work(switch: SwitchSettings) -> Applied:
        raise NothingToRollBack("there is no earlier configuration")

    with pytest.raises(NothingToRollBack):
        each(all_switches(Settings(var=tmp_path)), work)
    assert each(all_switches(Settings(var=tmp_path, switch=SwitchChoice.SIM)), work) == {}


def test_both_without_a_freeswitch_says_what_to_do_and_fetches_nothing(
    both: Settings, no_freeswitch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "ensure_asterisk", lambda *_: pytest.fail("Asterisk was looked for"))
    with pytest.raises(ProvisionFailed, match="no FreeSWITCH found: set CALLYARD_FREESWITCH_BIN") as failed:
        serve.choose_switches(both, lambda _text: None)
    assert "\n" not in str(failed.value)


def test_an_asterisk_that_cannot_be_had_is_no_reason_for_the_simulator_beside_another_switch(
    both: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object) -> None:
        raise ProvisionFailed("cannot download Asterisk")

    monkeypatch.setattr(serve, "ensure_asterisk", nothing)
    monkeypatch.setattr(
        serve, "require_freeswitch", lambda _switch: freeswitch.FreeSwitchInstallation(Path("f"), both.var)
    )
    with pytest.raises(ProvisionFailed, match="cannot download"):
        serve.choose_switches(both, lambda _text: None)
    said: list[str] = []
    found = serve.choose_switches(both.model_copy(update={"switch": SwitchChoice.AUTO}), said.append)
    assert (found.settings.switch, found.own) == (SwitchChoice.SIM, ())
    assert any("cannot download" in line for line in said)


def test_each_port_of_each_switch_is_named(both: Settings) -> None:
    ports = {port.use: port for port in our_ports(both, both.switches())}
    assert ports["SIP of asterisk"].setting == "CALLYARD_SIP_PORT"
    assert ports["SIP of freeswitch"].setting == "CALLYARD_FREESWITCH_SIP_PORT"
    assert (ports["SIP over websocket of freeswitch"].number, ports["event socket of freeswitch"].number) == (
        8089,
        8021,
    )


def test_a_voice_board_wants_no_port_but_its_gateway(tmp_path: Path) -> None:
    (tmp_path / "switches.toml").write_text('[[board]]\nname = "second"\nvendor = "sim"\n')
    alone = Settings(var=tmp_path, switch=SwitchChoice.BOARD, board="sim")
    assert our_ports(alone, alone.switches()) == our_ports(alone)
    beside = alone.model_copy(update={"switch": SwitchChoice.ASTERISK, "gateway_port": 5091})
    ports = {port.setting: (port.address, port.number) for port in our_ports(beside, beside.switches())}
    assert ports["CALLYARD_GATEWAY_PORT"] == ("127.0.0.2", 5091)
    assert ports["CALLYARD_SIP_PORT"] == ("127.0.0.1", 5060)
    assert not [number for _, number in ports.values() if not number]


def test_the_engine_drives_every_switch_by_its_name(both: Settings) -> None:
    bus = make_bus(both, "engine")
    runner = make_runner(both, make_switches(both, bus), bus)
    assert list(runner.engine.centre.switches) == ["asterisk", "freeswitch"]


def test_check_config_tells_of_each_switch(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path, switch=SwitchChoice.BOTH, ami_host="127.0.0.1", ami_port=1, ami_secret="x" * 12)
    settings.esl_host, settings.esl_port, settings.esl_password = "127.0.0.1", 1, "x" * 12
    told = {check.name: check for check in checks.check_all(settings)}
    assert not told["switch asterisk"].ok
    assert "no manager at 127.0.0.1:1" in told["switch asterisk"].text
    assert not told["switch freeswitch"].ok
    assert "CALLYARD_ESL_PASSWORD" in told["switch freeswitch"].text
    (tmp_path / "switches.toml").write_text("nonsense")
    told = {check.name: check for check in checks.check_all(settings)}
    assert not told["switches"].ok
    assert "switches.toml" in told["switches"].text


def test_the_command_configures_all_or_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLYARD_SWITCH", "both")
    monkeypatch.setenv("CALLYARD_VAR", str(tmp_path))
    migrate_database(load_settings(tmp_path))

    def run(*words: str) -> tuple[int, str]:
        status = cli.main(["switch", *words])
        out, err = capsys.readouterr()
        return status, out + err

    assert run("check")[1].splitlines()[1].startswith("freeswitch: ")
    assert "<!-- sofia.xml -->" in run("render", "freeswitch", "sofia.xml")[1]
    assert run("render", "pjsip.conf")[1].startswith(";;; pjsip.conf")
    assert run("apply", "freeswitch")[0] == 0
    assert not (tmp_path / "asterisk" / "etc").exists()
    status, told = run("apply")
    assert status == 0
    assert "asterisk: release 00000001 is in force" in told
    assert "freeswitch: release 00000001 is in force; changed: nothing" in told
    status, told = run("rollback")
    assert status == 1
    assert told.count("there is no earlier configuration") == 2
    assert run("apply", "elsewhere") == (1, "cti: there is no switch 'elsewhere': asterisk freeswitch\n")
