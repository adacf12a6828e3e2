"""Asterisk's answers to "what is there now" read into channels, devices and the contract's snapshot. No sockets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cti.domain.switch.snapshot import ChannelSnapshot
from cti.switches.asterisk import requests
from cti.switches.asterisk.channels import (
    AstChannel,
    Devices,
    endpoint,
    is_phone,
    origin,
    other_switch,
    unpack_recordings,
)
from cti.switches.asterisk.translate import INBOUND_CONTEXTS, PARKED_CONTEXT, UP
from cti.switches.asterisk.wire import Action, Frame, text, variables
from cti.switches.checks import strangers_number

STATUS: Action = {"Action": "Status", "Variables": requests.SNAPSHOT_VARIABLES}
ENDPOINTS: Action = {"Action": "PJSIPShowEndpoints"}
CONTACTS: Action = {"Action": "PJSIPShowContacts"}
REGISTRATIONS: Action = {"Action": "PJSIPShowRegistrationsOutbound"}
SPYING, CONFERRING = "ChanSpy", "ConfBridge"
_UPTIME = re.compile(r"[0-9]{1,11}")
IN_AGI = ("AGI", "ControlPlayback", "MusicOnHold")


def up_for(booted: Frame) -> float | None:
    """How many seconds Asterisk has run, by the event ``FullyBooted``; None if it does not say.

    It comes at each login; ``CoreStatus`` has a time of day in a zone that it does not name.
    """
    uptime = text(booted, "Uptime")
    return float(uptime) if _UPTIME.fullmatch(uptime) else None


def channel(frame: Frame) -> AstChannel | None:
    """One of our channels out of a ``Status`` frame; None for any other channel of the switch."""
    values = variables(frame)
    dialed, out = values.get("CY_DIALED", ""), values.get(requests.OUT_VARIABLE, "")
    if text(frame, "Context") not in (*INBOUND_CONTEXTS, PARKED_CONTEXT) or not (dialed or out):
        return None
    name = text(frame, "Channel")
    device, trunk = origin(name, text(frame, "AccountCode"))
    via = other_switch(name)
    answered = text(frame, "ChannelState") == UP
    bridge = text(frame, "BridgeID")
    in_agi = text(frame, "Application") in IN_AGI
    return AstChannel(
        id=text(frame, "Uniqueid"),
        name=name,
        incoming=not out,
        caller_number=strangers_number(text(frame, "CallerIDNum")),
        caller_name=text(frame, "CallerIDName"),
        dialed="" if out else dialed,
        device=values.get("CY_DEVICE", "") if via else device,
        trunk=trunk,
        via=via,
        ringing=bool(out),
        answered=answered,
        controlled=in_agi and not bridge and (answered or not out),
        bridge=bridge,
        conference=text(frame, "Data").partition(",")[0] if text(frame, "Application") == CONFERRING else "",
        recordings=unpack_recordings(values.get(requests.RECORDINGS_VARIABLE, "")),
    )


@dataclass(slots=True)
class Relay:
    """A channel of another switch whose phone is here: the names of the two channels that carry it."""

    line: str = ""
    phone: str = ""


def relays(frames: Iterable[Frame]) -> dict[str, Relay]:
    """By the channel's id on the other switch."""
    found: dict[str, Relay] = {}
    for frame in frames:
        name, channel = text(frame, "Channel"), variables(frame).get(requests.RELAY_VARIABLE, "")
        if not channel:
            continue
        relay = found.setdefault(channel, Relay())
        if other_switch(name):
            relay.line = name
        elif is_phone(endpoint(name)):
            relay.phone = name
    return found


def snapshot(frames: Iterable[Frame]) -> tuple[ChannelSnapshot, ...]:
    """All our channels, each with its peer."""
    pairs = [(c, f) for c, f in ((channel(frame), frame) for frame in frames) if c is not None]
    bridges: dict[str, list[str]] = {}
    for chan, _ in pairs:
        if chan.bridge and not chan.conference:
            bridges.setdefault(chan.bridge, []).append(chan.id)
    spied_on(pairs)
    return tuple(
        _one(chan, frame, bridges.get(chan.bridge, []) if not chan.conference else []) for chan, frame in pairs
    )


def spied_on(pairs: Iterable[tuple[AstChannel, Frame]]) -> None:
    """Note who listens to whom."""
    known = list(pairs)
    ids = {chan.name: chan.id for chan, _ in known}
    for chan, frame in known:
        if text(frame, "Application") == SPYING:
            chan.spying = ids.get(text(frame, "Data").partition(",")[0], "")


def _one(chan: AstChannel, frame: Frame, members: list[str]) -> ChannelSnapshot:
    return ChannelSnapshot(
        channel=chan.id,
        caller_number=chan.caller_number,
        caller_name=chan.caller_name,
        dialed=chan.dialed,
        answered=chan.answered,
        controlled=chan.controlled,
        peer=next((m for m in members if m != chan.id), ""),
        state=requests.read_state(variables(frame)),
        device=chan.device,
        trunk=chan.trunk,
        incoming=chan.incoming,
        age=float(text(frame, "Seconds") or 0),
        spying=chan.spying,
        conference=chan.conference,
    )


def devices(endpoints: Iterable[Frame], contacts: Iterable[Frame]) -> Devices:
    """The endpoints that are no trunks, each with its contacts, to be kept up by ``ContactStatus``.

    An endpoint's own state is not used: it follows its contacts late.
    """
    found = Devices()
    for name in (text(f, "ObjectName") for f in endpoints):
        if is_phone(name):
            found.known(name)
    for frame in contacts:
        device = text(frame, "Endpoint")
        if is_phone(device):
            found.contact(device, text(frame, "Uri"), text(frame, "Status"))
    return found
