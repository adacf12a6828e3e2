"""``cti check-config``: what must be true for Callyard to run here, one line each. Changes nothing."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.engine import make_url

from cti.domain.errors import CallyardError
from cti.provision.apt import ProvisionFailed
from cti.provision.asterisk import find_asterisk
from cti.provision.first_run import database_trouble
from cti.provision.freeswitch import require_freeswitch
from cti.provision.ports import our_ports, why_not_free
from cti.provision.prompts import missing_prompts
from cti.provision.secrets import effective_secrets
from cti.provision.switches import all_switches
from cti.settings import Settings, SwitchKind, SwitchSettings

DEADLINE = 3.0


@dataclass(frozen=True, slots=True)
class Check:
    """``text`` says what was found, or what to do."""

    name: str
    ok: bool
    text: str


def check_all(settings: Settings) -> list[Check]:
    return [check for probe in (_folders, _ports, _database, _bus, _switch, _prompts) for check in probe(settings)]


def _try(name: str, probe: Callable[[], str]) -> Check:
    try:
        return Check(name, True, probe())
    except (CallyardError, OSError) as error:
        return Check(name, False, " ".join(str(error).split()))


def _folders(settings: Settings) -> Iterator[Check]:
    for name, folder in (
        ("var", settings.var),
        ("recordings", settings.recordings_dir),
        ("spool", settings.spool_dir),
        ("dist", settings.dist_dir),
    ):
        yield _try(f"folder {name}", lambda folder=folder: _writable(folder))  # type: ignore[misc]
    yield _try("secrets", lambda: f"{effective_secrets(settings) and settings.var / 'secrets'}")


def _writable(folder: Path) -> str:
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ProvisionFailed(f"{folder}: not ours to write: change the owner of {existing}")
    return f"{folder} ({shutil.disk_usage(existing).free // 2**20} MB free)"


def _ports(settings: Settings) -> Iterator[Check]:
    """Ports are ours to take, unless Callyard itself holds them."""
    if _serving(settings):
        yield Check("ports", True, "Callyard is running and holds them")
        return
    own = [switch for switch in _switches(settings) if switch.own]
    for port in our_ports(settings, own, own_nats=not settings.nats_url):
        reason = why_not_free(port)
        yield Check(f"port {port.number}", reason is None, reason or f"free for {port.use}")


def _serving(settings: Settings) -> bool:
    from cti.serve import only_one

    try:
        with only_one(settings.var):
            return False
    except ProvisionFailed:
        return True


def _database(settings: Settings) -> Iterator[Check]:
    yield _try("database", lambda: _reach_database(settings))


def _reach_database(settings: Settings) -> str:
    from cti.store.setup import check

    with database_trouble(settings):
        url = make_url(settings.database)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            return "not there yet: made at the first start"
        if check(settings.database) != "ready":
            raise ProvisionFailed("the tables are of an older version: run cti migrate")
    return "reached, tables up to date"


def _bus(settings: Settings) -> Iterator[Check]:
    if settings.nats_url:
        yield _try("bus", lambda: _reach_nats(settings))


def _reach_nats(settings: Settings) -> str:
    """The server's greeting is enough: the token is tried by the programs themselves and said in the log."""
    host, port = _host_port(settings.nats_url.split("://", 1)[-1].rsplit("@", 1)[-1], 4222)
    with socket.create_connection((host, port), DEADLINE) as connection:
        connection.settimeout(DEADLINE)
        if not connection.recv(5).startswith(b"INFO"):
            raise ProvisionFailed(f"{host}:{port} is no NATS server: see CALLYARD_NATS_URL")
    return f"NATS answers at {host}:{port}"


def _switches(settings: Settings) -> tuple[SwitchSettings, ...]:
    """None where they cannot be read: ``_switch`` says so."""
    try:
        return all_switches(settings)
    except CallyardError:
        return ()


def _switch(settings: Settings) -> Iterator[Check]:
    try:
        switches = all_switches(settings)
    except CallyardError as error:
        yield Check("switches", False, " ".join(str(error).split()))
        return
    for switch in switches:
        name = "switch" if len(switches) == 1 else f"switch {switch.name}"
        if switch.kind is SwitchKind.SIM:
            yield Check(name, True, "the simulator; no phone can ring")
        elif switch.kind is SwitchKind.BOARD:
            yield _try(name, partial(_board, switch))
        else:
            yield _try(name, partial(_reach, switch))


def _reach(switch: SwitchSettings) -> str:
    """Our own, by its version; an outside one, by a login on its control port."""
    if switch.kind is SwitchKind.FREESWITCH:
        return require_freeswitch(switch).version() if switch.own else _event_socket(switch)
    return _own_asterisk(switch) if switch.own else _log_in(switch)


def _board(switch: SwitchSettings) -> str:
    """Whether its library can be opened here, by the name of what is missing."""
    if not switch.own:
        return "voice board, its host runs elsewhere"
    from cards.host.process import make_board

    make_board(switch).close()
    return f"voice board, {switch.vendor}{'' if switch.program else ', simulated'}"


def _event_socket(switch: SwitchSettings) -> str:
    from dialplan.freeswitch_deploy import tell

    try:
        tell(switch, ["status"], [])
    except OSError as error:
        raise ProvisionFailed(
            f"{switch.place}: {error}: compare {_secret_of(switch)} and event_socket.conf.xml"
        ) from error
    return f"logged in at {switch.place}"


def _own_asterisk(switch: SwitchSettings) -> str:
    installation = find_asterisk(switch)
    if installation is None:
        return "a private Asterisk is fetched at the first start (110 MB)"
    return installation.version()


def _log_in(switch: SwitchSettings) -> str:
    """Log in to the outside manager, and say what is wrong if it refuses."""
    if any(ord(c) < 32 for c in switch.user + switch.secret):
        raise ProvisionFailed("CALLYARD_AMI_USER and CALLYARD_AMI_SECRET must not hold line ends")
    try:
        with socket.create_connection((switch.host, switch.port), DEADLINE) as connection:
            connection.settimeout(DEADLINE)
            connection.sendall(
                f"Action: Login\r\nUsername: {switch.user}\r\nSecret: {switch.secret}\r\nEvents: off\r\n\r\n".encode()
            )
            answer = b""
            while b"\r\n\r\n" not in answer and len(answer) < 8192:
                chunk = connection.recv(1024)
                if not chunk:
                    break
                answer += chunk
    except OSError as error:
        raise ProvisionFailed(
            f"no manager at {switch.place}: {error}: see docs/operations.md, An existing Asterisk"
        ) from error
    if b"Response: Success" not in answer:
        raise ProvisionFailed(
            f"{switch.place} refuses user {switch.user}: compare {_secret_of(switch)} and manager.conf"
        )
    return f"logged in at {switch.place}"


def _secret_of(switch: SwitchSettings) -> str:
    """Where the secret of its control port is set."""
    known = {"asterisk": "CALLYARD_AMI_SECRET", "freeswitch": "CALLYARD_ESL_PASSWORD"}
    return known.get(switch.name, f"secret of {switch.name} in the switches file")


def _prompts(settings: Settings) -> Iterator[Check]:
    missing = len(missing_prompts(settings.prompts_dir))
    yield Check("prompts", True, f"{missing} to be made at the next start" if missing else "all there")


def _host_port(address: str, default: int) -> tuple[str, int]:
    host, _, port = address.split("/", 1)[0].rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdigit() else (address.strip("[]/"), default)
