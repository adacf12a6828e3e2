"""A real Asterisk as a ``World``: a private process from our own rendered configuration, real SIP phones with RTP.

One process serves a whole test run; each test has its own driver, its own phones and a link that can be cut.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from cti.domain.switch.events import DeviceRegistered, LinkUp
from cti.domain.switch.terms import Cause
from cti.provision.asterisk import ensure_asterisk
from cti.provision.home import asterisk_cli, asterisk_command, prepare_home
from cti.provision.switches import switch_named
from cti.settings import SwitchSettings, load_settings
from cti.switches.asterisk import AsteriskSwitch
from dialplan.deploy import apply
from tests.conformance.trunks import trunk_rows
from tests.conformance.world import LONG, LONG_HERTZ, SHORT, eventually
from tests.fakes.events import EventLog
from tests.fakes.phone import PhoneCall, SipPhone
from tests.fakes.proxy import LinkProxy
from tests.ports import free_port, free_ports, free_range

REPOSITORY = Path(__file__).parents[2]
STATUS = {
    Cause.BUSY: "486 Busy Here",
    Cause.REJECTED: "603 Decline",
    Cause.NO_ANSWER: "480 Temporarily Unavailable",
    Cause.UNALLOCATED: "404 Not Found",
    Cause.CONGESTION: "503 Service Unavailable",
}
AGENTS = ("1001", "1002")


def agent_rows(passwords: dict[str, str]) -> list[dict[str, Any]]:
    """The phones as the database gives them."""
    return [
        {"number": a, "name": f"Agent {a}", "sip_secret": passwords[a], "web_secret": passwords[f"{a}-web"]}
        for a in AGENTS
    ]


@dataclass(frozen=True)
class RunningAsterisk:
    """The process's settings, the passwords of its phones, and the port its trunk expects the outside at."""

    switch: SwitchSettings
    passwords: dict[str, str]
    outside_port: int
    command: tuple[str, ...]

    def cli(self, command: str) -> str:
        installation = ensure_asterisk(self.switch, lambda _: None)
        return asterisk_cli(self.switch, installation, command) or ""


def make_prompts(folder: Path) -> None:
    for name, seconds in ((SHORT, 0.3), (LONG, 20.0)):
        path = folder / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        n = np.arange(int(seconds * 8000))
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * LONG_HERTZ * n / 8000), 8000, subtype="PCM_16")


def asterisk_settings(var: Path) -> SwitchSettings:
    """On ports of its own."""
    settings = load_settings(var)
    settings.dist = Path(os.environ.get("CALLYARD_DIST", REPOSITORY / "var" / "dist"))
    settings.bind, settings.ami_host = "127.0.0.1", ""
    settings.ami_port, settings.sip_ws_port = free_port(), free_port()
    settings.sip_port = free_ports(2)  # the next one is for TLS
    settings.rtp_start, settings.rtp_end = free_range(200)
    return switch_named(settings)


@contextmanager
def running_asterisk(var: Path, given: SwitchSettings | None = None) -> Iterator[RunningAsterisk]:
    """Start, wait until it is ready, end it. Raises ``ProvisionFailed`` where no Asterisk can be had."""
    switch = given or asterisk_settings(var)
    installation = ensure_asterisk(switch, lambda _: None, deadline=100)
    passwords = {device: secrets.token_urlsafe(12) for a in AGENTS for device in (a, f"{a}-web")}
    outside = free_port()
    prepare_home(switch, installation)
    make_prompts(switch.prompts_dir)
    apply(switch, {"agents": agent_rows(passwords), "trunks": trunk_rows(outside)})
    command = asterisk_command(switch, installation)
    with (var / "asterisk.out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        _wait_ready(process, switch, var)
        yield RunningAsterisk(switch, passwords, outside, tuple(command))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait_ready(process: subprocess.Popen[bytes], switch: SwitchSettings, var: Path) -> None:
    installation = ensure_asterisk(switch, lambda _: None)
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if asterisk_cli(switch, installation, "core waitfullybooted", 30) is not None:
            return
        time.sleep(0.1)
    raise AssertionError(f"Asterisk is not ready: {(var / 'asterisk.out').read_text(errors='replace')[-2000:]}")


class AsteriskLeg:
    def __init__(self, call: PhoneCall) -> None:
        self.call = call

    @property
    def digits(self) -> str:
        return self.call.rtp.digits

    def answer(self) -> None:
        self.call.answer()

    def reject(self, cause: Cause) -> None:
        self.call.reject(STATUS[cause])

    def hangup(self) -> None:
        self.call.hangup()

    def press(self, digits: str) -> None:
        self.call.press(digits)

    def hold(self, held: bool) -> None:
        self.call.hold(held)

    def say(self, hertz: float) -> None:
        self.call.say(hertz)

    async def talking(self) -> None:
        await self.call.until("talking")

    async def ended(self) -> None:
        await self.call.until("ended")

    async def was_sent(self, digits: str) -> None:
        await self.call.phone.until(lambda: self.digits == digits, f"digits {digits} (has {self.digits})")

    async def hears(self, hertz: float) -> None:
        await self.call.hears(hertz)

    async def hears_sound(self) -> None:
        await self.call.hears_sound()

    async def hears_silence(self) -> None:
        await self.call.hears_silence()


class AsteriskWorld:
    private = ""  # the address that the phones of agents write into what they send, as behind NAT

    def __init__(self, asterisk: RunningAsterisk) -> None:
        self.asterisk = asterisk
        self.spool = asterisk.switch.spool_dir
        self.log = EventLog()
        self.proxy = LinkProxy("127.0.0.1", asterisk.switch.port)
        self._sip = asterisk.switch.sip_port
        self._phones: dict[str, SipPhone] = {}
        self._left_behind: list[SipPhone] = []
        self._calls_taken: dict[str, int] = {}

    def driver(self, secret: str = "") -> AsteriskSwitch:
        """One more driver over the proxy, with the switch's own secret where none is given."""
        switch = self.asterisk.switch
        return AsteriskSwitch(
            host="127.0.0.1",
            port=self.proxy.port,
            prompts_dir=str(switch.prompts_dir),
            spool_dir=str(switch.spool_dir),
            username=switch.user,
            secret=secret or switch.secret,
        )

    async def __aenter__(self) -> AsteriskWorld:
        await self.proxy.start()
        self.switch = self.driver()
        await self.switch.start(self.log)
        await self.log.until(LinkUp)
        self.outside = await SipPhone("outside", server=self._sip, local_port=self.asterisk.outside_port).__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for phone in [*self._left_behind, *self._phones.values(), self.outside]:
            if phone.registered and phone not in self._left_behind:
                await phone.register(0)
            await phone.__aexit__()
        await self.proxy.restore()
        await self._nothing_left()
        await self.switch.stop()
        await self.proxy.stop()

    async def _nothing_left(self) -> None:
        """By what a new connection is told."""
        since = self.log.mark()
        await self.switch.stop()
        await self.switch.start(self.log)
        await self.log.until(LinkUp, since=since)
        try:
            await self.log.until_true(lambda: not self.switch.channels, what="all channels gone after the test")
        except AssertionError as error:
            raise AssertionError(
                f"{error}\n{self.switch.channels}\n{self.asterisk.cli('core show channels')}"
            ) from None

    def apply_trunks(self, rows: list[dict[str, Any]]) -> None:
        """Put these trunks in force, with the phones that are there."""
        apply(self.asterisk.switch, {"agents": agent_rows(self.asterisk.passwords), "trunks": rows})

    def register_trunk(self, trunk: str) -> None:
        """Make the switch register there now."""
        self.asterisk.cli(f"pjsip send register trunk-{trunk}")

    async def phone(self, device: str) -> SipPhone:
        if device not in self._phones:
            phone = SipPhone(device, self.asterisk.passwords[device], server=self._sip, private=self.private)
            phone.accept = _answers_by_itself_if_asked
            self._phones[device] = await phone.__aenter__()
        return self._phones[device]

    async def register(self, device: str) -> None:
        phone = await self.phone(device)
        if not phone.registered:
            await phone.register()
            await self.log.until(DeviceRegistered, device=device, registered=True)

    async def unregister(self, device: str) -> None:
        await (await self.phone(device)).register(0)

    async def register_elsewhere(self, device: str) -> None:
        """Until the driver has heard of it: switches tell some milliseconds after their 200 to the phone."""
        before = self.switch.place(device)
        self._left_behind.append(self._phones.pop(device))
        await self.register(device)
        await eventually(lambda: self.switch.place(device) not in ("", before), f"{device} is known at its new place")

    async def call_in(self, dialed: str, number: str, name: str = "") -> AsteriskLeg:
        return AsteriskLeg(await self.outside.call(dialed, name=name, shown=number))

    async def dial_from(self, device: str, dialed: str) -> AsteriskLeg:
        return AsteriskLeg(await (await self.phone(device)).call(dialed))

    async def rings(self, device: str) -> AsteriskLeg:
        return AsteriskLeg(await self._next_call(await self.phone(device)))

    async def rings_outside(self, number: str) -> AsteriskLeg:
        call = await self._next_call(self.outside)
        assert call.invite is not None
        assert re.search(rf"sip:{re.escape(number)}@", call.invite.start)
        return AsteriskLeg(call)

    async def nothing_rings(self, device: str) -> None:
        """The switch has had time for two round trips with this phone and sent no INVITE."""
        phone = await self.phone(device)
        for _ in range(2):
            await phone.register()
        assert not [c for c in phone.incoming() if c.state == "ringing"]

    async def cut_link(self) -> None:
        await self.proxy.cut()

    async def restore_link(self) -> None:
        await self.proxy.restore()

    async def restart_driver(self) -> None:
        await self.switch.stop()
        since = self.log.mark()
        self.switch = self.driver()
        await self.switch.start(self.log)
        await self.log.until(LinkUp, since=since)

    async def _next_call(self, phone: SipPhone) -> PhoneCall:
        index = self._calls_taken.get(phone.user, 0)
        self._calls_taken[phone.user] = index + 1
        return await phone.rings(index=index, count=index + 1)


def _answers_by_itself_if_asked(call: PhoneCall) -> None:
    if call.invite is not None and "answer-after=0" in call.invite.get("call-info"):
        call.answer()
