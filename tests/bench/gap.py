"""The agent gap: from an agent's BYE leaving the phone to the next INVITE reaching it, by the phone's clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tests.bench.stage import quantile
from tests.e2e.rig.sipp import Message

_USER = re.compile(r"sips?:([^@>;]+)@")


def gaps(messages: Iterable[Message], *, after_ok: bool = False) -> list[float]:
    """Seconds of each gap, over all phones in one trace of messages; the first calls have none.

    With ``after_ok`` only the part from the switch's 200 to the BYE on. A gap whose INVITE came before that 200 has no
    such part.
    """
    phone_of_call: dict[str, str] = {}
    last_call: dict[str, str] = {}
    free_since: dict[str, float] = {}
    ended: set[str] = set()
    found: list[float] = []
    for message in messages:
        call = message.header("Call-ID")
        if message.start.startswith("INVITE") and not message.sent and call not in phone_of_call:
            phone = _user(message.header("To") or message.start)
            phone_of_call[call] = phone
            last_call[phone] = call
            if phone in free_since:
                found.append(message.at - free_since.pop(phone))
        elif (_is_ok(message) if after_ok else message.start.startswith("BYE")) and call not in ended:
            phone = phone_of_call.get(call, "")
            if last_call.get(phone) == call:
                ended.add(call)  # a repeated one says nothing new
                free_since[phone] = message.at
    return found


def waits_for_ok(messages: Iterable[Message]) -> list[float]:
    """Seconds from each BYE that a phone sent to the switch's 200."""
    sent: dict[str, float] = {}
    found: list[float] = []
    for message in messages:
        call = message.header("Call-ID")
        if message.sent and message.start.startswith("BYE"):
            sent.setdefault(call, message.at)
        elif _is_ok(message) and call in sent:
            found.append(message.at - sent.pop(call))
    return found


def _is_ok(message: Message) -> bool:
    """The switch's 200 to a BYE."""
    return not message.sent and message.start.startswith("SIP/2.0 200") and message.header("CSeq").endswith("BYE")


def summary(values: Sequence[float]) -> dict[str, float | int]:
    return {
        "p50": round(quantile(values, 0.5), 4),
        "p99": round(quantile(values, 0.99), 4),
        "max": round(max(values), 4),
        "count": len(values),
    }


def _user(text: str) -> str:
    found = _USER.search(text)
    return found[1] if found else text
