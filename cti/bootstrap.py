"""The only wiring: settings become switches, a bus, an engine, a worker. No decisions about calls here."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from functools import partial

import structlog

from cti.bus.base import TraceKeep
from cti.bus.nats import NatsBus
from cti.domain.config.centre import CentreConfig
from cti.domain.dahdi import board_name
from cti.engine.metrics import health_of, registry_of
from cti.engine.runner import EngineRunner
from cti.provision.secrets import effective_secrets
from cti.provision.switches import all_switches
from cti.provision.watch import watched_loop
from cti.settings import LOOPBACK, Settings, SwitchKind, SwitchSettings
from cti.status import serve_status
from cti.store import worker
from cti.switches.asterisk import AsteriskSwitch, lines_page
from cti.switches.base import Queued, Switch
from cti.switches.board import BoardSwitch
from cti.switches.board.wire import command_subject
from cti.switches.freeswitch import FreeSwitch
from cti.switches.sim import SimSwitch
from dialplan.which import apply, each


def configure_logging(settings: Settings) -> None:
    """Structured lines: JSON when nobody watches the terminal directly, so that logs can be searched by call id."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def make_bus(settings: Settings, name: str, trace: TraceKeep | None = None) -> NatsBus:
    url = settings.nats_url or f"nats://{LOOPBACK}:{settings.nats_port}"
    return NatsBus(url, effective_secrets(settings).nats_token, name=name, trace=trace)


def make_switch(switch: SwitchSettings, bus: NatsBus) -> Switch:
    """The driver of one switch; a board's is met on the bus."""
    prompts, spool = str(switch.prompts_dir), str(switch.spool_dir)
    match switch.kind:
        case SwitchKind.SIM:
            return SimSwitch(switch.name, spool_dir=spool, auto=True, play_seconds=1.0)
        case SwitchKind.BOARD:
            return BoardSwitch(switch.name, bus)
        case SwitchKind.FREESWITCH:
            return FreeSwitch(
                switch.name,
                host=switch.host,
                port=switch.port,
                password=switch.secret,
                prompts_dir=prompts,
                spool_dir=spool,
                capture_port=switch.port if switch.own else 0,
            )
        case SwitchKind.ASTERISK:
            return AsteriskSwitch(
                switch.name,
                host=switch.host,
                port=switch.port,
                username=switch.user,
                secret=switch.secret,
                prompts_dir=prompts,
                spool_dir=spool,
            )


def make_switches(settings: Settings, bus: NatsBus) -> list[Switch]:
    """Every switch of the settings; ``auto`` without an Asterisk was decided by ``cti serve``."""
    return [make_switch(switch, bus) for switch in all_switches(settings) if not switch.gateway]


def make_runner(settings: Settings, switches: Sequence[Switch], bus: NatsBus) -> EngineRunner:
    """The engine on these switches."""

    def configured(config: CentreConfig) -> None:
        for switch in switches:
            if isinstance(switch, SimSwitch):
                switch.set_devices(device for agent in config.agents for device in agent.devices)

    runner = EngineRunner(switches, bus, configured=configured, zone=settings.timezone)
    runner.engine.centre.short_abandon = settings.short_abandon
    runner.engine.centre.apart = frozenset(switch.name for switch in switches if isinstance(switch, BoardSwitch))
    return runner


@contextlib.asynccontextmanager
async def until_told_to_stop() -> AsyncIterator[asyncio.Event]:
    """An event set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def run_engine(settings: Settings) -> None:
    """The engine process, until a signal."""
    configure_logging(settings)
    bus = make_bus(settings, "engine", TraceKeep(settings.trace_days, settings.trace_megabytes))
    switches = make_switches(settings, bus)
    runner = make_runner(settings, switches, bus)
    async with watched_loop(), until_told_to_stop() as stop:
        await bus.start()
        end_status = serve_status(
            LOOPBACK,
            settings.engine_metrics_port,
            registry_of(runner.engine, bus, [switch for switch in switches if isinstance(switch, Queued)]),
            lambda: health_of(runner.engine, bus),
        )
        for switch in switches:
            if isinstance(switch, AsteriskSwitch):
                await bus.serve(command_subject(board_name(switch.name)), partial(lines_page.answer, switch))
        starting = asyncio.create_task(runner.start())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            _collect_only_what_is_new()
            await stopping
        starting.cancel()
        await runner.stop()
        await bus.stop()
        end_status()


def _collect_only_what_is_new() -> None:
    """Programs and configuration stay: walking through them all took 65 ms now and then, with telephones waiting."""
    gc.collect()
    gc.freeze()


async def run_worker(settings: Settings) -> None:
    """The worker process, until a signal."""
    configure_logging(settings)
    switches = all_switches(settings)
    work = asyncio.create_task(
        worker.run_worker(
            database_url=settings.database,
            bus=make_bus(settings, "worker"),
            spool_dirs=tuple(dict.fromkeys(switch.spool_here for switch in switches)),
            recordings_dir=settings.recordings_dir,
            metrics_port=settings.worker_metrics_port,
            apply_switch=lambda rows: each(switches, lambda switch: apply(switch, rows)),
            ticket_days=settings.ticket_days,
            webhook_private=settings.webhook_private,
        )
    )
    async with until_told_to_stop() as stop:
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
