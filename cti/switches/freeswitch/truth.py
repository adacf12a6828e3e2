"""FreeSWITCH's answers to "what is there now" read into channels, devices and the contract's snapshot. No sockets."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable
from typing import Any

from cti.domain.switch.snapshot import ChannelSnapshot
from cti.switches.checks import strangers_number
from cti.switches.freeswitch import requests
from cti.switches.freeswitch.capture import Dialog
from cti.switches.freeswitch.channels import RELAY_ID, FsChannel, unpack_recordings
from cti.switches.freeswitch.wire import Event, text, variable

STATUS = "api status"
CHANNELS = "show channels as json"
DEVICES = f"list_users domain {requests.DOMAIN}"
REGISTRATIONS = "show registrations as json"
NOT_REGISTERED = "error/"
SWITCH_PREFIX = "switch-"  # of the users as which other switches of ours prove themselves
PARKED_STATES = ("CS_PARK", "CS_EXECUTE")
ENDING_STATES = ("CS_HANGUP", "CS_REPORTING", "CS_DESTROY")
PUT_DOWN = "NORMAL_CLEARING"
MICROSECONDS = 1_000_000
TRANSPORTS = ("udp", "tcp", "tls", "ws", "wss")
LONGEST_NUMBER = 64
_UP_FOR = re.compile(
    r"^UP (\d{1,4}) years?, (\d{1,4}) days?, (\d{1,4}) hours?, (\d{1,4}) minutes?, (\d{1,4}) seconds?,"
)
_SECONDS = (365 * 86_400, 86_400, 3600, 60, 1)
_SESSIONS = re.compile(r"^(\d{1,9}) session\(s\) - peak", re.M)
_NUMBER = re.compile(r"[^0-9*#+]|(?<=.)\+")


def sessions(reply: str) -> int:
    """How many channels there are now, by the answer to ``STATUS``; -1 if it does not say."""
    found = _SESSIONS.search(reply)
    return int(found[1]) if found else -1


def up_for(reply: str) -> float | None:
    """How many seconds it has run, by the answer to ``STATUS``; None if it does not say."""
    found = _UP_FOR.match(reply)
    if found is None:
        return None
    return float(sum(int(count) * one for count, one in zip(found.groups(), _SECONDS, strict=True)))


def listed(reply: str) -> list[str]:
    """The uuids of ``show channels as json``. The list lags behind by up to a second: each is to be asked itself."""
    return [row["uuid"] for row in _rows(reply) if isinstance(row.get("uuid"), str)]


def _rows(reply: str) -> list[dict[str, Any]]:
    try:
        rows = json.loads(reply, strict=False).get("rows", [])
    except (ValueError, AttributeError, RecursionError):
        return []
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def channel(event: Event) -> FsChannel | None:
    """One of our channels out of an event or dump that carries its variables; None for any other of the switch."""
    out = variable(event, "cy_out") == "1"
    dialed = _dialed(event)
    incoming = text(event, "Call-Direction") == "inbound" and bool(dialed)
    identity = text(event, "Unique-ID")
    if not identity or not (out or incoming) or replaces(event):
        return None
    answered = text(event, "Answer-State") == "answered"
    doing = variable(event, "current_application")
    spies, confers = doing == requests.EAVESDROP, doing == requests.CONFERENCE
    parked = text(event, "Channel-State") in PARKED_STATES and not (spies or confers)
    return FsChannel(
        id=identity,
        incoming=incoming,
        caller_number=_number(event),
        caller_name=_name(event),
        dialed=dialed if incoming else "",
        device=variable(event, "cy_device"),
        trunk=variable(event, "cy_trunk"),
        via=variable(event, "cy_via"),
        exists=True,
        ringing=out,
        answered=answered,
        controlled=parked and (answered or incoming),
        peer="" if parked or spies or confers else variable(event, "bridge_uuid"),
        spying=variable(event, "current_application_data") if spies else "",
        conference=variable(event, "current_application_data").partition("@")[0] if confers else "",
        recordings=unpack_recordings(variable(event, requests.RECORDINGS)),
        dialog=dialog(event) if out and answered else None,
    )


def replaces(event: Event) -> bool:
    """Its INVITE names another call that it wants to take over (RFC 3891). FreeSWITCH asks nobody, not even for a
    password: it is joined to that call, or listens in. Nobody who calls us has a right to that."""
    return text(event, "Call-Direction") == "inbound" and bool(variable(event, "sip_replaces_call_id"))


def dialog(event: Event) -> Dialog:
    """Of a channel that we dialled, as the far side says it in its own requests."""
    return Dialog(variable(event, "sip_call_id"), variable(event, "sip_to_tag"), variable(event, "sip_from_tag"))


def _dialed(event: Event) -> str:
    """``cy_did``: the trunk's calls say it in To, where anything may stand; only what can be a number is one."""
    dialed = variable(event, "cy_dialed")
    if dialed and variable(event, "cy_did") == "to":
        return _NUMBER.sub("", variable(event, "sip_to_user"))[:LONGEST_NUMBER] or dialed
    return dialed


def _number(event: Event) -> str:
    return strangers_number(variable(event, "cy_number") or _callers(event, "Number"))


def _callers(event: Event, field: str) -> str:
    """As it was when the call came: a bridge exchanges FreeSWITCH's own fields."""
    return text(event, f"Caller-Orig-Caller-ID-{field}") or text(event, f"Caller-Caller-ID-{field}")


def _name(event: Event) -> str:
    """As the caller wrote it. FreeSWITCH's own field has percent signs decoded, and the number where there is no name.

    No variable takes a text with ``${`` in it; the field has ``%{`` instead.
    """
    if variable(event, "cy_out") == "1":
        return variable(event, "cy_name")
    if exact := variable(event, "sip_from_display"):
        return exact
    name = _callers(event, "Name")
    return "" if name == _callers(event, "Number") else name.replace("%{", "${")


def snapshot(dumps: Iterable[tuple[FsChannel, Event]], at: float) -> tuple[ChannelSnapshot, ...]:
    """All our channels, each with its peer if that is one of ours too."""
    pairs = list(dumps)
    ours = {chan.id for chan, _ in pairs}
    return tuple(_one(chan, event, at, chan.peer if chan.peer in ours else "") for chan, event in pairs)


def _one(chan: FsChannel, event: Event, at: float, peer: str) -> ChannelSnapshot:
    created = text(event, "Caller-Channel-Created-Time")
    return ChannelSnapshot(
        channel=chan.id,
        caller_number=chan.caller_number,
        caller_name=chan.caller_name,
        dialed=chan.dialed,
        answered=chan.answered,
        controlled=chan.controlled,
        peer=peer,
        state=variable(event, requests.STATE),
        device=chan.device,
        trunk=chan.trunk,
        incoming=chan.incoming,
        age=max(0.0, at - int(created) / MICROSECONDS) if created.isdigit() else 0.0,
        spying=chan.spying,
        conference=chan.conference,
        left_by=_left_by(event),
    )


def _left_by(event: Event) -> str:
    """FreeSWITCH writes it on who is left, when a bridge ends because the other one ends."""
    return variable(event, "last_bridge_to") if variable(event, "last_bridge_hangup_cause") == PUT_DOWN else ""


def relayed(events: Iterable[Event]) -> frozenset[str]:
    """The channels of other switches whose phones are here, by their ids there."""
    legs = (text(event, "Unique-ID") for event in events)
    return frozenset(leg.removeprefix(RELAY_ID) for leg in legs if leg.startswith(RELAY_ID))


def places(reply: str) -> dict[str, str]:
    """Where each registration came from (``show registrations as json``), as ``place`` writes it."""
    rows = _rows(reply)
    keys = ("network_ip", "network_port", "url")
    found = {str(row.get("reg_user", "")): place(*(str(row.get(key, "")) for key in keys)) for row in rows}
    return {device: where for device, where in found.items() if where}


def place(address: str, port: str, contact: str) -> str:
    """The SIP URI of where a registration came from; of its contact only the transport counts. Empty if unknown."""
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        return ""
    written = re.findall(r"transport(?:=|%3D)(\w+)", contact, re.I)
    transport = written[-1].lower() if written and written[-1].lower() in TRANSPORTS else "udp"
    return f"sip:{f'[{host}]' if host.version == 6 else host}:{port};transport={transport}"


def devices(reply: str) -> dict[str, bool]:
    """Whether each user of the directory has a contact (``list_users``: columns separated by ``|``, named first)."""
    rows = [line.split("|") for line in reply.splitlines() if "|" in line]
    if not rows or "userid" not in rows[0] or "contact" not in rows[0]:
        return {}
    user, contact = rows[0].index("userid"), rows[0].index("contact")
    full = [row for row in rows[1:] if len(row) > contact]
    full = [row for row in full if not row[user].startswith(SWITCH_PREFIX)]
    return {row[user]: not row[contact].startswith(NOT_REGISTERED) and row[contact] != "" for row in full}
