"""The keyboard map: one table from which the scripts take their keys, the buttons their hints and the help its list.

A key with Ctrl works only while a call rings, a single sign only where nobody is typing; function keys and Alt with
another key work everywhere. All of them are keys that Chrome leaves free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _


@dataclass(frozen=True)
class Binding:
    """``keys`` do ``action``: a button of the bar (``data-act``), or a place that ``keys.js`` knows."""

    keys: tuple[str, ...]
    action: str
    label: str

    def document(self) -> dict[str, Any]:
        return {"keys": list(self.keys), "action": self.action}


def bindings() -> list[Binding]:
    """Every shortcut, in the order of the help, in the user's language."""
    return [
        Binding(("F2", "Ctrl+Enter"), "answer", _("Answer")),
        Binding(("F4",), "hangup", _("Hang up")),
        Binding(("F8",), "hold", _("Hold, retrieve")),
        Binding(("F9",), "transfer", _("Transfer")),
        Binding(("Alt+C",), "complete", _("Complete the transfer")),
        Binding(("Alt+Q",), "take_back", _("Take the call back")),
        Binding(("Alt+I",), "conference", _("Conference: all three together")),
        Binding(("Alt+K",), "keypad", _("Send digits")),
        Binding(("Alt+U",), "mute", _("Microphone off, on")),
        Binding(("Alt+R",), "ready", _("Ready")),
        Binding(("Alt+B",), "busy", _("Busy, then 1–9")),
        Binding(("Alt+W",), "away", _("Away")),
        Binding(("Alt+N",), "wrapup_done", _("Wrap-up done")),
        Binding(("Alt+M",), "wrapup_extend", _("30 s more")),
        Binding(("Alt+L",), "number", _("Dial a number")),
        Binding(("Alt+J",), "history", _("Numbers dialled")),
        Binding(("Alt+O",), "order", _("Order for this customer")),
        Binding(("Alt+S",), "note", _("Call note")),
        Binding(("Alt+A",), "ticket", _("Call back later: note it, then Enter")),
        Binding(("Alt+X",), "next", _("Call the next")),
        Binding(("Alt+T",), "task", _("New task, from a call with its customer")),
        Binding(("Alt+G",), "bell", _("Reminders")),
        Binding(("Alt+/", "?"), "shortcuts", _("This list")),
    ]


def documents() -> list[dict[str, Any]]:
    return [binding.document() for binding in bindings()]


def first_key(action: str) -> str:
    """The key to show on a button; empty where an action has none."""
    return next((binding.keys[0] for binding in bindings() if binding.action == action), "")
