"""Messages of the operation log (docs/bus.md) as lines in order. Pure; must not know words.

An answer that came after its command's line had been sent is put on that line. Whatever is not as it should be is left
out: a newer engine may write what this page does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cti.bus.base import Traced

KINDS = ("event", "command", "call", "agent", "request", "timer", "snapshot", "engine")


@dataclass(slots=True)
class Line:
    """``subject`` without ``cy.trace.``; ``id`` is its own in this log."""

    id: str
    subject: str
    at: float
    kind: str
    name: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def channel(self) -> str:
        return str(self.data.get("channel") or "")

    @property
    def channels(self) -> set[str]:
        """All that are named in it."""
        legs, fields = self.data.get("legs"), self.fields
        named = {str(fields[name]) for name in ("peer", "target") if isinstance(fields.get(name), str)}
        return ({self.channel} | named | set(legs if isinstance(legs, dict) else ())) - {""}

    @property
    def switch(self) -> str:
        return str(self.data.get("switch") or "")

    @property
    def fields(self) -> Mapping[str, Any]:
        found = self.data.get("with")
        return found if isinstance(found, dict) else {}


def in_order(messages: Iterable[Traced]) -> list[Line]:
    """The lines by time; where the engine was started anew there is one of kind ``engine``."""
    found: list[Line] = []
    commands: dict[tuple[str, Any], Line] = {}
    engine = ""
    for message in messages:
        started = str(message.document.get("engine") or "")
        for at, data in enumerate(well_formed(message.document)):
            if engine and started != engine:
                found.append(Line(f"e{message.sequence}", subject_of(message), data["at"], "engine", "started"))
            engine = started
            if data["kind"] == "result":
                answered = commands.get((engine, data.get("n")))
                if answered is not None:
                    answered.data |= {key: data[key] for key in ("ms", "error", "detail") if key in data}
                continue
            line = Line(
                f"{message.sequence}-{at}",
                subject_of(message),
                data["at"],
                data["kind"],
                str(data.get("name", "")),
                data,
            )
            found.append(line)
            if line.kind == "command":
                commands[engine, data.get("n")] = line
    found.sort(key=lambda line: line.at)
    return found


def subject_of(message: Traced) -> str:
    return message.subject.removeprefix("cy.trace.")


def well_formed(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    lines = document.get("lines")
    for data in lines if isinstance(lines, list) else ():
        if isinstance(data, dict) and isinstance(data.get("at"), int | float) and isinstance(data.get("kind"), str):
            yield dict(data)
