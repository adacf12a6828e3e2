"""Recordings that end by themselves when their channel says nothing, as ``RecordStart.silence`` asks.

TALK_DETECT tells of who has talked and stops, also after a reconnect. Who has not begun to talk is not told of: that is
a timer here. Where it was lost with a connection, silence from the beginning ends nothing. Must not know sockets.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from cti.domain.errors import SwitchError
from cti.domain.switch.commands import RecordStop
from cti.switches.asterisk import commands
from cti.switches.asterisk.channels import AstChannel, Recording

if TYPE_CHECKING:
    from cti.switches.asterisk.driver import AsteriskSwitch

log = logging.getLogger(__name__)

STOP_DEADLINE = 5.0


class SilenceWatch:
    def __init__(self, switch: AsteriskSwitch) -> None:
        self._switch = switch
        self._ending: set[asyncio.Task[None]] = set()

    def begin(self, chan: AstChannel, recording: Recording) -> None:
        """A recording has started, and perhaps nobody ever says a word."""
        if recording.silence:
            asyncio.get_running_loop().call_later(recording.silence, self._said_nothing, chan, recording)

    def _said_nothing(self, chan: AstChannel, recording: Recording) -> None:
        same = self._switch.channels.get(chan.id) is chan
        if same and chan.recordings.get(recording.recording_id) is recording and not chan.talked:
            self.fell(chan)

    def fell(self, chan: AstChannel) -> None:
        """It has been silent for as long as was asked for."""
        for recording in chan.recordings.values():
            if recording.silence:
                task = asyncio.create_task(self._end(chan, recording.recording_id))
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

    async def _end(self, chan: AstChannel, recording_id: str) -> None:
        try:
            await commands.record_stop(self._switch, RecordStop(chan.id, recording_id), STOP_DEADLINE)
        except (SwitchError, TimeoutError) as error:
            log.info("recording %s goes on: %s", recording_id, error)

    async def stop(self) -> None:
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
