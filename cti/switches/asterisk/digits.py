"""Sending DTMF into a call, by short manager connections of their own. Knows channels only by address.

Asterisk carries out PlayDTMF inside the connection's thread, 100 ms a digit and more: on the driver's own connection
that would hold up every call.
"""

from __future__ import annotations

import asyncio
import logging

from cti.domain.errors import ChannelGone, LinkDown, SwitchError
from cti.switches.asterisk import requests
from cti.switches.asterisk.channels import AstChannel
from cti.switches.asterisk.guarded import GuardedManager
from cti.switches.asterisk.wire import text

log = logging.getLogger(__name__)
LENGTH = 120  # ms a digit
GAP = 0.06  # s between digits
MOST_AT_ONCE = 16


class DigitSender:
    """``send`` returns when the first digit is out; the others follow, in order also over several commands."""

    def __init__(self, host: str, port: int, username: str, secret: str) -> None:
        self._address = (host, port)
        self._login = (username, secret)
        self._free = asyncio.Semaphore(MOST_AT_ONCE)
        self._last: dict[str, asyncio.Task[None]] = {}

    async def send(self, chan: AstChannel, digits: str, deadline: float) -> None:
        first = asyncio.get_running_loop().create_future()
        before = self._last.get(chan.id)
        task = asyncio.create_task(self._run(chan, digits, deadline, before, first))
        self._last[chan.id] = task
        task.add_done_callback(lambda done: self._over(chan.id, done))
        await first

    async def stop(self) -> None:
        for task in list(self._last.values()):
            task.cancel()
        await asyncio.gather(*self._last.values(), return_exceptions=True)

    def _over(self, channel: str, task: asyncio.Task[None]) -> None:
        if self._last.get(channel) is task:
            del self._last[channel]

    async def _run(
        self,
        chan: AstChannel,
        digits: str,
        deadline: float,
        before: asyncio.Task[None] | None,
        first: asyncio.Future[None],
    ) -> None:
        try:
            if before is not None:
                await asyncio.wait([before])
            async with self._free:
                await self._press(chan, digits, deadline, first)
        except (SwitchError, OSError) as error:
            if first.done():
                log.warning("digits on %s: %s", chan.id, error)
            else:
                first.set_exception(error if isinstance(error, SwitchError) else SwitchError(str(error)))
        finally:
            if not first.done():
                first.set_exception(LinkDown("given up"))
                first.exception()

    async def _press(self, chan: AstChannel, digits: str, deadline: float, first: asyncio.Future[None]) -> None:
        manager = GuardedManager(*self._address, on_event=lambda _: None, events="off")
        try:
            await manager.open(*self._login, deadline)
            for digit in digits:
                answer = await manager.act(requests.press(chan, digit, LENGTH), deadline)
                if text(answer, "Response") != "Success":
                    raise ChannelGone(text(answer, "Message"), channel=chan.id)
                if not first.done():
                    first.set_result(None)
                await asyncio.sleep(GAP)
        finally:
            manager.abort("done")
