"""Pairs, rooms and listeners on a Donjin board: only what differs from before is changed.

The board cannot let one of several hear what the others do not: that is refused, and nothing is changed.
"""

from __future__ import annotations

from cards.host.board import BoardError, Hearing
from cards.host.library import Library
from cards.host.topology import OneWay, Pair, Room, same_room, sorted_out

ROOMS = range(1, 11)
PLACES = 32


class Joins:
    def __init__(self, library: Library) -> None:
        self._lib = library
        self.rooms_there = False
        self._pairs: frozenset[Pair] = frozenset()
        self._one_way: frozenset[OneWay] = frozenset()
        self._rooms: dict[int, Room] = {}

    def make(self, hearing: Hearing) -> None:
        """Raises ``BoardError``."""
        wanted = sorted_out(hearing)
        if wanted.mixed:
            raise BoardError("this board cannot let one of several hear what the others do not")
        if wanted.rooms and not self.rooms_there:
            raise BoardError("this board has no conferences (DConf_EnableConfCard)")
        rooms = self._numbered(wanted.rooms)
        for pair in self._pairs - wanted.pairs:
            self._lib.ClearLink(pair.one, pair.other)
        for way in self._one_way - wanted.one_way:
            self._lib.ClearOneFromAnother(way.listener, way.speaker)
        for number, room in self._rooms.items():
            self._leave(number, room, rooms.get(number, Room(frozenset())))
        for number, room in rooms.items():
            self._enter(number, self._rooms.get(number, Room(frozenset())), room)
        for pair in wanted.pairs - self._pairs:
            _good(self._lib.SetLink(pair.one, pair.other), "SetLink")
        for way in wanted.one_way - self._one_way:
            _good(self._lib.LinkOneToAnother(way.listener, way.speaker), "LinkOneToAnother")
        self._pairs, self._one_way, self._rooms = wanted.pairs, wanted.one_way, rooms

    def _numbered(self, wanted: tuple[Room, ...]) -> dict[int, Room]:
        """A room that goes on keeps its number."""
        left, found = dict(self._rooms), {}
        unmatched = []
        for room in wanted:
            if len(room.speakers) + len(room.listeners) > PLACES:
                raise BoardError(f"a conference of this board has {PLACES} places")
            number = same_room(left, room)
            if number is None:
                unmatched.append(room)
            else:
                del left[number]
                found[number] = room
        free = [number for number in ROOMS if number not in found and number not in self._rooms]
        if len(unmatched) > len(free):
            raise BoardError(f"this board has {len(ROOMS)} conferences")
        return found | dict(zip(free, unmatched, strict=False))

    def _leave(self, number: int, old: Room, new: Room) -> None:
        for line in old.speakers - new.speakers:
            self._lib.SubChnl(number, line)
        for line in old.listeners - new.listeners:
            self._lib.SubListenChnl(number, line)

    def _enter(self, number: int, old: Room, new: Room) -> None:
        for line in sorted(new.speakers - old.speakers):
            _good(self._lib.AddChnl(number, line, 0, 0), "AddChnl")
        for line in sorted(new.listeners - old.listeners):
            _good(self._lib.AddListenChnl(number, line), "AddListenChnl")


def _good(result: int, what: str) -> None:
    if result != 0:
        raise BoardError(f"{what} failed ({result})")
