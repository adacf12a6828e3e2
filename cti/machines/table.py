"""How every state table is stepped. A pair that is not in the table raises and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from cti.domain.errors import IllegalTransition

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)
F = TypeVar("F", bound=StrEnum)

Table = Mapping[tuple[S, E], tuple[S, tuple[F, ...]]]


def step(table: Table[S, E, F], state: S, event: E) -> tuple[S, tuple[F, ...]]:
    """Return the next state and its effects. Raises ``IllegalTransition``."""
    try:
        return table[state, event]
    except KeyError:
        raise IllegalTransition(f"{event} in {state}", state=str(state), event=str(event)) from None


def mermaid(table: Table[S, E, F]) -> str:
    """Draw the table as a Mermaid state diagram, for docs/."""
    lines = ["stateDiagram-v2"]
    for (state, event), (target, effects) in table.items():
        note = f" / {', '.join(effects)}" if effects else ""
        lines.append(f"    {state} --> {target}: {event}{note}")
    return "\n".join(lines) + "\n"
