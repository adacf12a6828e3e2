"""What FreeSWITCH does by itself within a moment, and is told to do where it does not: a sound that was stopped ends, a
channel that left its bridge parks, a leg whose phone has hung up ends. No sockets; the driver sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cti.domain.switch.terms import Cause
from cti.switches.freeswitch import requests
from cti.switches.freeswitch.channels import FsChannel, Sound

STOP_AGAIN, STOP_TRIES = 0.1, 20
PARK_WITHIN, PARK_TRIES = 0.3, 5
LEFT_WITHIN = 1.0


class Watch:
    """``there`` says whether a channel is still that one, on a switch that hears us."""

    def __init__(self, send: Callable[[str], None], there: Callable[[FsChannel], bool]) -> None:
        self._send, self._there = send, there

    def stop(self, chan: FsChannel, sound: Sound, tries: int = STOP_TRIES) -> None:
        """A stop at the very moment the sound starts would be lost."""

        def again() -> None:
            if sound.app not in chan.stopping or not self._there(chan):
                return
            if not tries or not sound.running:
                chan.stopping.pop(sound.app, None)
                return
            self._send(requests.stop(chan))
            self.stop(chan, sound, tries - 1)

        asyncio.get_running_loop().call_later(STOP_AGAIN, again)

    def park(self, chan: FsChannel, tries: int = PARK_TRIES) -> None:
        """Of one that left its bridge, or could not be joined."""
        if chan.controlled:
            return
        chan.stranded = True

        def look() -> None:
            lost = chan.stranded and not (chan.controlled or chan.peer or chan.ending)
            if lost and tries and self._there(chan):
                self._send(requests.park_anew(chan))
                self.park(chan, tries - 1)

        asyncio.get_running_loop().call_later(PARK_WITHIN, look)

    def end(self, chan: FsChannel) -> None:
        """Of one whose phone has said BYE."""

        def look() -> None:
            if self._there(chan) and not chan.ending:
                self._send(requests.hangup(chan, Cause.NORMAL))

        asyncio.get_running_loop().call_later(LEFT_WITHIN, look)
