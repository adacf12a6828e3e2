"""A real FreeSWITCH as a ``World``: a private process from our own rendered configuration, real SIP phones with RTP.

It is found, never fetched: FreeSWITCH is in no package registry of Debian. The callers and phones are those of the
Asterisk rig.
"""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cti.provision.freeswitch import (
    freeswitch_command,
    prepare_freeswitch_home,
    require_freeswitch,
)
from cti.provision.switches import switch_named
from cti.settings import SwitchChoice, SwitchSettings, load_settings
from cti.switches.freeswitch import FreeSwitch
from cti.switches.freeswitch.truth import sessions
from dialplan.freeswitch_deploy import apply, tell
from tests.conformance.asterisk_rig import AGENTS, AsteriskWorld, agent_rows, make_prompts
from tests.conformance.trunks import trunk_rows
from tests.conformance.world import eventually
from tests.fakes.events import EventLog
from tests.fakes.phone import SipPhone
from tests.fakes.proxy import LinkProxy
from tests.ports import free_port, free_ports, free_range

READY_WITHIN = 40.0


@dataclass(frozen=True)
class RunningFreeSwitch:
    """The process's settings, the passwords of its phones, and the port its trunk expects the outside at."""

    switch: SwitchSettings
    passwords: dict[str, str]
    outside_port: int
    command: tuple[str, ...]

    def cli(self, command: str) -> str:
        return tell(self.switch, [command], [])


def freeswitch_settings(var: Path) -> SwitchSettings:
    """On ports of its own."""
    settings = load_settings(var)
    settings.switch = SwitchChoice.FREESWITCH
    settings.bind, settings.esl_host = "127.0.0.1", ""
    settings.esl_port, settings.sip_ws_port = free_port(), free_port()
    settings.sip_port = free_ports(2)  # the next one is for TLS
    settings.rtp_start, settings.rtp_end = free_range(200)
    return switch_named(settings)


@contextmanager
def running_freeswitch(var: Path, given: SwitchSettings | None = None) -> Iterator[RunningFreeSwitch]:
    """Start, wait until it is ready, end it. Raises ``ProvisionFailed`` where no FreeSWITCH is found."""
    switch = given or freeswitch_settings(var)
    installation = require_freeswitch(switch)
    passwords = {device: secrets.token_urlsafe(12) for a in AGENTS for device in (a, f"{a}-web")}
    outside = free_port()
    prepare_freeswitch_home(switch)
    make_prompts(switch.prompts_dir)
    apply(switch, {"agents": agent_rows(passwords), "trunks": trunk_rows(outside)})
    command = freeswitch_command(switch, installation)
    with (var / "freeswitch.out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        _wait_ready(process, switch)
        yield RunningFreeSwitch(switch, passwords, outside, tuple(command))
    finally:
        process.kill()  # it takes five seconds to end by itself, and nothing of it is needed any more
        process.wait(10)


def _wait_ready(process: subprocess.Popen[bytes], switch: SwitchSettings) -> None:
    """Its event socket answers and its SIP profile listens."""
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and process.poll() is None:
        try:
            if "RUNNING" in tell(switch, ["sofia status"], []):
                return
        except OSError:
            pass
        time.sleep(0.1)
    log = switch.home / "log" / "freeswitch.log"
    raise AssertionError(f"FreeSWITCH is not ready: {log.read_text(errors='replace')[-2000:] if log.exists() else ''}")


class FreeSwitchWorld(AsteriskWorld):
    def __init__(self, running: RunningFreeSwitch) -> None:
        self.asterisk = running  # type: ignore[assignment]
        self.spool = running.switch.spool_dir
        self.log = EventLog()
        self.proxy = LinkProxy("127.0.0.1", running.switch.port)
        self._sip = running.switch.sip_port
        self._phones: dict[str, SipPhone] = {}
        self._left_behind: list[SipPhone] = []
        self._calls_taken: dict[str, int] = {}

    async def _nothing_left(self) -> None:
        """By the switch's own count, which holds every channel there is, also those that are none of ours."""
        try:
            await eventually(lambda: sessions(self.asterisk.cli("status")) == 0, "all channels gone after the test")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.asterisk.cli('show channels')}") from None

    def apply_trunks(self, rows: list[dict[str, Any]]) -> None:
        """Put these trunks in force, with the phones that are there."""
        apply(self.asterisk.switch, {"agents": agent_rows(self.asterisk.passwords), "trunks": rows})

    def register_trunk(self, trunk: str) -> None:
        self.asterisk.cli(f"sofia profile callyard register trunk-{trunk}")

    def driver(self, secret: str = "") -> FreeSwitch:  # type: ignore[override]
        switch = self.asterisk.switch
        return FreeSwitch(
            host="127.0.0.1",
            port=self.proxy.port,
            prompts_dir=str(switch.prompts_dir),
            spool_dir=str(switch.spool_dir),
            password=secret or switch.secret,
            capture_port=switch.port,
        )
