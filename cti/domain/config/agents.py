"""Agents and their phones."""

from __future__ import annotations

from dataclasses import dataclass, field

OUTSIDE = "-out"  # ends the name of the device of an agent who is called at a number outside


def is_outside(device: str) -> bool:
    return device.endswith(OUTSIDE)


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """``number`` is the extension and work number; devices are ``<number>`` (SIP phone), ``<number>-web`` and, where
    the agent may be called at a number ``outside``, ``<number>-out``."""

    id: str
    number: str
    name: str
    queues: tuple[str, ...] = ()
    skills: dict[str, int] = field(default_factory=dict)  # 1 to 9, 9 the best
    outside: str = ""

    @property
    def devices(self) -> tuple[str, ...]:
        outside = (f"{self.number}{OUTSIDE}",) if self.outside else ()
        return (self.number, f"{self.number}-web", *outside)
