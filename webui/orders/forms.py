"""The filters of the list, and prices as they are typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from webui.calls.forms import moment
from webui.common.ids import valid_id
from webui.common.labels import LABELS
from webui.common.text import one_line


@dataclass(frozen=True)
class Filters:
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    status: str = ""
    agent: str = ""
    call: str = ""


def read_filters(args: Mapping[str, str]) -> Filters:
    status = args.get("status", "")
    return Filters(
        since=moment(args.get("since", "").strip()),
        until=moment(args.get("until", "").strip()),
        text=one_line(args.get("q", ""), 64),
        status=status if status in LABELS["order_status"] else "",
        agent=valid_id(args.get("agent", "")),
        call=valid_id(args.get("call", "")),
    )
