"""What becomes of numbers on a trunk, as words: a call out, a call in, a number that somebody dials.

Uses the same functions as the engine (``cti.domain.trunks``). Must not know requests or the switch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cti.domain.trunks import apply_rules, read_rules
from cti.store.models import Did


@dataclass(frozen=True, slots=True)
class CallOut:
    """``to`` is dialled as ``sent``."""

    to: str
    sent: str


@dataclass(frozen=True, slots=True)
class CallIn:
    """A call to ``to`` from ``caller`` arrives as one to ``number`` from ``shown``.

    ``goal`` is ``kind:id``, empty where no service number fits; ``elsewhere`` the trunk it is bound to instead.
    """

    to: str
    caller: str
    number: str
    shown: str
    goal: str
    elsewhere: str = ""


def call_out(values: dict[str, Any], number: str) -> CallOut:
    return CallOut(number, apply_rules(read_rules(values["dial_rules"]), number))


def call_in(values: dict[str, Any], trunk_id: str, dids: Iterable[Did], number: str, caller: str) -> CallIn:
    """``values`` as ``TrunkForm.values`` gives."""
    dialled = values["did_fixed"] if values["did_from"] == "fixed" else number
    reached = apply_rules(read_rules(values["did_rules"]), dialled)
    shown = apply_rules(read_rules(values["caller_rules"]), caller)
    goal, elsewhere = reach(dids, reached, trunk_id)
    return CallIn(number, caller, reached, shown, goal, elsewhere)


def reach(dids: Iterable[Did], number: str, trunk_id: str) -> tuple[str, str]:
    """Where a number leads that comes in by ``trunk_id`` (empty: by any), and the trunk that it is bound to instead."""
    did = next((did for did in dids if did.number == number), None)
    if did is None:
        return "", ""
    if trunk_id and did.trunk_id and did.trunk_id != trunk_id:
        return "", did.trunk_id
    return f"{did.target_kind.value}:{did.target_id}", ""


def as_dialled(values: dict[str, Any], dids: Sequence[Did]) -> str:
    """What the far side could dial so that the first of ``dids`` is reached: a start for trying the rules."""
    number = dids[0].number if dids else ""
    rules = read_rules(values["did_rules"])
    for rule in rules:
        found = rule.prefix.ljust(rule.strip, "0") + number.removeprefix(rule.add)
        if apply_rules(rules, found) == number:
            return found
    return number
