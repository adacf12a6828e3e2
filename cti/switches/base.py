"""The switch contract. Everything above a driver sees only this and ``cti.domain.switch``.

A driver folder holds ``wire.py`` (bytes to frames, no sockets), ``translate.py`` (frames to events), ``driver.py``
(I/O) and ``capabilities.py``. A driver is done when ``tests/conformance`` is green on a real switch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from cti.domain.switch.commands import Command
from cti.domain.switch.events import SwitchEvent
from cti.domain.switch.snapshot import Snapshot
from cti.domain.switch.terms import Capability

EventSink = Callable[[SwitchEvent], None]


class Switch(Protocol):
    """One switch. All methods belong to one asyncio loop; the sink is called in that loop and must not block."""

    name: str
    capabilities: frozenset[Capability]

    async def start(self, sink: EventSink) -> None:
        """Connect in the background and keep connected (back-off with jitter, at most 5 s) until ``stop``.

        Returns at once. ``LinkUp`` tells of each login, ``LinkLost`` of each loss. No command is ever repeated by
        the driver after a reconnect.
        """

    async def stop(self) -> None:
        """Disconnect and end every task. Calls on the switch go on."""

    async def execute(self, command: Command, deadline: float = 5.0) -> None:
        """Carry out ``command``; return when the switch accepted it.

        Raises ``LinkDown``, ``DeadlineExceeded`` (outcome unknown), ``ChannelGone`` or ``CommandRefused``.
        """

    async def snapshot(self, deadline: float = 5.0) -> Snapshot:
        """The truth, now: every live channel with our state, every known device. Errors as ``execute``."""


@runtime_checkable
class Queued(Protocol):
    """A driver whose events wait between being read and being told."""

    name: str

    def backlog(self) -> tuple[int, int]:
        """How many wait now, and the most that waited since the connect."""
