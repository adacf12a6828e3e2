"""What the drivers of switches behind a connection of ours have in common: it is kept up, and what comes is reported.

It must not know what is said over the connection.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from cti.domain.switch.events import LinkLost, LinkUp, SwitchEvent
from cti.switches.base import EventSink
from cti.switches.known import DialledIds, known

log = logging.getLogger(__name__)

BACKOFF_FIRST, BACKOFF_MOST = 0.1, 2.0

C = TypeVar("C")


class LinkedSwitch(ABC, Generic[C]):
    """``C`` is a channel. ``prompts_dir`` and ``spool_dir`` are paths as the switch sees them."""

    def __init__(self, name: str, prompts_dir: str, spool_dir: str, clock: Callable[[], float]) -> None:
        self.name = name
        self.clock = clock
        self._prompts, self._spool = prompts_dir.rstrip("/"), spool_dir.rstrip("/")
        self._sink: EventSink | None = None
        self._task: asyncio.Task[None] | None = None
        self._up = False
        self._trouble = ""  # why it could not connect, said once
        self._dialled = DialledIds()

    @property
    @abstractmethod
    def channels(self) -> dict[str, C]: ...

    @abstractmethod
    async def _one_connection(self) -> str:
        """Connect, learn the truth, serve; return why it ended."""

    # ------------------------------------------------------------ used by commands

    def channel(self, channel: str) -> C:
        """Raises ``ChannelGone``."""
        return known(self.channels, channel)

    def first_use(self, channel: str) -> bool:
        """True the first time an id is dialled; a channel id is dialled once, ever."""
        return channel not in self.channels and self._dialled.add(channel)

    def new_test_id(self) -> str:
        return secrets.token_hex(6)

    def prompt_file(self, prompt: str) -> str:
        return f"{self._prompts}/{prompt}"

    def recording_file(self, name: str) -> str:
        return f"{self._spool}/{name}.raw"

    def report(self, event: SwitchEvent) -> None:
        if self._sink is None:
            return
        try:
            self._sink(event)
        except Exception:
            log.exception("%s: the receiver failed on %s", self.name, type(event).__name__)

    # ------------------------------------------------------------ the connection

    def _keep_up(self, sink: EventSink) -> None:
        self._sink = sink
        self._task = asyncio.create_task(self._keep_connected(), name=f"switch {self.name}")

    async def _give_up(self) -> None:
        self._sink = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def _is_up(self, where: str, ended: Iterable[SwitchEvent]) -> None:
        """The truth is known; ``ended`` is what came to an end while nobody heard."""
        self._up, self._trouble = True, ""
        log.info("%s: connected to %s", self.name, where)
        self.report(LinkUp(self.clock()))
        for event in ended:
            self.report(event)

    async def _keep_connected(self) -> None:
        delay = BACKOFF_FIRST
        try:
            while True:
                reason = await self._one_connection()
                if self._up:
                    self._up, delay = False, BACKOFF_FIRST
                    log.warning("%s: connection lost: %s", self.name, reason)
                    self.report(LinkLost(self.clock(), reason))
                elif reason != self._trouble:
                    log.error("%s: cannot connect: %s", self.name, reason)
                    self.report(LinkLost(self.clock(), reason))
                self._trouble = reason
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))
                delay = min(delay * 2, BACKOFF_MOST)
        finally:
            self._up = False
