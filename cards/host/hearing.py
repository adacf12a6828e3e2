"""Who should hear whom, from the channels as they are: bridges, conferences, holds, listening, whispering, barging in.

A pure function; what a board makes of it is in ``topology``.
"""

from __future__ import annotations

from collections.abc import Mapping

from cards.host.channel import Channel
from cti.domain.switch.commands import SpyMode


def hearing(channels: Mapping[str, Channel]) -> dict[int, frozenset[int]]:
    """By line: the lines that it hears; lines that hear nobody are left out."""
    heard = {chan.id: _partners(chan, channels) for chan in channels.values()}
    for spy in channels.values():
        if spy.spying is not None:
            _listen(heard, spy, spy.spying)
    return {
        channels[one].line.number: frozenset(channels[other].line.number for other in whom)
        for one, whom in heard.items()
        if whom
    }


def _listen(heard: dict[str, set[str]], spy: Channel, target: Channel) -> None:
    with_target = {one for one, whom in heard.items() if target.id in whom and one != spy.id}
    heard[spy.id] = {target.id} | {one for one in heard[target.id] if one != spy.id}
    if spy.spy_mode is not SpyMode.LISTEN:
        heard[target.id].add(spy.id)
    if spy.spy_mode is SpyMode.BARGE:
        for one in with_target:
            heard[one].add(spy.id)


def _partners(chan: Channel, channels: Mapping[str, Channel]) -> set[str]:
    if chan.held or chan.deaf_until:
        return set()
    if chan.peer is not None:
        return set() if chan.peer.held else {chan.peer.id}
    if not chan.conference:
        return set()
    return {
        one.id for one in channels.values() if one.conference == chan.conference and one is not chan and not one.held
    }
