"""What the far side's answer to a call means and what to do about it, in the user's language.

The keys are those of ``cti/domain/sip.py``. Must not know how calls are placed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from webui.common.labels import label

MEANING: dict[str, Any] = {}
ADVICE: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Answer:
    """``code`` as it was on the wire (``486``), empty where there was no answer."""

    code: str
    meaning: str
    advice: str


def explain(test: dict[str, Any]) -> Answer:
    """The words for a trunk test document that is over."""
    sip, key = int(test.get("sip") or 0), str(test.get("answer") or "")
    meaning = str(MEANING.get(key) or label(str(test.get("cause") or "failed"), "cause"))
    return Answer(str(sip) if sip else "", meaning, str(ADVICE.get(key, "")))
