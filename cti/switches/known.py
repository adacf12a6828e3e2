"""The channels of a switch that keeps them itself (simulator, board), by id. It must not know what a channel is."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

from cti.domain.errors import ChannelGone, CommandRefused

KNOWN_IDS = 100_000


class Controllable(Protocol):
    controlled: bool


C = TypeVar("C", bound=Controllable)


class KnownChannels(Generic[C]):
    def __init__(self) -> None:
        self.channels: dict[str, C] = {}
        self._used: OrderedDict[str, None] = OrderedDict()

    def channel(self, channel: str) -> C:
        """Raises ``ChannelGone``."""
        try:
            return self.channels[channel]
        except KeyError:
            raise ChannelGone(f"no channel {channel}", channel=channel) from None

    def controlled(self, channel: str) -> C:
        """Raises ``ChannelGone``, or ``CommandRefused`` for one that is in nobody's hands."""
        chan = self.channel(channel)
        if not chan.controlled:
            raise CommandRefused(f"channel {channel} is not controlled", channel=channel)
        return chan

    def first_use(self, channel: str) -> bool:
        """True the first time an id is dialled."""
        if channel in self._used or channel in self.channels:
            return False
        self._used[channel] = None
        if len(self._used) > KNOWN_IDS:
            self._used.popitem(last=False)
        return True
