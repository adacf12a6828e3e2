"""The only wiring: settings become switches, a bus, an engine, a worker. No decisions about calls here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator

import structlog

from cti.bus.nats import NatsBus
from cti.engine.metrics import health_of, registry_of
from cti.engine.runner import EngineRunner
from cti.provision.freeswitch import esl_password
from cti.provision.ports import LOOPBACK
from cti.provision.secrets import effective_secrets
from cti.settings import Settings, SwitchChoice
from cti.status import serve_status
from cti.store import worker
from cti.switches.asterisk import AsteriskSwitch
from cti.switches.freeswitch import FreeSwitch
from cti.switches.sim import SimSwitch
from dialplan.which import apply


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


def make_bus(settings: Settings, name: str) -> NatsBus:
    url = settings.nats_url or f"nats://{LOOPBACK}:{settings.nats_port}"
    return NatsBus(url, effective_secrets(settings).nats_token, name=name)


def make_runner(settings: Settings, bus: NatsBus) -> EngineRunner:
    """The engine on the switch the settings name; ``auto`` without an Asterisk was decided by ``cti serve``."""
    if settings.switch is SwitchChoice.SIM:
        sim = SimSwitch(spool_dir=settings.spool_dir, auto=True, play_seconds=1.0)
        return EngineRunner(
            [sim], bus, configured=lambda config: sim.set_devices(d for agent in config.agents for d in agent.devices)
        )
    if settings.switch is SwitchChoice.FREESWITCH:
        freeswitch = FreeSwitch(
            host=settings.esl_host or LOOPBACK,
            port=settings.esl_port,
            password=esl_password(settings),
            prompts_dir=str(settings.prompts_dir),
            spool_dir=str(settings.spool_dir),
        )
        return EngineRunner([freeswitch], bus)
    asterisk = AsteriskSwitch(
        name="asterisk",
        host=settings.ami_host or LOOPBACK,
        port=settings.ami_port,
        username=settings.ami_user,
        secret=effective_secrets(settings).ami_secret,
        prompts_dir=str(settings.prompts_dir),
        spool_dir=str(settings.spool_dir),
    )
    return EngineRunner([asterisk], bus)


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
    bus = make_bus(settings, "engine")
    runner = make_runner(settings, bus)
    async with until_told_to_stop() as stop:
        await bus.start()
        end_status = serve_status(
            LOOPBACK,
            settings.engine_metrics_port,
            registry_of(runner.engine, bus),
            lambda: health_of(runner.engine, bus),
        )
        starting = asyncio.create_task(runner.start())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await stopping
        starting.cancel()
        await runner.stop()
        await bus.stop()
        end_status()


async def run_worker(settings: Settings) -> None:
    """The worker process, until a signal."""
    configure_logging(settings)
    work = asyncio.create_task(
        worker.run_worker(
            database_url=settings.database,
            bus=make_bus(settings, "worker"),
            spool_dir=settings.spool_dir,
            recordings_dir=settings.recordings_dir,
            metrics_port=settings.worker_metrics_port,
            apply_switch=lambda rows: apply(settings, rows),
        )
    )
    async with until_told_to_stop() as stop:
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
