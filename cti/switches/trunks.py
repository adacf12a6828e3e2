"""What a driver knows of each trunk, and what of that has been told. Pure; the same for every switch.

A trunk is up if it answers and, where it registers, is registered.
"""

from __future__ import annotations

from collections.abc import Collection

from cti.domain.switch.events import TrunkChanged
from cti.domain.switch.terms import TrunkState

NOTICEABLE = 0.01
"""Seconds by which a round trip must differ, and by half, to be told anew."""


class Trunks:
    """``answers`` of a trunk is None while nobody has asked it; ``registration`` None where it does not register."""

    def __init__(self) -> None:
        self._answers: dict[str, bool | None] = {}
        self._registrations: dict[str, TrunkState] = {}
        self._round_trips: dict[str, float] = {}
        self._told: dict[str, tuple[TrunkState, float]] = {}

    def answers(self, trunk: str, answers: bool | None, round_trip: float = 0.0) -> None:
        self._answers[trunk] = answers
        self._round_trips[trunk] = round_trip if answers else 0.0

    def registration(self, trunk: str, state: TrunkState) -> None:
        self._registrations[trunk] = state

    def registered(self, trunk: str) -> TrunkState | None:
        return self._registrations.get(trunk)

    def round_trip(self, trunk: str) -> float:
        return self._round_trips.get(trunk, 0.0)

    def states(self) -> dict[str, TrunkState]:
        return {trunk: self._state(trunk) for trunk in self._answers.keys() | self._registrations.keys()}

    def changes(self, at: float) -> list[TrunkChanged]:
        """What is not told yet."""
        found: list[TrunkChanged] = []
        for trunk, state in sorted(self.states().items()):
            told, before = self._told.get(trunk, (None, 0.0))
            now = self.round_trip(trunk)
            if state is not told or abs(now - before) > max(NOTICEABLE, before / 2):
                self._told[trunk] = (state, now)
                found.append(TrunkChanged(at, trunk, state, now))
        return found

    def goes_on_from(self, before: Trunks) -> None:
        """What ``before`` has told of the trunks that are still there need not be told again."""
        self._told = {trunk: told for trunk, told in before._told.items() if trunk in self.states()}

    def keep(self, trunks: Collection[str]) -> None:
        """Forget every other."""
        for known in (self._answers, self._registrations, self._round_trips, self._told):
            for gone in known.keys() - set(trunks):
                del known[gone]

    def _state(self, trunk: str) -> TrunkState:
        answers, registration = self._answers.get(trunk), self._registrations.get(trunk)
        if answers is False:
            return TrunkState.DOWN
        if registration is not None:
            return registration
        return TrunkState.UP if answers else TrunkState.UNKNOWN
