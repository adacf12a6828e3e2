"""The host process of one board library: opens it, keeps it going in one thread, answers on the bus until a signal.

A library that crashes takes this process along and nothing else; whoever watches it starts it anew. Settings come as
plain values, so that it also runs on the board's own machine (``python -m cards.host``).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import structlog

from cards.donjin.board import DonjinBoard
from cards.donjin.e1 import DonjinE1Board
from cards.host.board import Board, BoardError
from cards.host.floor import Floor
from cards.host.library import has
from cards.host.service import Outside, Service
from cards.host.sound import Prompts
from cards.synway.board import SynwayBoard
from cti.domain.errors import CallyardError
from cti.provision.watch import watched_loop

if TYPE_CHECKING:
    from cards.gateway.gateway import Gateway, Streams
    from cti.bus.nats import NatsBus
    from cti.switch_settings import SwitchSettings


log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MadeBoard:
    """``outside`` is the far side of a simulated one, ``close`` ends it; ``streams`` carries the sound of its lines,
    where it can."""

    board: Board
    outside: Outside | None = None
    streams: Streams | None = None
    close: Callable[[], None] = lambda: None


def make_board(switch: SwitchSettings) -> MadeBoard:
    """Load the library, or build the simulated one; nothing is started. Raises ``CallyardError`` naming what lacks."""
    if not switch.program:
        from cards.host.simulated import simulated

        board, outside = simulated(switch.vendor, switch.home / "sim", switch.prompts_dir, switch.e1)
        return MadeBoard(board, outside, outside.sim, outside.close)
    libraries = [Path(part.strip()) for part in switch.program.split(";") if part.strip()]
    if switch.vendor == "donjin":
        return MadeBoard(_donjin(libraries, switch.config))
    return MadeBoard(SynwayBoard(libraries, Path(switch.config) if switch.config else None))


def _donjin(libraries: list[Path], config: str) -> Board:
    """Analog and E1 boards have libraries of their own."""
    if has(libraries, "DJSys_EnableCard") and not has(libraries, "LoadDRV"):
        return DonjinE1Board(libraries, config)
    return DonjinBoard(libraries)


def make_gateway(switch: SwitchSettings, made: MadeBoard) -> Gateway:
    """Raises ``BoardError`` where the board's library gives no sound away, or sippy is missing."""
    try:
        from cards.gateway.gateway import Gateway
    except ImportError as error:
        raise BoardError(f"{switch.name}: a gateway needs sippy: pip install 'callyard[boards]' ({error})") from error
    if made.streams is None or not switch.peers:
        raise BoardError(f"{switch.name}: a gateway wants a board that streams sound, and a softswitch")
    peer = switch.peers[0]
    return Gateway(made.streams, switch.sip_host, switch.sip_port, (peer.host, peer.port))


async def run_host(switch: SwitchSettings, bus: NatsBus) -> None:
    """Until a signal; ends with ``BoardError`` when the board is lost."""
    async with watched_loop():
        await _host(switch, bus)


async def _host(switch: SwitchSettings, bus: NatsBus) -> None:
    made = make_board(switch)
    ready = switch.home / "ready"
    ready.unlink(missing_ok=True)
    threads = ThreadPoolExecutor(1, thread_name_prefix="board")

    def run(work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(threads, work)

    gateway = make_gateway(switch, made) if switch.gateway else None
    service = Service(bus, run, made.outside, gateway)
    floor = Floor(
        switch.name,
        made.board,
        Prompts(switch.prompts_dir, switch.home / "prompts"),
        switch.spool_dir,
        service.emit,
    )
    service.floor = floor
    await bus.start()
    try:
        await run(floor.open)
        if gateway is not None:
            await run(lambda: gateway.open(floor))
        outside = made.outside
        if outside is not None:
            await run(lambda: outside.begin(floor))
        await service.start(floor)
        settle()
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.write_text("ready\n")
        log.info("board.open", board=switch.name, vendor=made.board.vendor, lines=len(floor.lines))
        await _until_told_to_stop(service)
    finally:
        ready.unlink(missing_ok=True)
        with contextlib.suppress(CallyardError):
            if gateway is not None:
                await run(gateway.close)
            await run(floor.close)
        await run(made.close)
        await service.stop()
        await bus.stop()
        threads.shutdown(wait=True)


def settle() -> None:
    """What is there now stays: to look through it for garbage again and again would make steps late."""
    gc.collect()
    gc.freeze()


async def _until_told_to_stop(service: Service) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop.set)
    stepping, stopping = asyncio.create_task(service.keep_stepping()), asyncio.create_task(stop.wait())
    await asyncio.wait({stepping, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if stepping.done():
        stepping.result()
    stepping.cancel()
    with contextlib.suppress(asyncio.CancelledError, BoardError):
        await stepping
