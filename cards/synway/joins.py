"""Pairs, conferences and listeners on a Synway board: only what differs from before is changed.

A channel may listen to several others, so that one of two who talk can hear what the other does not.
"""

from __future__ import annotations

from cards.host.board import BoardError, Hearing
from cards.host.library import Library
from cards.host.topology import OneWay, Pair, Room, same_room, sorted_out

SPEAKS, LISTENS = 0, 1
MEMBERS, SPEAKERS = 32, 32


class Joins:
    def __init__(self, library: Library) -> None:
        self._lib = library
        self._pairs: frozenset[Pair] = frozenset()
        self._one_way: frozenset[OneWay] = frozenset()
        self._rooms: dict[int, Room] = {}

    def make(self, hearing: Hearing) -> None:
        """Raises ``BoardError``."""
        wanted = sorted_out(hearing)
        one_way = wanted.one_way | wanted.mixed
        going_on, new = self._matched(wanted.rooms)
        for pair in self._pairs - wanted.pairs:
            self._lib.SsmStopTalkWith(pair.one, pair.other)
        for way in self._one_way - one_way:
            self._lib.SsmStopListenTo(way.speaker, way.listener)
        for group, room in list(self._rooms.items()):
            self._leave(group, room, going_on.get(group))
        rooms = {}
        for group, room in going_on.items():
            self._enter(group, self._rooms[group], room)
            rooms[group] = room
        for room in new:
            group = int(self._lib.SsmCreateConfGroup(MEMBERS, SPEAKERS, SPEAKERS, 0))
            _good(group, "SsmCreateConfGroup")
            self._enter(group, Room(frozenset()), room)
            rooms[group] = room
        for pair in wanted.pairs - self._pairs:
            _good(self._lib.SsmTalkWith(pair.one, pair.other), "SsmTalkWith")
        for way in one_way - self._one_way:
            _good(self._lib.SsmListenTo(way.speaker, way.listener), "SsmListenTo")
        self._pairs, self._one_way, self._rooms = wanted.pairs, one_way, rooms

    def _matched(self, wanted: tuple[Room, ...]) -> tuple[dict[int, Room], list[Room]]:
        left, found, new = dict(self._rooms), {}, []
        for room in wanted:
            group = same_room(left, room)
            if group is None:
                new.append(room)
            else:
                del left[group]
                found[group] = room
        return found, new

    def _leave(self, group: int, old: Room, new: Room | None) -> None:
        stays = new or Room(frozenset())
        for line in (old.speakers - stays.speakers) | (old.listeners - stays.listeners):
            self._lib.SsmExitConfGroup(line, 0)
        if new is None:
            self._lib.SsmFreeConfGroup(group)

    def _enter(self, group: int, old: Room, new: Room) -> None:
        for line in sorted(new.speakers - old.speakers):
            _good(self._lib.SsmJoinConfGroup(group, line, SPEAKS, 0, 0, 0), "SsmJoinConfGroup")
        for line in sorted(new.listeners - old.listeners):
            _good(self._lib.SsmJoinConfGroup(group, line, LISTENS, 0, 0, 0), "SsmJoinConfGroup")


def _good(result: int, what: str) -> None:
    if result < 0:
        raise BoardError(f"{what} failed ({result})")
