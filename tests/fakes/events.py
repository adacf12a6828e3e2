"""A sink that remembers a switch's events and lets a test wait for one, with a deadline and without polling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from cti.domain.switch.events import SwitchEvent

E = TypeVar("E")


class EventLog:
    """Pass the object itself as the sink. ``mark`` and ``since`` limit what ``until`` looks at."""

    def __init__(self) -> None:
        self.events: list[SwitchEvent] = []
        self._changed = asyncio.Event()

    def __call__(self, event: SwitchEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def mark(self) -> int:
        return len(self.events)

    def all(self, kind: type[E], since: int = 0, **fields: object) -> list[E]:
        """Events of this kind with these field values."""
        return [
            e
            for e in self.events[since:]
            if isinstance(e, kind) and all(getattr(e, name) == value for name, value in fields.items())
        ]

    def kinds(self, channel: str, since: int = 0) -> list[type]:
        return [type(e) for e in self.events[since:] if getattr(e, "channel", "") == channel]

    async def until(self, kind: type[E], deadline: float = 5.0, since: int = 0, **fields: object) -> E:
        """The first such event, waited for. Fails with everything seen."""
        await self.until_true(lambda: bool(self.all(kind, since, **fields)), deadline, f"{kind.__name__} {fields}")
        return self.all(kind, since, **fields)[0]

    async def until_true(self, condition: Callable[[], bool], deadline: float = 5.0, what: str = "condition") -> None:
        """Wait until ``condition`` holds; it is looked at after each event."""
        try:
            async with asyncio.timeout(deadline):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            seen = "\n  ".join(map(str, self.events)) or "nothing"
            raise AssertionError(f"no {what} within {deadline} s; seen:\n  {seen}") from None
