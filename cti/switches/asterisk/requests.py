"""Commands of the contract as AMI actions: plain dictionaries. No sockets, no state but a counter for command ids."""

from __future__ import annotations

import itertools
import re
import zlib

from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import DeviceTarget, Originate, SpyMode, TestCall, TrunkTarget
from cti.domain.switch.terms import Cause
from cti.switches.asterisk import causes
from cti.switches.asterisk.channels import SWITCH_PREFIX, TEST_ID, TRUNK_PREFIX, AstChannel, on_line
from cti.switches.asterisk.wire import Action, caller_id

ANY_DIGIT = "0123456789*#"
SPY_OPTIONS = {SpyMode.LISTEN: "", SpyMode.WHISPER: "w", SpyMode.BARGE: "B"}
PARKED = {"Context": "callyard-parked", "Exten": "s", "Priority": "1"}
STATE_VARIABLE, RECORDINGS_VARIABLE, OUT_VARIABLE = "CALLYARD", "CY_RECORDINGS", "CY_OUT"
RELAY_VARIABLE = "CY_RELAY"
TALK_LEVEL = 256  # mean level from which a channel talks
STATE_PART = 480  # characters a variable: ``Status`` cuts what is longer than 511
STATE_PARTS = 5
STATE_NAMES = [STATE_VARIABLE, *(f"{STATE_VARIABLE}_{n}" for n in range(2, STATE_PARTS + 1))]
SNAPSHOT_NAMES = [*STATE_NAMES, RECORDINGS_VARIABLE, OUT_VARIABLE, RELAY_VARIABLE, "CY_DIALED", "CY_DEVICE"]
SNAPSHOT_VARIABLES = ",".join(SNAPSHOT_NAMES)
_SAFE_NAME = re.compile(r"[A-Za-z0-9_.@/;+*#-]{1,120}")
_commands = itertools.count(1)


def agi(chan: AstChannel, command: str) -> tuple[str, Action]:
    """An AGI command to a controlled channel, with the id its ``AsyncAGIExec`` will carry."""
    command_id = f"cy{next(_commands)}"
    return command_id, {"Action": "AGI", "Channel": chan.address, "Command": command, "CommandID": command_id}


def prompt(chan: AstChannel, file: str, barge_in: bool) -> tuple[str, Action]:
    """Play one file. ControlPlayback leaves the call alone when the file is missing; STREAM FILE would end it."""
    return agi(chan, f"EXEC ControlPlayback {file},3000,,,{ANY_DIGIT if barge_in else ''}")


def stop(chan: AstChannel) -> Action:
    """End the prompt that is being played."""
    return {"Action": "ControlPlayback", "Channel": chan.address, "Control": "stop"}


def wake(chan: AstChannel) -> Action:
    """Make a channel look at its AGI commands now; by itself it does so when a frame of audio comes, or after 100 ms.

    Any control frame does it. Restart is the one that harms nothing if a prompt that has just begun gets it.
    """
    return {"Action": "ControlPlayback", "Channel": chan.address, "Control": "restart"}


def bridge(chan: AstChannel, peer: AstChannel) -> tuple[str, Action]:
    """Join ``peer`` to ``chan``. Unlike the action Bridge, both stay alive when it ends; without ``F`` the application
    hangs ``peer`` up when ``chan`` hangs up (tried on 22.10)."""
    if not _SAFE_NAME.fullmatch(peer.name):
        raise CommandRefused(f"channel name {peer.name[:40]!r} cannot be bridged", channel=peer.id)
    after = "^".join(PARKED.values())
    return agi(chan, f"EXEC Bridge {peer.name},F({after})")


def spy(chan: AstChannel, target: AstChannel, mode: SpyMode) -> tuple[str, Action]:
    """Listen until ``target`` hangs up: quiet, without the tone and the name that are usual."""
    if not _SAFE_NAME.fullmatch(target.name):
        raise CommandRefused(f"channel name {target.name[:40]!r} cannot be listened to", channel=target.id)
    return agi(chan, f"EXEC ChanSpy {target.name},qsES{SPY_OPTIONS[mode]}")


def confer(chan: AstChannel, conference: str) -> tuple[str, Action]:
    """Join a conference with the profiles of our own: no announcements, no tones, no keys."""
    return agi(chan, f"EXEC ConfBridge {conference},callyard_bridge,callyard_user")


def park(chan: AstChannel) -> Action:
    """Take it out of what it is doing."""
    return {"Action": "Redirect", "Channel": chan.address, **PARKED}


def part(chan: AstChannel, peer: AstChannel) -> Action:
    """Take both out of their bridge and park them."""
    extra = {f"Extra{key}": value for key, value in PARKED.items()}
    return {"Action": "Redirect", "Channel": chan.address, **PARKED, "ExtraChannel": peer.address, **extra}


def hangup_relay(name: str) -> Action:
    """End a call of another switch at the phone here."""
    return {"Action": "Hangup", "Channel": name, "Cause": str(causes.TO_Q850[Cause.NORMAL])}


def hangup(chan: AstChannel, cause: Cause) -> Action:
    return {"Action": "Hangup", "Channel": chan.address, "Cause": str(causes.TO_Q850[cause])}


def set_variable(chan: AstChannel, name: str, value: str) -> Action:
    return {"Action": "Setvar", "Channel": chan.address, "Variable": name, "Value": value}


def state_variables(state: str) -> list[tuple[str, str]]:
    """The variables that carry ``state``, the first one last: it says how many there are and checks the others."""
    if len(state) <= STATE_PART:
        return [(STATE_VARIABLE, state)]
    parts = [state[i : i + STATE_PART] for i in range(0, len(state), STATE_PART)]
    head = f"~{len(parts)}~{zlib.crc32(state.encode()):08x}~{parts[0]}"
    return [*zip(STATE_NAMES[1:], parts[1:], strict=False), (STATE_VARIABLE, head)]


def read_state(variables: dict[str, str]) -> str:
    """The state out of a channel's variables; empty where the parts do not belong together."""
    head = variables.get(STATE_VARIABLE, "")
    if not head.startswith("~"):
        return head
    _, count, check, first = head.split("~", 3)
    names = STATE_NAMES[1 : int(count)] if count.isdigit() else []
    state = first + "".join(variables.get(name, "") for name in names)
    return state if f"{zlib.crc32(state.encode()):08x}" == check else ""


def originate(command: Originate, to: str = "") -> Action:
    """Ring a device or an outside number; the answered channel parks. ``command`` has been checked.

    ``to``: what to dial: a line of a DAHDI board, which has no SIP headers, or a phone's own address.
    """
    target = command.target
    by_sip = isinstance(target, DeviceTarget) and not on_line(to)
    variables = [f"{name}={value}" for name, value in state_variables(command.state)]
    variables.append(f"{OUT_VARIABLE}=1")
    if isinstance(target, DeviceTarget):
        variables.append(f"CY_DEVICE={target.device}")
        if by_sip:
            variables.append(f"PJSIP_HEADER(add,X-Callyard-Call)={command.channel}")
        if target.switch:
            variables.append(f"PJSIP_HEADER(add,X-Callyard-Channel)={command.channel}")
    else:
        variables.append(f"CY_TRUNK={target.trunk}")
        if target.hidden:
            variables += _hidden(command.caller_number)
    if command.auto_answer and by_sip:
        variables.append("PJSIP_HEADER(add,X-Callyard-Auto-Answer)=1")
        variables.append("PJSIP_HEADER(add,Call-Info)=<sip:callyard>;answer-after=0")
        variables.append("PJSIP_HEADER(add,Alert-Info)=<http://callyard>;info=alert-autoanswer;delay=0")
    return {
        "Action": "Originate",
        "Channel": to or f"PJSIP/{_where(target)}",
        "ChannelId": command.channel,
        "Timeout": str(int(command.ring_timeout * 1000)),
        "CallerID": caller_id(command.caller_name, command.caller_number),
        "Async": "true",
        **PARKED,
        "Variable": variables,
    }


def _hidden(number: str) -> list[str]:
    """A private identity, which goes before what Originate itself sets: From is anonymous, and the carrier is told the
    number by P-Asserted-Identity."""
    values = {"num": number, "num-valid": "1", "num-pres": "prohib", "name": "Anonymous", "name-valid": "1"}
    return [f"CONNECTEDLINE(priv-{part},i)={value}" for part, value in (values | {"name-pres": "prohib"}).items()]


def _where(target: DeviceTarget | TrunkTarget) -> str:
    """What to dial: a phone of ours, one of another switch of ours, or a number outside."""
    if isinstance(target, TrunkTarget):
        return f"{target.number}@{TRUNK_PREFIX}{target.trunk}"
    return f"phone-{target.device}@{SWITCH_PREFIX}{target.switch}" if target.switch else target.device


def test_call(command: TestCall, test_id: str) -> Action:
    """A caller made by the switch itself: one half talks (context callyard-test), the other is the call."""
    variables = [f"CY_TEST_WAIT={command.digit_after:.1f}", f"CY_TEST_MAX={int(command.max_seconds)}"]
    if command.digits:
        variables.append(f"CY_TEST_DIGITS={command.digits}")
    return {
        "Action": "Originate",
        "Channel": f"Local/{command.dialed}@callyard-trunk/n",
        "ChannelId": f"{TEST_ID}{test_id}",
        "OtherChannelId": f"{TEST_ID}{test_id}-b",
        "Context": "callyard-test",
        "Exten": "s",
        "Priority": "1",
        "Timeout": str(int(command.max_seconds * 1000)),
        "CallerID": caller_id(command.caller_name, command.caller_number),
        "Async": "true",
        "Variable": variables,
    }


def record(chan: AstChannel, file: str) -> Action:
    """One raw file, 16-bit 8 kHz stereo: left what ``chan`` says, right what it hears. Answered with MixMonitorID."""
    return {"Action": "MixMonitor", "Channel": chan.address, "File": file, "Options": "Di(CY_MONITOR)"}


def notice_talk(chan: AstChannel, silence: float) -> Action:
    """Tell when it begins to talk, and when it has been silent for so many seconds; with 0 no more."""
    if not silence:
        return set_variable(chan, "TALK_DETECT(remove)", "")
    return set_variable(chan, "TALK_DETECT(set)", f"{round(silence * 1000)},{TALK_LEVEL}")


def stop_recording(chan: AstChannel, monitor: str) -> Action:
    action: Action = {"Action": "StopMixMonitor", "Channel": chan.address}
    return {**action, "MixMonitorID": monitor} if monitor else action


def pause_recording(chan: AstChannel, monitor: str, paused: bool) -> Action:
    action: Action = {
        "Action": "MixMonitorMute",
        "Channel": chan.address,
        "Direction": "both",
        "State": str(int(paused)),
    }
    return {**action, "MixMonitorID": monitor} if monitor else action


def answer_device(address: str) -> Action:
    """Ask a ringing phone to pick up: NOTIFY in its dialog, event ``talk``."""
    return {"Action": "PJSIPNotify", "Channel": address, "Variable": ["Event=talk"]}


def press(chan: AstChannel, digit: str, milliseconds: int) -> Action:
    """Send one digit; it is answered when the digit is over."""
    return {"Action": "PlayDTMF", "Channel": chan.address, "Digit": digit, "Duration": str(milliseconds)}
