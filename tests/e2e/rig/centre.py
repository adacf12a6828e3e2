"""The whole product, started by ``cti serve`` in a folder and on ports of its own, as a test sees it.

Gives what a test needs to act (bus requests, database session, folders, process ids) and to wait (``agent_is``,
``until``). Must not know any scenario.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import soundfile
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.bus.nats import NatsBus
from cti.provision.secrets import effective_secrets
from cti.provision.switches import switch_named
from cti.settings import Settings, SwitchChoice, load_settings
from cti.store.database import make_engine, make_session_factory
from cti.store.models import Agent, Customer, CustomerPhone, PhoneKind, Queue, Trunk, User
from tests.e2e.rig import processes
from tests.e2e.rig.prepared import begin_with
from tests.e2e.rig.sip import SipPhone
from tests.e2e.rig.switch import RunningFreeSwitch, RunningSwitch, Switch
from tests.e2e.rig.tones import RATE, sine
from tests.ports import free_ports, free_range

REPOSITORY = Path(__file__).resolve().parents[3]
HOLD_TONE = 300.0  # hertz, the music of a FreeSWITCH
START_DEADLINE = 240.0  # the first start may fetch Asterisk
Document = dict[str, Any]
T = TypeVar("T")


async def until(what: str, check: Callable[[], T | Awaitable[T]], deadline: float = 5.0, every: float = 0.02) -> T:
    """Wait until ``check`` gives something true; returns it. Raises ``AssertionError`` naming ``what``."""
    end = time.monotonic() + deadline
    while True:
        value = check()
        value = await value if isinstance(value, Awaitable) else value
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {deadline} s; last seen {value!r}")
        await asyncio.sleep(every)


class Centre:
    """One running product. Build with ``await Centre.start(folder)``."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root = root
        first, last = free_range(1000)
        middle = (first + last) // 2
        both = environment.get("CALLYARD_SWITCH") == "both"
        self.environment = {
            "CALLYARD_VAR": str(root / "var"),
            "CALLYARD_DIST": os.environ.get("CALLYARD_DIST", str(REPOSITORY / "var" / "dist")),
            "CALLYARD_RTP_START": str(first),
            "CALLYARD_RTP_END": str(middle if both else last),
            "CALLYARD_FREESWITCH_RTP_START": str(middle + 1),
            "CALLYARD_FREESWITCH_RTP_END": str(last),
            **{f"CALLYARD_{name}_PORT": str(free_ports(2)) for name in _PORTS},  # the next one of SIP is for TLS
            **environment,
        }
        self.settings = self._settings()
        self.agents: dict[str, Document] = {}
        self.queues: dict[str, Document] = {}
        self.history: list[tuple[float, str, Document]] = []
        self.log = root / "serve.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._bus: NatsBus | None = None
        self._engine = make_engine(self.settings.database)
        self._sessions = make_session_factory(self._engine)

    @classmethod
    async def start(cls, root: Path, prepared: Path | None = None, **environment: str) -> Centre:
        """``prepared`` is what a first start has made; without it this is the first start."""
        centre = cls(root, environment)
        if prepared is not None:
            begin_with(prepared, centre.settings.var)
        await centre.launch()
        return centre

    # ------------------------------------------------ life

    async def launch(self) -> None:
        """Start ``cti serve`` and wait until the site answers and the engine is connected to the switch."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._hold_music()
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - a test may wait the moment that a fork takes
                [sys.executable, "-m", "cti.cli", "serve"],
                cwd=REPOSITORY,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        await until("the site answers", self._site_answers, START_DEADLINE, every=0.2)
        self._bus = NatsBus(f"nats://127.0.0.1:{self.settings.nats_port}", effective_secrets(self.settings).nats_token)
        await self._bus.start()
        assert await self._bus.wait_connected(20)
        await self._bus.subscribe("cy.evt.agent.*", self._saw_agent)
        await self._bus.subscribe("cy.evt.queue.*", self._saw_queue)
        await until("the engine is connected to the switch", self._linked, 30, every=0.1)

    async def stop(self) -> None:
        self._engine.dispose()
        if self._bus:
            await self._bus.stop()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(self.process.wait, 30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise AssertionError("cti serve did not end within 30 s of SIGTERM") from None

    def pid(self, part: str) -> int:
        """Process id of ``engine``, ``worker``, ``asterisk``, ``freeswitch``, ``nats`` or ``web``."""
        assert self.process is not None
        found = [
            pid for pid, line in processes.descendants(self.process.pid).items() if re.search(_COMMAND[part], line)
        ]
        assert found, f"no {part} among {processes.descendants(self.process.pid)}"
        return min(found)

    def kill(self, part: str, signum: signal.Signals = signal.SIGKILL) -> int:
        """kill -9, or another signal; returns the old process id."""
        pid = self.pid(part)
        os.kill(pid, signum)
        return pid

    def output(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def crashes(self) -> str:
        """Unhandled errors that the processes printed, as tracebacks or as ``exception`` of a log line."""
        lines = self.output().splitlines()
        found = [n for n, line in enumerate(lines) if "Traceback (most" in line or '"exception": [' in line]
        return "\n".join("\n".join(lines[n : n + 25])[:4000] for n in found[:5])

    # ------------------------------------------------ acting

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.web_port}"

    @property
    def bus(self) -> NatsBus:
        assert self._bus is not None
        return self._bus

    @property
    def switch(self) -> Switch:
        """The switch that the product runs on."""
        return self.running("freeswitch" if self.settings.switch is SwitchChoice.FREESWITCH else "asterisk")

    @property
    def switches(self) -> list[Switch]:
        names = [switch.name for switch in self.settings.switches() if not switch.gateway]
        return [self.running(name) for name in names] if len(names) > 1 else [self.switch]

    def running(self, name: str) -> Switch:
        """A switch that the product has started, by its name."""
        pid = self.pid(name)
        if name == "freeswitch":
            return RunningFreeSwitch(self.settings, self.sip_port(name), pid)
        line = processes.command_line(pid).split(" -C ")[0].split(" ")
        return RunningSwitch(tuple(line), self.settings.var / "asterisk" / "etc", self.sip_port(name), pid)

    def sip_port(self, switch: str = "") -> int:
        """Of the switch of this name; of the first without one."""
        return switch_named(self.settings, switch).sip_port

    async def links(self) -> dict[str, bool]:
        """Whether the engine is connected, by switch."""
        return {switch["name"]: switch["up"] for switch in (await self.floor())["switches"]}

    @contextlib.contextmanager
    def database(self) -> Iterator[Session]:
        with self._sessions() as session:
            yield session

    def agent_row(self, number: str) -> Agent:
        with self.database() as session:
            return session.scalars(select(Agent).where(Agent.number == number)).one()

    async def agent(self, agent: str, op: str = "state", /, **arguments: object) -> Document:
        """One ``cy.cmd.agent`` operation that must succeed; the agent document."""
        reply = await self.try_agent(agent, op, **arguments)
        assert reply.get("ok"), f"{op} of {agent}: {reply}"
        return dict(reply["agent"])

    async def try_agent(self, agent: str, op: str, /, **arguments: object) -> Document:
        payload = {"op": op, "agent_id": self.agent_row(agent).id, **arguments}
        return await self.bus.request("cy.cmd.agent", payload)

    @property
    def logins(self) -> dict[str, str]:
        """User name → password of the demo people, as the first start wrote them for the administrator."""
        lines = (self.settings.var / "secrets" / "demo-logins").read_text("utf-8").splitlines()
        return dict(line.split(" ", 1) for line in lines if line)

    def device_of(self, username: str) -> tuple[str, str]:
        """Number and chosen device of an agent by user name."""
        with self.database() as session:
            agent = session.scalars(select(Agent).join(User).where(User.username == username)).one()
            return agent.number, agent.device

    def set_locale(self, username: str, locale: str) -> None:
        with self.database() as session:
            session.scalars(select(User).where(User.username == username)).one().locale = locale
            session.commit()

    def use_desk_phone(self, number: str) -> None:
        with self.database() as session:
            session.scalars(select(Agent).where(Agent.number == number)).one().phone = PhoneKind.SIP
            session.commit()

    def customer_of(self, number: str) -> Customer:
        """The one demo customer with a number that ends so."""
        with self.database() as session:
            rows = session.scalars(
                select(Customer).join(CustomerPhone).where(CustomerPhone.number.endswith(number)).distinct()
            ).all()
        assert len(rows) == 1, f"{len(rows)} customers have {number}"
        return rows[0]

    async def floor(self) -> Document:
        return await self.bus.request("cy.cmd.centre", {"op": "floor"})

    async def configure(self, change: Callable[[Session], None], *, phones: bool = False) -> None:
        """Change the database as an administrator's page does, and have it known by the engine (and by the switch)."""
        with self.database() as session:
            change(session)
            session.commit()
        for op in ("publish_config", *(("apply_switch",) if phones else ())):
            reply = await self.bus.request("cy.cmd.worker", {"op": op}, 20.0)
            assert reply.get("ok"), f"{op}: {reply}"
            if version := reply.get("version"):
                await until(f"the engine knows configuration {version}", lambda: self._knows(version), 20, every=0.01)

    async def quick_queues(self, **fields: object) -> None:
        """Set fields of every queue, e.g. ``wrapup=0``, ``ring_timeout=4``."""

        def change(session: Session) -> None:
            for queue in session.scalars(select(Queue)):
                for name, value in fields.items():
                    setattr(queue, name, value)

        await self.configure(change)

    async def set_trunk_port(self, port: int) -> None:
        """Calls out go to a SIP phone of the test at this port."""

        def change(session: Session) -> None:
            for trunk in session.scalars(select(Trunk)):
                trunk.host, trunk.port = "127.0.0.1", port

        await self.configure(change, phones=True)

    async def phone(self, number: str, switch: str = "") -> SipPhone:
        """A registered SIP phone of agent ``number`` that the test steers, at the first switch or the one named."""
        phone = await SipPhone(self.sip_port(switch), number, self.agent_row(number).sip_secret).open()
        await phone.register()
        await until(f"{number} known at its place", lambda: self._place_known(number, phone.port, switch), 10)
        return phone

    async def caller(self, number: str, name: str = "Demo Caller", switch: str = "") -> SipPhone:
        """Somebody outside with this number, who calls the first switch or the one named."""
        return await SipPhone(self.sip_port(switch), number, "", name).open()

    async def on_duty(self, number: str, *, device: str = "") -> None:
        """Agent ``number`` is logged in at a registered phone (its SIP phone unless named), ready or rung already."""
        await self.agent(number, "login", device=device or number)
        await until(f"{number} registered", lambda: self._registered(number), 20)
        await self.agent(number, "ready")
        await self.agent_is(number, "ready", "reserved", "alerting")

    async def everybody_off(self) -> None:
        """No calls, nobody logged in: how each test finds the centre."""
        for switch in self.switches:
            switch.hang_up_everybody()
        await until("no calls", self._idle, 10)
        for number in list(await self.numbers()):
            if (await self.agent(number))["state"] != "loggedOff":
                await self.agent(number, "logout")
                await self.agent_is(number, "loggedOff")

    async def numbers(self) -> list[str]:
        with self.database() as session:
            return list(session.scalars(select(Agent.number).order_by(Agent.number)))

    # ------------------------------------------------ waiting

    async def agent_is(self, number: str, *states: str, deadline: float = 5.0) -> Document:
        """Wait until the engine says that the agent is in one of ``states``."""

        async def check() -> Document | None:
            document = await self.agent(number)
            return document if document["state"] in states else None

        try:
            return await until(f"agent {number} is {states}", check, deadline, every=0.05) or {}
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {await self.agent(number)}") from None

    async def _idle(self) -> bool:
        return (await self.floor())["calls"] == 0

    async def _place_known(self, number: str, port: int, switch: str) -> bool:
        (at,) = [s for s in self.switches if s.name == (switch or self.switch.name)]
        return await asyncio.to_thread(at.place_known, number, port)

    async def _registered(self, number: str) -> bool:
        return bool((await self.agent(number))["registered"])

    async def _knows(self, version: int) -> bool:
        return bool((await self.floor())["config_version"] >= version)

    async def _linked(self) -> bool:
        try:
            floor = await self.floor()
        except Exception:
            return False
        return bool(floor.get("ok")) and all(s["up"] for s in floor["switches"]) and bool(floor["agents"])

    def _site_answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"cti serve ended with {self.process.returncode}: {self.output()[-3000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as reply:
                return bool(reply.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def _saw_agent(self, _subject: str, document: Document) -> None:
        self.agents[document["number"]] = document
        self.history.append((time.time(), document["number"], document))

    def _saw_queue(self, _subject: str, document: Document) -> None:
        self.queues[document["number"]] = document

    def _hold_music(self) -> None:
        """FreeSWITCH starts its music anywhere: a known tone is never taken for what somebody says."""
        folder = self.settings.var / "freeswitch" / "moh"
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / "tone.wav", sine(HOLD_TONE, 10.0), RATE, subtype="PCM_16")

    def _settings(self) -> Settings:
        with _environment(self.environment):
            return load_settings(self.environment["CALLYARD_VAR"])


_PORTS = (
    *("WEB", "NATS", "AMI", "ESL", "SIP", "SIP_WS", "FREESWITCH_SIP", "FREESWITCH_SIP_WS"),
    *("ENGINE_METRICS", "WORKER_METRICS"),
)
_COMMAND = {
    "engine": r"cti\S* engine\b",
    "worker": r"cti\S* worker\b",
    "asterisk": r"asterisk\b.* -C ",
    "freeswitch": r"freeswitch\b.* -conf ",
    "board": r"cti\S* board board\b",
    "second": r"cti\S* board second\b",
    "nats": r"nats-server",
    "web": r"gunicorn",
}


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


__all__ = ["Centre", "until"]
