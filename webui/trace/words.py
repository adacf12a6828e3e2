"""Lines of the operation log in words, for one user: numbers and keys as that user may see them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from webui.common.errors import message_for
from webui.common.labels import label
from webui.common.phones import mask, pretty
from webui.trace import vocabulary
from webui.trace.lines import Line

NUMBER = re.compile(r"\+?\d{7,}")
OURS = frozenset({"channel", "peer", "play_id", "recording_id", "conference", "file", "name"})
"""Fields that hold ids of switches and ours, never a number of a customer."""

TECHNICAL = ("n", "channel", "error", "detail")


@dataclass(frozen=True)
class People:
    """Names of agents by id, of legs by channel, of busy reasons by code. ``unmasked``: numbers and keys are seen."""

    agents: Mapping[str, str] = field(default_factory=dict)
    legs: Mapping[str, str] = field(default_factory=dict)
    unmasked: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)

    def who(self, line: Line) -> str:
        """The leg or the agent that a line is about."""
        if line.channel:
            return self.leg(line.channel)
        agent = str(line.data.get("agent") or line.fields.get("agent_id") or "")
        return self.agents.get(agent, agent)

    def leg(self, channel: str) -> str:
        return self.legs.get(channel, channel)

    def text(self, value: Any) -> str:
        """A text of a stranger or of a switch."""
        text = str(value)
        if self.unmasked:
            return text
        if sum(c.isdigit() for c in text) >= 7 and not any(c.isalpha() for c in text):
            return mask("".join(c for c in text if c.isdigit() or c == "+"))
        return NUMBER.sub(lambda found: mask(found.group()), text)

    def number(self, value: Any) -> str:
        return pretty(str(value)) if self.unmasked else mask(pretty(str(value)))


@dataclass(frozen=True)
class Told:
    """One line for the page. ``outcome``: what came of a command; ``tone``: good, bad or nothing."""

    id: str
    at: float
    kind: str
    switch: str
    who: str
    words: str
    outcome: str
    tone: str
    details: tuple[tuple[str, str], ...]


def told(lines: Iterable[Line], people: People) -> list[Told]:
    return [one(line, people) for line in lines]


def one(line: Line, people: People) -> Told:
    outcome, tone = outcome_of(line)
    return Told(
        line.id,
        line.at,
        line.kind,
        line.switch,
        people.who(line),
        words(line, people),
        outcome,
        tone,
        details(line, people),
    )


def words(line: Line, people: People) -> str:
    match line.kind:
        case "event":
            return sentence(vocabulary.EVENTS, undone(line), event_values(line, people))
        case "command":
            return sentence(vocabulary.COMMANDS, undone(line), command_values(line, people))
        case "call":
            return call_words(line, people)
        case "agent":
            state, reason = label(str(line.data.get("state")), "agent_state"), str(line.data.get("reason") or "")
            return f"{state} · {people.reasons.get(reason, reason)}" if reason else state
        case "request":
            return sentence(vocabulary.REQUESTS, line.name, request_values(line, people))
        case "timer":
            return sentence(vocabulary.TIMERS, line.name, {})
        case "snapshot":
            return _("%(channels)s channels", channels=line.fields.get("channels", 0))
        case "engine":
            return _("The engine was started anew.")
    return line.name


def undone(line: Line) -> str:
    """The name; of what ends hold or a pause one of its own."""
    if line.name == "ChannelHeld" and not line.fields.get("held"):
        return "ChannelRetrieved"
    if line.name == "RecordPause" and not line.fields.get("paused"):
        return "RecordGoOn"
    return line.name


def sentence(known: Mapping[str, Any], name: str, values: Mapping[str, str]) -> str:
    found = known.get(name)
    if found is None:
        return name
    return re.sub(r"\s+", " ", str(found) % defaultdict(str, values)).strip()


def texts(fields: Mapping[str, Any], people: People) -> dict[str, str]:
    return {name: value if name in OURS else people.text(value) for name, value in fields.items()}


def event_values(line: Line, people: People) -> dict[str, str]:
    values, fields = texts(line.fields, people), line.fields
    match line.name:
        case "ChannelOffered" | "ChannelWatched":
            values["caller_number"] = people.number(fields.get("caller_number") or "?")
            values |= {name: f"({fields[name]})" for name in ("trunk", "device") if fields.get(name)}
        case "ChannelBridged":
            values["peer"] = people.leg(str(fields.get("peer", "")))
        case "Digit" if not people.unmasked:
            values["digit"] = "*"
        case "PlayFinished":
            values["reason"] = str(vocabulary.ENDS.get(str(fields.get("reason")), values.get("reason", "")))
        case "ChannelHungUp":
            values["cause"] = label(str(fields.get("cause", "")), "cause")
            values["by"] = _("by the far side") if fields.get("by_far_side") else ""
            values["sip"] = f"· SIP {fields['sip']}" if fields.get("sip") else ""
        case "DeviceRegistered":
            values["registered"] = _("registered") if fields.get("registered") else _("not registered any more")
        case "TrunkChanged":
            values["state"] = label(str(fields.get("state", "")), "trunk_state")
    return values


def command_values(line: Line, people: People) -> dict[str, str]:
    values, fields = texts(line.fields, people), line.fields
    match line.name:
        case "Originate":
            values["target"] = target(fields.get("target"), people)
            values["caller_number"] = people.number(fields.get("caller_number") or "")
        case "Hangup":
            values["cause"] = label(str(fields.get("cause", "")), "cause")
        case "Play":
            prompts = fields.get("prompts")
            values["prompts"] = ", ".join(map(str, prompts)) if isinstance(prompts, list) else ""
        case "Music":
            values["on"] = _("on") if fields.get("on") else _("off")
        case "Bridge":
            values["peer"] = people.leg(str(fields.get("peer", "")))
        case "Spy":
            values["peer"] = people.leg(str(fields.get("target", "")))
    return values


def request_values(line: Line, people: People) -> dict[str, str]:
    values = texts(line.fields, people)
    reason = str(line.fields.get("reason") or "")
    return values | {
        "reason": people.reasons.get(reason, reason),
        "number": people.number(line.fields.get("number", "")),
    }


def target(found: Any, people: People) -> str:
    if not isinstance(found, dict):
        return ""
    if "device" in found:
        through = f" ({found['switch']})" if found.get("switch") else ""
        return f"{found['device']}{through}"
    return f"{people.number(found.get('number', ''))} ({found.get('trunk', '')})"


def call_words(line: Line, people: People) -> str:
    legs = line.data.get("legs")
    parts = [sentence(vocabulary.CALL, line.name, {})]
    cause = str(line.data.get("cause") or "")
    parts += [label(cause, "cause")] if cause else []
    for channel, state in legs.items() if isinstance(legs, dict) else ():
        parts.append(f"{people.leg(str(channel))}: {vocabulary.LEG.get(str(state), state)}")
    return " · ".join(parts)


def outcome_of(line: Line) -> tuple[str, str]:
    """What came of a command or a request, and its tone."""
    error, took = str(line.data.get("error") or ""), line.data.get("ms")
    reason = str(vocabulary.ERRORS.get(error) or message_for(error)) if error else ""
    if line.kind == "command":
        milliseconds = f"{took:g} ms" if isinstance(took, int | float) else ""
        if error:
            return f"{reason} · {milliseconds}", "bad"
        return (milliseconds, "good") if milliseconds else (_("no answer yet"), "")
    if line.kind == "request":
        return (reason, "bad") if error else ("", "good")
    return "", "bad" if line.name == "LinkLost" else ""


def details(line: Line, people: People) -> tuple[tuple[str, str], ...]:
    """Every field as it is kept, for who knows the switch."""
    found = [("name", line.name)] if line.name else []
    found += [(name, own(name, line.data[name], people)) for name in TECHNICAL if line.data.get(name)]
    for name, value in line.fields.items():
        if isinstance(value, dict):
            found += [(f"{name}.{part}", own(part, inner, people)) for part, inner in value.items()]
        elif name == "digit" and not people.unmasked:
            found.append((name, "*"))
        else:
            found.append((name, own(name, value, people)))
    return tuple(found)


def own(name: str, value: Any, people: People) -> str:
    return str(value) if name in OURS else people.text(value)
