"""Durable messages that wait to be stored: in order, bounded, the oldest kept. Must not know how they are sent."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

LIMIT = 100_000  # messages; about 200 MB of call documents


@dataclass(frozen=True, slots=True)
class Entry:
    subject: str
    message_id: str
    data: bytes


class Outbox:
    """``add`` never waits. When full, the new message is refused: the oldest are kept."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._entries: deque[Entry] = deque()
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> bool:
        """Whether there was room."""
        if len(self._entries) >= self._limit:
            return False
        self._entries.append(entry)
        self._filled.set()
        self._empty.clear()
        return True

    async def head(self, count: int) -> list[Entry]:
        """Wait for a message; the first ``count`` of them, left in place."""
        await self._filled.wait()
        return [self._entries[i] for i in range(min(count, len(self._entries)))]

    def settle(self, batch: list[Entry], settled: list[bool]) -> None:
        """Take the settled ones of ``batch``, which is what ``head`` gave, out; the others keep their places."""
        for _ in batch:
            self._entries.popleft()
        kept = [entry for entry, done in zip(batch, settled, strict=True) if not done]
        self._entries.extendleft(reversed(kept))
        if not self._entries:
            self._filled.clear()
            self._empty.set()

    async def wait_empty(self, deadline: float) -> bool:
        try:
            async with asyncio.timeout(deadline):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True
