"""The rendered configuration on a real Asterisk: it loads, takes calls, and is changed while running."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cti.provision.asterisk import AsteriskInstallation, ensure_asterisk
from cti.provision.home import asterisk_cli, asterisk_command, prepare_home
from cti.provision.programs import ASTERISK_CHATTER
from cti.provision.prompts import make_ringback
from cti.provision.switches import switch_named
from cti.settings import Settings, SwitchSettings, load_settings
from dialplan.deploy import apply, rollback
from tests.ports import free_port, free_range
from tests.unit.test_dahdi import LINES, SPANS

DEADLINE = 50.0  # seconds; other workers of the tests load the machine


@dataclass
class Running:
    switch: SwitchSettings
    installation: AsteriskInstallation
    output: Path

    def cli(self, command: str) -> str:
        answer = asterisk_cli(self.switch, self.installation, command)
        assert answer is not None, f"Asterisk does not answer {command!r}"
        return answer


def demo_rows(*numbers: str) -> dict[str, list[dict[str, Any]]]:
    agents = [
        {"number": n, "name": f"演示 {n}", "sip_secret": f"sip;secret-{n}", "web_secret": f"web-secret-{n}"}
        for n in numbers
    ]
    return {"agents": agents, "trunks": [{"id": "local", "name": "local", "host": "127.0.0.1"}]}


@pytest.fixture(scope="module")
def asterisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    dist = load_settings().dist_dir
    dist.mkdir(parents=True, exist_ok=True)
    first, last = free_range(200)
    settings = Settings(
        var=tmp_path_factory.mktemp("ast"),
        dist=dist,
        ami_port=free_port(),
        sip_port=free_port(),
        sip_ws_port=free_port(),
        rtp_start=first,
        rtp_end=last,
    )
    switch = switch_named(settings)
    installation = ensure_asterisk(switch, print)
    prepare_home(switch, installation)
    make_ringback(settings.prompts_dir)
    apply(switch, demo_rows("1001"))
    output = settings.var / "out"
    with output.open("wb") as out:
        process = subprocess.Popen(asterisk_command(switch, installation), stdout=out, stderr=out)
    try:
        wait_for(lambda: b"Asterisk Ready" in output.read_bytes(), "Asterisk Ready")
        yield Running(switch, installation, output)
    finally:
        process.terminate()
        process.wait(DEADLINE)


def wait_for(condition: Any, what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"not in {DEADLINE} s: {what}"
        time.sleep(0.05)


def test_everything_loads_without_complaint(asterisk: Running) -> None:
    lines = asterisk.output.read_text(encoding="utf-8", errors="replace").splitlines()
    complaints = [line for line in lines if re.search("WARNING|ERROR|Could not", line)]
    assert [line for line in complaints if not ASTERISK_CHATTER.search(line)] == []
    assert "Not Running" not in asterisk.cli("module show")


def test_phones_trunk_and_websocket_are_there(asterisk: Running) -> None:
    shown = asterisk.cli("pjsip show endpoints")
    assert {"1001/1001", "1001-web/1001", "trunk-local/anonymous"} <= set(re.findall(r"Endpoint:\s+(\S+)", shown))
    assert f"127.0.0.1:{asterisk.switch.sip_ws_port}" in asterisk.cli("http show status")
    assert "/ws" in asterisk.cli("http show status")
    assert "/static" not in asterisk.cli("http show status")
    assert "moh" in asterisk.cli("moh show files")


def test_the_secret_reaches_asterisk_whole(asterisk: Running) -> None:
    assert re.search(r"password\s+: sip;secret-1001", asterisk.cli("pjsip show auth 1001"))


def sip(port: int, request: str) -> str:
    """One SIP request over UDP; the first answer that is not 100 Trying, and an end to the call."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(DEADLINE)
        phone.connect(("127.0.0.1", port))
        own = phone.getsockname()[1]
        phone.send(request.replace("OWN", f"127.0.0.1:{own}").replace("\n", "\r\n").encode())
        return phone.recv(4096).decode()


INVITE = """INVITE sip:{to}@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP OWN;branch=z9hG4bK{to}{who}
From: <sip:{who}@127.0.0.1>;tag=1
To: <sip:{to}@127.0.0.1>
Call-ID: {to}-{who}
CSeq: 1 INVITE
Contact: <sip:{who}@OWN>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: 131

v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 40001 RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
"""


def invite(to: str, who: str) -> str:
    return INVITE.format(to=to, who=who).replace("131", str(len(INVITE.split("\n\n")[1].replace("\n", "\r\n"))))


class Manager:
    """A manager connection: just enough to see events."""

    def __init__(self, switch: SwitchSettings) -> None:
        self._socket = socket.create_connection(("127.0.0.1", switch.port), DEADLINE)
        self._file = self._socket.makefile("r", encoding="utf-8", newline="\r\n")
        self._file.readline()
        self.send(f"Action: Login\r\nUsername: {switch.user}\r\nSecret: {switch.secret}")

    def send(self, action: str) -> None:
        self._socket.sendall(action.encode() + b"\r\n\r\n")

    def until(self, **wanted: str) -> dict[str, str]:
        """The next frame that has all these fields."""
        frame: dict[str, str] = {}
        while True:
            line = self._file.readline().rstrip("\r\n")
            if line:
                key, _, value = line.partition(": ")
                frame[key] = value
            elif wanted.items() <= frame.items():
                return frame
            else:
                frame = {}

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture
def manager(asterisk: Running) -> Iterator[Manager]:
    connection = Manager(asterisk.switch)
    connection.until(Response="Success")
    yield connection
    connection.close()


def test_a_call_from_this_machine_waits_under_async_agi(asterisk: Running, manager: Manager) -> None:
    assert sip(asterisk.switch.sip_port, invite("8000", "19900000001")).startswith("SIP/2.0 100")
    started = manager.until(Event="AsyncAGIStart")
    assert started["Context"] == "callyard-trunk"
    assert started["CallerIDNum"] == "19900000001"
    channel = started["Channel"]
    for name, value in (("CY_DIALED", "8000"), ("CY_TRUNK", "local")):
        manager.send(f"Action: Getvar\r\nChannel: {channel}\r\nVariable: {name}")
        assert manager.until(Response="Success", Variable=name)["Value"] == value
    manager.send(f"Action: Hangup\r\nChannel: {channel}")
    assert manager.until(Event="Hangup", Channel=channel)["Uniqueid"] == started["Uniqueid"]


@pytest.mark.parametrize("who", ["1001", "1001-web"])
def test_a_phone_must_show_its_password(asterisk: Running, who: str) -> None:
    assert sip(asterisk.switch.sip_port, invite("8000", who)).startswith("SIP/2.0 401")


def test_a_test_call_presses_its_keys(asterisk: Running, manager: Manager) -> None:
    manager.send(
        "Action: Originate\r\nChannel: Local/8000@callyard-trunk\r\nContext: callyard-test\r\nExten: s\r\n"
        "Priority: 1\r\nAsync: true\r\nCallerID: Demo <19900000002>\r\n"
        "Variable: CY_TEST_WAIT=0.2\r\nVariable: CY_TEST_DIGITS=1#\r\nVariable: CY_TEST_MAX=20"
    )
    started = manager.until(Event="AsyncAGIStart")
    assert started["CallerIDNum"] == "19900000002"
    manager.send(f"Action: AGI\r\nChannel: {started['Channel']}\r\nCommand: ANSWER\r\nCommandID: a1")
    digits = [manager.until(Event="DTMFEnd", Direction="Received", Channel=started["Channel"])["Digit"] for _ in "1#"]
    assert digits == ["1", "#"]
    manager.send(f"Action: Hangup\r\nChannel: {started['Channel']}")
    manager.until(Event="Hangup", Channel=started["Channel"])


def test_agents_come_and_go_while_it_runs(asterisk: Running) -> None:
    applied = apply(asterisk.switch, demo_rows("1001", "1002"))
    assert applied.reloaded
    assert applied.restart == ()
    wait_for(lambda: "1002-web" in asterisk.cli("pjsip show endpoints"), "the new agent's phone")
    rollback(asterisk.switch)
    wait_for(lambda: "1002-web" not in asterisk.cli("pjsip show endpoints"), "the agent's phone gone")


def test_a_new_trunk_is_asked_at_once_whether_it_is_there(asterisk: Running) -> None:
    """By itself Asterisk asks at some moment of the next half minute, and takes a new password a minute later."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far_side:
        far_side.bind(("127.0.0.1", 0))
        far_side.settimeout(3)
        rows = demo_rows("1001")
        for at, ping in (("here", True), ("silent", False)):
            rows["trunks"].append(
                {"id": at, "name": at, "host": "127.0.0.1", "port": far_side.getsockname()[1], "ping": ping}
            )
        applied = apply(asterisk.switch, rows)
        assert [command for command in applied.reloaded if "trunk-" in command] == ["pjsip qualify trunk-here"]
        assert far_side.recv(4096).startswith(b"OPTIONS sip:127.0.0.1:")
        rows["trunks"][-1] |= {"register": True, "username": "u1", "secret": "secret-1"}
        assert apply(asterisk.switch, rows).reloaded[-1] == "pjsip send register trunk-silent"
        rows["trunks"][-1]["secret"] = "secret-2"
        assert [c for c in apply(asterisk.switch, rows).reloaded if "trunk-" in c] == [
            "pjsip send register trunk-silent"
        ]
        wait_for(lambda: far_side.recv(4096).startswith(b"REGISTER sip:127.0.0.1:"), "registers")
    rollback(asterisk.switch)


def test_lines_of_boards_are_read_whole_by_the_driver_of_dahdi(asterisk: Running) -> None:
    """Without a board it goes as far as opening the first channel of each block, and then declines to load."""
    if not (asterisk.installation.module_dir / "chan_dahdi.so").exists():
        pytest.skip("this Asterisk has no chan_dahdi.so (package asterisk-dahdi)")
    rows = demo_rows("1001") | {"dahdi": [{"board": "dahdi-asterisk", "spans": SPANS, "lines": LINES}]}
    before = asterisk.output.stat().st_size
    assert apply(asterisk.switch, rows).changed
    wait_for(lambda: b"SS7 sigchan 82" in asterisk.output.read_bytes()[before:], "the last span to be reached")
    told = asterisk.output.read_bytes()[before:].decode()
    said = [line for line in told.splitlines() if "chan_dahdi.c" in line]
    tried = {word for line in said for word in re.findall(r"Unable to register channel '([^']+)'", line)}
    assert {"1", "2", "3", "5-6", "7", "8-19,21-35", "36-50,52-66"} <= tried
    assert not [line for line in said if re.search(r"Ignoring|Unknown|Invalid|Unspecified|not allowed", line)]
    rollback(asterisk.switch)
