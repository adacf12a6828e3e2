"""Who hears whom, sorted into what boards can do: pairs, rooms in which all speak or only listen, and the rest.

A pure function of the hearing.
"""

from __future__ import annotations

from dataclasses import dataclass

from cards.host.board import Hearing


@dataclass(frozen=True, slots=True)
class Pair:
    """Both hear each other."""

    one: int
    other: int


@dataclass(frozen=True, slots=True)
class Room:
    """Every one hears all who speak, but itself."""

    speakers: frozenset[int]
    listeners: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class OneWay:
    """``listener`` hears ``speaker``."""

    speaker: int
    listener: int


@dataclass(frozen=True, slots=True)
class Topology:
    pairs: frozenset[Pair]
    rooms: tuple[Room, ...]
    one_way: frozenset[OneWay]  # nobody else is heard by this listener
    mixed: frozenset[OneWay]  # edges of what is neither a pair nor a room: some hear what others do not


def sorted_out(hearing: Hearing) -> Topology:
    pairs: set[Pair] = set()
    rooms: list[Room] = []
    one_way: set[OneWay] = set()
    mixed: set[OneWay] = set()
    for lines in _together(hearing):
        heard = {line: hearing.get(line, frozenset()) & lines for line in lines}
        speakers = frozenset().union(*heard.values())
        if all(heard[line] == speakers - {line} for line in lines):
            if len(lines) == 2 and len(speakers) == 2:
                pairs.add(Pair(*sorted(lines)))
            elif len(speakers) == 1 and len(lines) == 2:
                one_way.add(OneWay(next(iter(speakers)), next(iter(lines - speakers))))
            else:
                rooms.append(Room(speakers, frozenset(lines - speakers)))
        else:
            mixed |= {OneWay(speaker, line) for line in lines for speaker in heard[line]}
    return Topology(
        frozenset(pairs), tuple(sorted(rooms, key=lambda r: min(r.speakers))), frozenset(one_way), frozenset(mixed)
    )


def _together(hearing: Hearing) -> list[frozenset[int]]:
    """Lines that have to do with each other."""
    groups: list[set[int]] = []
    for line, speakers in hearing.items():
        if not speakers:
            continue
        new = {line, *speakers}
        for group in [group for group in groups if group & new]:
            groups.remove(group)
            new |= group
        groups.append(new)
    return [frozenset(group) for group in groups]


def same_room(rooms: dict[int, Room], wanted: Room) -> int | None:
    """The number of the room that is to become the wanted one: the one that shares most with it."""
    shared = {number: len(_all(room) & _all(wanted)) for number, room in rooms.items()}
    best = max(shared, key=lambda number: shared[number], default=None)
    return best if best is not None and shared[best] else None


def _all(room: Room) -> frozenset[int]:
    return room.speakers | room.listeners
