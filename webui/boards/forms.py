"""The plan of a board as a form: one choice a field and line, checked against what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from cti.store.models import VoiceBoard
from webui.boards import queries, words

FIELDS: Mapping[str, tuple[str, ...]] = {
    "trunk": ("dialed", "trunk"),
    "pri": ("dialed", "trunk"),
    "extension": ("device",),
    "recorder": ("dialed", "device"),
}
DAHDI_FIELDS = {"trunk": ("dialed",), "extension": ("device",)}
"""The trunk of a DAHDI line is its span's."""


@dataclass(slots=True)
class PlanForm:
    """``lines`` are the board's, as its host tells or the database has them; ``chosen`` by line and field."""

    lines: list[dict[str, Any]]
    choices: dict[str, list[tuple[str, str]]]
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: FIELDS)
    hunt: str = "round"
    chosen: dict[tuple[int, str], str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)

    def read(self, given: MultiDict[str, str]) -> bool:
        """Whether it is right; what is wrong stands in ``errors``."""
        self.hunt = given.get("hunt", "")
        devices: dict[str, int] = {}
        for line in self.lines:
            for name in self.fields.get(line["kind"], ()):
                value = given.get(f"{name}-{line['line']}", "")[:40]
                self.chosen[line["line"], name] = value
                if value and value not in dict(self.choices[name]):
                    self.errors[line["line"]] = _("Choose one of the list.")
                elif not (value and name == "device" and line["kind"] == "extension"):
                    continue
                elif devices.setdefault(value, line["line"]) != line["line"]:
                    self.errors[line["line"]] = _("This telephone has line %(line)s already.", line=devices[value])
        if self.hunt not in words.HUNTS:
            self.hunt = "round"
        return not self.errors

    def fill(self, board: VoiceBoard) -> None:
        self.hunt = board.hunt
        for line in board.lines:
            for name in ("dialed", "trunk", "device"):
                self.chosen[line.line, name] = getattr(line, name)

    def write(self, board: VoiceBoard) -> None:
        board.hunt = self.hunt
        for (number, name), value in self.chosen.items():
            setattr(queries.line_of(board, number), name, value)
