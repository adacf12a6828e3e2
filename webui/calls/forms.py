"""What comes in about calls: filters of the log, the agent's note, ids from addresses. Must not know requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from webui.common.i18n import to_utc
from webui.common.ids import valid_id
from webui.common.labels import LABELS, choices, options, pairs
from webui.common.text import many_lines, one_line

OUTCOMES = ("answered", "abandoned", "no_answer", "live")


def business_types() -> list[SelectChoice]:
    return options([("", _("Business …")), *pairs("business_type")])


class NoteForm(FlaskForm):  # type: ignore[misc]
    """A draft is kept by the browser until it is saved; ``customer_id`` empty leaves the link as it is."""

    call_type = RadioField(_("Call type"), choices=choices("call_type"), default="normal")
    business_type = SelectField(_("Business"), choices=business_types, default="")
    summary = TextAreaField(_("Summary"), [Length(max=4000)], filters=[many_lines])
    customer_id = HiddenField()


@dataclass(frozen=True)
class Filters:
    """``since`` and ``until`` are UTC; empty texts mean any. ``bad`` names fields that were not understood."""

    since: datetime | None = None
    until: datetime | None = None
    number: str = ""
    agent: str = ""
    queue: str = ""
    direction: str = ""
    outcome: str = ""
    rating: str = ""
    bad: tuple[str, ...] = ()


def read_filters(args: Mapping[str, str]) -> Filters:
    """From the address. Local times of the user's zone become UTC."""
    bad = []
    times: dict[str, datetime | None] = {}
    for name in ("since", "until"):
        text = args.get(name, "").strip()
        times[name] = moment(text)
        if text and times[name] is None:
            bad.append(name)
    direction, outcome, rating = (args.get(name, "") for name in ("direction", "outcome", "rating"))
    return Filters(
        since=times["since"],
        until=times["until"],
        number=one_line(args.get("number", ""), 128),
        agent=valid_id(args.get("agent", "")),
        queue=valid_id(args.get("queue", "")),
        direction=direction if direction in LABELS["direction"] else "",
        outcome=outcome if outcome in OUTCOMES else "",
        rating=rating if rating in LABELS["rating"] else "",
        bad=tuple(bad),
    )


def moment(text: str) -> datetime | None:
    """``2026-11-21`` or ``2026-11-21T09:30`` in the user's zone as UTC."""
    try:
        local = datetime.fromisoformat(text)
        return to_utc(local) if local.tzinfo is None else local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
