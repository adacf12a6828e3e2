"""What one user may see of live documents: own agent or the whole floor, numbers open or masked.

Pure: takes documents of docs/bus.md and gives the ones for the browser. ``number`` becomes what may go back to the
server (plain, or a token); ``shown`` what may be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from webui.common.phones import mask, pretty, seal

Document = dict[str, Any]


@dataclass(frozen=True)
class Viewer:
    """``floor``: every agent and queue; else only ``agent_id``. ``key`` seals numbers unless ``unmasked``. ``trunks``:
    how trunks are, and test calls through them. ``user_id``: whose reminders."""

    agent_id: str
    floor: bool
    unmasked: bool
    key: bytes
    trunks: bool = False
    user_id: str = ""

    def centre(self, document: Document) -> Document:
        """The document of switches, for most without what is known of their trunks."""
        if self.trunks:
            return document
        hidden = ("trunks", "round_trips")
        switches = [{k: v for k, v in s.items() if k not in hidden} for s in document.get("switches", [])]
        return document | {"switches": switches}

    def agent(self, document: Document) -> Document | None:
        """The agent document for this viewer, or None when it is not for them."""
        if not self.floor and document.get("agent_id") != self.agent_id:
            return None
        transferred = document.get("transferred")
        if isinstance(transferred, dict):
            document = document | {"transferred": transferred | self.number(transferred)}
        watched = document.get("watched")
        if isinstance(watched, dict):
            document = document | {"watched": watched | self.number(watched) | {"caller_name": self.name(watched)}}
        call = document.get("call")
        if not isinstance(call, dict):
            return document
        seen = {key: value for key, value in call.items() if key != "channel"} | self.number(call)
        seen["caller_name"] = self.name(call)
        if not self.unmasked:
            seen["dialed"] = mask(str(call.get("dialed") or ""))
        consult = call.get("consult")
        if isinstance(consult, dict):
            seen["consult"] = consult | self.number(consult)
        return document | {"call": seen}

    def queue(self, document: Document) -> Document | None:
        if not self.floor:
            return None
        waiting = [entry | self.number(entry) for entry in document.get("waiting", [])]
        return document | {"waiting": waiting}

    def number(self, holder: Document) -> Document:
        number = str(holder.get("number") or "")
        if self.unmasked or not number:
            return {"number": number, "shown": pretty(number)}
        return {"number": seal(number, self.key), "shown": mask(pretty(number))}

    def name(self, call: Document) -> str:
        """The caller's name; switches often repeat the number there, which would undo the masking."""
        name = str(call.get("caller_name") or "")
        digits = "".join(c for c in name if c.isdigit())
        return name if self.unmasked or len(digits) < 7 else mask(digits)
