"""The channels of a switch, and the ids that were ever dialled there. It must not know what a channel is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

from cti.domain.errors import ChannelGone, CommandRefused

KNOWN_IDS = 100_000


class Controllable(Protocol):
    controlled: bool


T = TypeVar("T")
C = TypeVar("C", bound=Controllable)


def known(channels: Mapping[str, T], channel: str) -> T:
    """Raises ``ChannelGone``."""
    try:
        return channels[channel]
    except KeyError:
        raise ChannelGone(f"no channel {channel}", channel=channel) from None


class DialledIds:
    """The newest ``KNOWN_IDS`` of them."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, channel: str) -> bool:
        return channel in self._ids

    def add(self, channel: str) -> bool:
        """True the first time."""
        if channel in self._ids:
            return False
        self._ids[channel] = None
        if len(self._ids) > KNOWN_IDS:
            self._ids.popitem(last=False)
        return True


class KnownChannels(Generic[C]):
    """Those of a switch that keeps them itself: simulator, board."""

    def __init__(self) -> None:
        self.channels: dict[str, C] = {}
        self._dialled = DialledIds()

    def channel(self, channel: str) -> C:
        """Raises ``ChannelGone``."""
        return known(self.channels, channel)

    def controlled(self, channel: str) -> C:
        """Raises ``ChannelGone``, or ``CommandRefused`` for one that is in nobody's hands."""
        chan = self.channel(channel)
        if not chan.controlled:
            raise CommandRefused(f"channel {channel} is not controlled", channel=channel)
        return chan

    def first_use(self, channel: str) -> bool:
        """True the first time an id is dialled."""
        return channel not in self.channels and self._dialled.add(channel)
