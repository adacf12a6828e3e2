"""FreeSWITCH's answers to "what is there now" read into channels, devices and the contract's snapshot. No sockets."""

from __future__ import annotations

import json
from collections.abc import Iterable

from cti.domain.switch import ChannelSnapshot
from cti.switches.freeswitch import requests
from cti.switches.freeswitch.channels import FsChannel, unpack_recordings
from cti.switches.freeswitch.wire import Event, text, variable

CHANNELS = "show channels as json"
DEVICES = f"list_users domain {requests.DOMAIN}"
NOT_REGISTERED = "error/"
PARKED_STATES = ("CS_PARK", "CS_EXECUTE")
ENDING_STATES = ("CS_HANGUP", "CS_REPORTING", "CS_DESTROY")
MICROSECONDS = 1_000_000


def listed(reply: str) -> list[str]:
    """The uuids of ``show channels as json``. The list lags behind by up to a second: each is to be asked itself."""
    try:
        rows = json.loads(reply, strict=False).get("rows", [])
    except (ValueError, AttributeError, RecursionError):
        return []
    return [row["uuid"] for row in rows if isinstance(row, dict) and isinstance(row.get("uuid"), str)]


def channel(event: Event) -> FsChannel | None:
    """One of our channels out of an event or dump that carries its variables; None for any other of the switch."""
    out = variable(event, "cy_out") == "1"
    dialed = variable(event, "cy_dialed")
    incoming = text(event, "Call-Direction") == "inbound" and bool(dialed)
    identity = text(event, "Unique-ID")
    if not identity or not (out or incoming):
        return None
    answered = text(event, "Answer-State") == "answered"
    parked = text(event, "Channel-State") in PARKED_STATES
    return FsChannel(
        id=identity,
        incoming=incoming,
        caller_number=_number(event),
        caller_name=_name(event),
        dialed=dialed if incoming else "",
        device=variable(event, "cy_device"),
        trunk=variable(event, "cy_trunk"),
        exists=True,
        ringing=out,
        answered=answered,
        controlled=parked and (answered or incoming),
        peer="" if parked else variable(event, "bridge_uuid"),
        recordings=unpack_recordings(variable(event, requests.RECORDINGS)),
    )


def _number(event: Event) -> str:
    """As it was when the call came: a bridge exchanges FreeSWITCH's own fields."""
    return (
        variable(event, "cy_number")
        or text(event, "Caller-Orig-Caller-ID-Number")
        or text(event, "Caller-Caller-ID-Number")
    )


def _name(event: Event) -> str:
    """As the caller wrote it: FreeSWITCH's own field has percent signs decoded."""
    if variable(event, "cy_out") == "1":
        return variable(event, "cy_name")
    exact = variable(event, "sip_from_display")
    return exact or text(event, "Caller-Orig-Caller-ID-Name") or text(event, "Caller-Caller-ID-Name")


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
    )


def devices(reply: str) -> dict[str, bool]:
    """Whether each user of the directory has a contact (``list_users``: columns separated by ``|``, named first)."""
    rows = [line.split("|") for line in reply.splitlines() if "|" in line]
    if not rows or "userid" not in rows[0] or "contact" not in rows[0]:
        return {}
    user, contact = rows[0].index("userid"), rows[0].index("contact")
    full = [row for row in rows[1:] if len(row) > contact]
    return {row[user]: not row[contact].startswith(NOT_REGISTERED) and row[contact] != "" for row in full}
