"""``cti serve``: one command that prepares, starts and watches everything, and ends it whole.

Bus, switches, worker, engine, web; what settings place elsewhere is not started. Must not know calls or pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cti.domain.errors import CallyardError
from cti.provision import programs
from cti.provision.apt import ProvisionFailed
from cti.provision.asterisk import ensure_asterisk
from cti.provision.first_run import (
    FirstRun,
    Installation,
    forget_first_password,
    load_rows,
    prepare_boards,
    prepare_database,
    prepare_switch,
)
from cti.provision.freeswitch import require_freeswitch
from cti.provision.logs import ConsoleLog
from cti.provision.ports import our_ports, require_ports
from cti.provision.prompts import make_prompts
from cti.provision.secrets import effective_secrets
from cti.provision.supervisor import Supervisor
from cti.provision.switches import all_switches
from cti.settings import Settings, SwitchChoice, SwitchKind, SwitchSettings

NEEDED_BYTES = 100 * 2**20


def serve(settings: Settings) -> int:
    """Run until a signal; the exit status. Everything a person must know is printed."""
    log = ConsoleLog(settings.var / "log")
    try:
        with only_one(settings.var):
            return asyncio.run(_serve(settings, log))
    except CallyardError as error:
        log.failure(str(error))
    except OSError as error:
        advice = ": make room on its disk" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        log.failure(f"{error.filename or settings.var}: {error.strerror or error}{advice}")
    return 1


async def _serve(settings: Settings, log: ConsoleLog) -> int:
    began = time.monotonic()
    stop = _stop_event(log)
    preparing = asyncio.create_task(asyncio.to_thread(prepare, settings, log))
    if not await _or_stop(preparing, stop):
        log.line("callyard", "stopped while preparing; what was half done is done again at the next start")
        os._exit(0)  # a download in another thread must not hold us; its programs die with us
    stages, environment, first_run = preparing.result()
    supervisor = Supervisor(stages, environment, log)
    starting = asyncio.create_task(supervisor.start())
    try:
        if await _or_stop(starting, stop):
            starting.result()
            log.banner(_banner(settings, first_run, time.monotonic() - began))
            forget_first_password(settings)
            await stop.wait()
        log.line("callyard", "stopping")
    finally:
        starting.cancel()
        stop.clear()
        await _stop_all(supervisor, stop)
    log.line("callyard", "stopped")
    return 0


def prepare(settings: Settings, log: ConsoleLog) -> tuple[list[list[programs.Program]], dict[str, str], FirstRun]:
    """Everything that must be true before the first program starts. Raises ``CallyardError`` with what to do."""

    def say(text: str) -> None:
        log.line("callyard", text)

    require_space(settings.var)
    found = choose_switches(settings, say)
    own_nats = not settings.nats_url
    boards = [switch for switch in all_switches(found.settings) if switch.kind is SwitchKind.BOARD and switch.own]
    require_ports(our_ports(found.settings, [*(switch for switch, _ in found.own), *boards], own_nats=own_nats))
    secrets = effective_secrets(settings)
    for folder in (settings.recordings_dir, settings.spool_dir, settings.prompts_dir):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ThreadPoolExecutor(1) as beside:  # speech is made in a library, so both go on at once
        prompts = beside.submit(make_prompts, settings.prompts_dir)
        first_run = prepare_database(settings, say)
        made = prompts.result()
    if made:
        say(f"prompts: {made} made")
    if boards:
        prepare_boards(found.settings, boards, say)
    if found.own:
        rows = load_rows(settings)
        for switch, installation in found.own:
            prepare_switch(switch, installation, rows)
    bus = programs.nats_server(settings, secrets) if own_nats else None
    stages = stages_of(settings, bus, [programs.switch(*own) for own in found.own], [programs.board(b) for b in boards])
    return stages, _environment(settings, found.settings.switch), first_run


def stages_of(
    settings: Settings,
    bus: programs.Program | None,
    switches: list[programs.Program],
    boards: list[programs.Program],
) -> list[list[programs.Program]]:
    """What starts together: all that needs but the bus at once, boards when their switch is there, the engine last."""
    beside = [*switches, programs.worker(settings), programs.web(settings)]
    return [stage for stage in ([bus] if bus else [], beside, boards, [programs.engine(settings)]) if stage]


@dataclass(frozen=True, slots=True)
class Found:
    """``settings`` with the choice that was made; ``own`` are the switches that we run, with their programs."""

    settings: Settings
    own: tuple[tuple[SwitchSettings, Installation], ...]


def choose_switches(settings: Settings, say: programs.Say) -> Found:
    """Find the program of every switch of our own; ``auto`` without an Asterisk becomes the simulator.

    Raises ``ProvisionFailed``.
    """
    own: list[tuple[SwitchSettings, Installation]] = []
    switches = all_switches(settings)
    for switch in switches:
        if switch.own and switch.kind is SwitchKind.FREESWITCH:
            require_freeswitch(switch)  # before an Asterisk is fetched
    for switch in switches:
        if switch.kind is SwitchKind.SIM:
            say("NOTICE: the simulator stands in for the switch; no phone can ring (CALLYARD_SWITCH=sim)")
        elif switch.kind is SwitchKind.BOARD:
            if not switch.own:
                say(f"voice board {switch.name}: its host runs elsewhere")
                continue
            require_board(switch)
            kind = f"the library {switch.program}" if switch.program else "simulated"
            way = f", its lines are calls of {switch.peers[0].name}" if switch.gateway else ""
            say(f"voice board {switch.name}: {switch.vendor}, {kind}{way}")
        elif not switch.own:
            say(f"using the {switch.title} at {switch.place}")
        elif switch.kind is SwitchKind.FREESWITCH:
            freeswitch = require_freeswitch(switch)
            say(f"FreeSWITCH: {freeswitch.program}")
            own.append((switch, freeswitch))
        else:
            try:
                own.append((switch, ensure_asterisk(switch, say)))
            except ProvisionFailed as error:
                if settings.switch is not SwitchChoice.AUTO or switch.name != "asterisk":
                    raise
                say(f"NOTICE: {error}")
                return choose_switches(settings.model_copy(update={"switch": SwitchChoice.SIM}), say)
    return Found(settings, tuple(own))


def require_board(switch: SwitchSettings) -> None:
    """Build the simulated board, or find a real one's library. Raises ``ProvisionFailed`` naming what is missing."""
    from cards.host.process import make_board

    try:
        make_board(switch).close()
    except CallyardError as error:
        raise ProvisionFailed(str(error)) from error


def require_space(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ProvisionFailed(f"{folder}: not ours to write: change its owner, or set CALLYARD_VAR")
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise ProvisionFailed(f"{folder}: only {free // 2**20} MB free on its disk: make room, or set CALLYARD_VAR")


@contextlib.contextmanager
def only_one(var: Path) -> Iterator[None]:
    """One ``cti serve`` on one ``var``; the kernel frees the lock when we die. Raises ``ProvisionFailed``."""
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (var / "serve.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise ProvisionFailed(
                f"Callyard already runs from {var} (process {file.read().strip() or '?'}): "
                "stop it first, or set CALLYARD_VAR to another folder"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _environment(settings: Settings, switch: SwitchChoice) -> dict[str, str]:
    return {
        **os.environ,
        "CALLYARD_VAR": str(settings.var),
        "CALLYARD_SWITCH": switch.value,
        "PYTHONUNBUFFERED": "1",
    }


def _stop_event(log: ConsoleLog) -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        loop.add_signal_handler(signal.SIGHUP, stop.set)
    loop.set_exception_handler(lambda _loop, context: log.line("callyard", str(context.get("message"))))
    return stop


async def _or_stop(task: asyncio.Task[object] | asyncio.Task[None], stop: asyncio.Event) -> bool:
    """Wait for ``task`` or the signal; whether ``task`` is done."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    return task.done()


async def _stop_all(supervisor: Supervisor, again: asyncio.Event) -> None:
    """In order; a second signal ends everything at once."""
    stopping = asyncio.create_task(supervisor.stop())
    if not await _or_stop(stopping, again):
        await supervisor.kill()
    await stopping


def _banner(settings: Settings, first_run: FirstRun, seconds: float) -> list[str]:
    host = programs.reachable(settings.bind)
    address = settings.public_url or f"http://{f'[{host}]' if ':' in host else host}:{settings.web_port}"
    lines = [f"Callyard is ready after {seconds:.1f} s:  {address}"]
    if first_run.admin_password:
        lines.append(f"First administrator:  {first_run.admin_name}    one-time password:  {first_run.admin_password}")
    if first_run.demo_logins:
        lines.append(f"Logins of the demo people:  {first_run.demo_logins}")
    return [*lines, "Ctrl-C stops everything."]


if __name__ == "__main__":
    from cti.settings import load_settings

    sys.exit(serve(load_settings()))
