"""The configuration of our own Asterisk: what it promises the driver, and that no value can break out of its line."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cti.provision.switches import switch_named
from cti.settings import Settings, SwitchSettings
from dialplan.deploy import NothingToRollBack, apply, in_force, rollback
from dialplan.escape import UnsafeValue, conf_value, display, host, plan_path, secret, token
from dialplan.render import BadDialplan, check, render


@pytest.fixture
def switch(tmp_path: Path) -> SwitchSettings:
    return switch_named(Settings(var=tmp_path))


def agent(**changes: Any) -> dict[str, Any]:
    return {"number": "1001", "name": "张伟", "sip_secret": "sip-secret-1", "web_secret": "web-secret-1", **changes}


def trunk(**changes: Any) -> dict[str, Any]:
    row = {"id": "itsp", "name": "Demo trunk", "host": "192.0.2.10", "port": 5060, "username": "", "secret": ""}
    return {**row, "register": False, "caller_number": "", **changes}


def rows(agents: list[dict[str, Any]] | None = None, trunks: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"agents": [agent()] if agents is None else agents, "trunks": [] if trunks is None else trunks}


def sections(text: str, name: str) -> list[str]:
    """The bodies of all sections called ``name``."""
    found, inside = [], False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.startswith(f"[{name}]")
            if inside:
                found.append("")
        elif inside and line:
            found[-1] += line + "\n"
    return found


def test_an_agent_has_a_phone_and_a_browser_phone(switch: SwitchSettings) -> None:
    files = render(switch, rows())
    check(files)
    phones = files["pjsip_agents.conf"]
    assert "[1001](cy-phone)" in phones
    assert "[1001-web](cy-web)" in phones
    assert any("set_var = CY_DEVICE=1001-web\n" in body for body in sections(phones, "1001-web"))
    assert any("password = web-secret-1\n" in body for body in sections(phones, "1001-web"))
    assert 'callerid = "张伟" <1001>' in phones


def test_calls_enter_async_agi_and_carry_what_was_dialled(switch: SwitchSettings) -> None:
    plan = render(switch, rows())["extensions.conf"]
    for context in ("callyard-trunk", "callyard-agent"):
        assert "Set(CY_DIALED=${EXTEN})" in sections(plan, context)[0]
        assert "AGI(agi:async)" in sections(plan, context)[0]
    assert sections(plan, "callyard-parked")[0].startswith("exten => s,1,AGI(agi:async)")
    assert "SendDTMF" in sections(plan, "callyard-test")[0]


def test_no_pattern_takes_any_character(switch: SwitchSettings) -> None:
    """A number with a line end would end a line of the manager interface."""
    plan = render(switch, rows())["extensions.conf"]
    patterns = re.findall(r"exten => _(\S+?),", plan)
    assert len(patterns) == 99
    for pattern in patterns:
        assert re.fullmatch(r"\[0-9\*#\+\](\[0-9\*#\])*", pattern)
        assert len(pattern) < 255


def test_everything_listens_on_loopback_unless_told(switch: SwitchSettings) -> None:
    files = render(switch, rows())
    assert "0.0.0.0" not in "".join(text for name, text in files.items() if name != "manager.conf")
    assert files["pjsip.conf"].count("bind = 127.0.0.1:5060") == 3
    assert "bindaddr = 127.0.0.1" in files["http.conf"]
    wide = render(replace(switch, bind="0.0.0.0"), rows())
    assert "bind = 0.0.0.0:5060" in wide["pjsip.conf"]
    assert "bindaddr = 127.0.0.1" in wide["manager.conf"]
    assert "media_address" not in wide["pjsip_agents.conf"]


def test_nobody_is_anonymous_and_no_dangerous_module_is_loaded(switch: SwitchSettings) -> None:
    loaded = render(switch, rows())["modules.conf"]
    assert "autoload = no" in loaded
    for name in ("anonymous", "app_system", "func_shell", "func_env", "func_curl", "res_ari", "refer", "app_queue"):
        assert name not in loaded.split("[modules]")[1]
    assert "load = app_queue.so" in render(switch, rows(), app_queue=True)["modules.conf"]


def test_the_manager_secret_is_random_and_the_same_each_time(switch: SwitchSettings) -> None:
    first, second = render(switch, rows())["manager.conf"], render(switch, rows())["manager.conf"]
    assert first == second
    assert len(first.split("\nsecret = ")[1].split("\n")[0]) >= 32


def test_a_trunk_is_known_by_its_address_only(switch: SwitchSettings) -> None:
    text = render(switch, rows(trunks=[trunk()]))["pjsip_trunks.conf"]
    assert any("match = 192.0.2.10" in body for body in sections(text, "trunk-itsp"))
    assert any("contact = sip:192.0.2.10:5060" in body for body in sections(text, "trunk-itsp"))
    assert any("set_var = CY_TRUNK=itsp" in body for body in sections(text, "trunk-itsp"))
    assert "identify_by = ip" in text
    assert "type = registration" not in text


def test_a_registering_trunk_needs_an_account(switch: SwitchSettings) -> None:
    account = trunk(register=True, username="u1", secret="p;ssw0rd$x")
    text = render(switch, rows(trunks=[account]))["pjsip_trunks.conf"]
    assert "client_uri = sip:u1@192.0.2.10:5060" in text
    assert "password = p\\;ssw0rd$x" in text
    with pytest.raises(UnsafeValue, match="trunk itsp"):
        render(switch, rows(trunks=[trunk(register=True)]))


def test_calls_from_this_machine_have_one_trunk(switch: SwitchSettings) -> None:
    none = render(switch, rows())
    assert "match = 127.0.0.0/8" in none["pjsip_trunks.conf"]
    assert "Set(CY_TRUNK=local)" in none["extensions.conf"]
    assert "contact = sip:127.0.0.1:5999" in render(replace(switch, sip_port=5999), rows())["pjsip_trunks.conf"]
    own = [trunk(id="demo", host="127.0.0.1"), trunk(id="second", host="127.0.0.1", port=5070)]
    two = render(switch, rows(trunks=own))
    assert two["pjsip_trunks.conf"].count("match = 127.0.0.0/8") == 1
    assert "Set(CY_TRUNK=demo)" in two["extensions.conf"]
    assert "contact = sip:127.0.0.1:5070" in two["pjsip_trunks.conf"]


@pytest.mark.parametrize(
    "change",
    [
        {"number": "1001\nfoo"},
        {"number": "1001]"},
        {"number": ""},
        {"number": "10 01"},
        {"sip_secret": "abcdefgh\r\ntype=x"},
        {"sip_secret": "short"},
        {"web_secret": ">abcdefghij"},
        {"web_secret": "abc defghij"},
        {"web_secret": "[abcdefghij]"},
    ],
)
def test_an_agent_that_would_break_the_file_is_refused(switch: SwitchSettings, change: dict[str, str]) -> None:
    with pytest.raises(UnsafeValue):
        render(switch, rows([agent(**change)]))


@pytest.mark.parametrize(
    "change",
    [{"id": "a b"}, {"host": "192.0.2.1\n[x]"}, {"host": "a;b"}, {"host": "x/24,0.0.0.0/0"}, {"port": 70000}],
)
def test_a_trunk_that_would_break_the_file_is_refused(switch: SwitchSettings, change: dict[str, Any]) -> None:
    with pytest.raises(UnsafeValue):
        render(switch, rows(trunks=[trunk(**change)]))


def test_a_refused_secret_is_not_shown() -> None:
    with pytest.raises(UnsafeValue) as refused:
        secret("top secret phrase", "secret of 1001")
    assert "top secret" not in str(refused.value)


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.text(max_size=80))
def test_a_hostile_name_stays_inside_its_quotes(name: str) -> None:
    shown = display(name)
    assert not set(shown) & set('"<>\\;[]$,\r\n\0')
    assert len(shown) <= 64
    check(render(switch_named(Settings(var=_HOME)), rows([agent(name=name)])))


@given(st.text(max_size=40))
def test_a_value_is_one_line_or_refused(value: str) -> None:
    for guard in (conf_value, token, host, secret, plan_path):
        try:
            text = guard(value)
        except UnsafeValue:
            continue
        assert len(text.splitlines()) <= 1
        assert not set(text) & set("[]\r\n\0") or guard is host
        assert ";" not in text.replace("\\;", "")


@pytest.fixture(autouse=True, scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> None:
    global _HOME
    _HOME = tmp_path_factory.mktemp("home")


_HOME: Path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pjsip.conf", "#exec /bin/sh\n"),
        ("extensions.conf", "#include /etc/passwd\n"),
        ("extensions.conf", "[x]\nexten => 1,1,NoOp(\x1b)\n"),
        ("pjsip_agents.conf", "[1001](cy-phone)\naors=1\n[1001](cy-phone)\naors=2\n"),
        ("http.conf", "gibberish\n"),
    ],
)
def test_a_file_asterisk_would_misread_is_refused(switch: SwitchSettings, name: str, text: str) -> None:
    files = render(switch, rows())
    with pytest.raises(BadDialplan, match=name.replace(".", r"\.")):
        check(files | {name: text})


def test_a_missing_file_is_refused(switch: SwitchSettings) -> None:
    files = render(switch, rows())
    del files["extensions.conf"]
    with pytest.raises(BadDialplan, match="extensions"):
        check(files)


def test_apply_is_whole_private_and_can_be_taken_back(switch: SwitchSettings) -> None:
    first = apply(switch, rows())
    assert "extensions.conf" in first.changed
    assert apply(switch, rows()).changed == ()
    release = in_force(switch)
    assert release is not None
    assert release.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in release.iterdir()} == {0o600}

    second = apply(switch, rows([agent(), agent(number="1002")]))
    assert second.changed == ("pjsip_agents.conf",)
    assert "[1002]" in (switch.home / "etc/pjsip_agents.conf").read_text(encoding="utf-8")

    assert rollback(switch).changed == ("pjsip_agents.conf",)
    assert "[1002]" not in (switch.home / "etc/pjsip_agents.conf").read_text(encoding="utf-8")
    with pytest.raises(NothingToRollBack):
        rollback(switch)


def test_a_refused_configuration_changes_nothing(switch: SwitchSettings) -> None:
    apply(switch, rows())
    before = in_force(switch)
    with pytest.raises(UnsafeValue):
        apply(switch, rows([agent(number="1;2")]))
    assert in_force(switch) == before
