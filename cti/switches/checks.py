"""What no driver lets through to a switch: checks of a command's text, the same for every driver.

Raises ``CommandRefused`` naming the field; changes nothing. It must not know any switch's protocol.
"""

from __future__ import annotations

import re

from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import (
    Command,
    Confer,
    DeviceTarget,
    Music,
    Originate,
    Play,
    RecordStart,
    SendDigits,
    SetState,
    Spy,
    TestCall,
)

CHANNEL = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
DEVICE = re.compile(r"[A-Za-z0-9_.-]{1,40}")
NUMBER = re.compile(r"\+?[0-9A-Za-z*#._-]{1,40}")
DIGITS = re.compile(r"[0-9*#A-Da-d]{1,64}")
STATE = re.compile(r"[A-Za-z0-9_-]{0,2000}")
PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*){0,8}")
WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")
SHOWN_NUMBER = re.compile(r"\+?[0-9A-Za-z*#._-]{0,40}")
LONGEST_NUMBER = 40
_NOT_IN_A_NUMBER = re.compile(r"[^0-9A-Za-z*#+._-]|(?<!\A)\+")
MAX_PROMPTS = 40
MAX_SILENCE = 600.0


def strangers_number(text: str) -> str:
    """What of the number that a caller says can be one; a driver gives no other out, so that it can be sent on."""
    return _NOT_IN_A_NUMBER.sub("", text)[:LONGEST_NUMBER]


def _match(pattern: re.Pattern[str], value: str, what: str) -> None:
    if not pattern.fullmatch(value):
        raise CommandRefused(f"{what} is not allowed: {value[:60]!r}", field=what)


def check_command(command: Command) -> None:
    """Refuse a command whose text does not have the shape of the contract."""
    for name in ("channel", "peer", "recording_id", "play_id"):
        value = getattr(command, name, None)
        if value is not None:
            _match(CHANNEL, value, name)
    match command:
        case Originate():
            _originate(command)
        case Confer():
            _match(CHANNEL, command.conference, "conference")
        case Spy():
            _match(CHANNEL, command.target, "target")
        case Play():
            if len(command.prompts) > MAX_PROMPTS:
                raise CommandRefused(f"more than {MAX_PROMPTS} prompts", field="prompts")
            for prompt in command.prompts:
                _match(PATH, prompt, "prompt")
        case Music():
            _match(WORD, command.music, "music")
        case SendDigits():
            _match(DIGITS, command.digits, "digits")
        case RecordStart():
            _match(PATH, command.name, "name")
            if not 0 <= command.silence <= MAX_SILENCE:
                raise CommandRefused(f"silence must be 0 to {MAX_SILENCE:g} s", field="silence")
        case SetState():
            _match(STATE, command.state, "state")
        case TestCall():
            _match(NUMBER, command.dialed, "dialed")
            _match(SHOWN_NUMBER, command.caller_number, "caller_number")
            if command.digits:
                _match(DIGITS, command.digits, "digits")


def _originate(command: Originate) -> None:
    _match(STATE, command.state, "state")
    _match(SHOWN_NUMBER, command.caller_number, "caller_number")
    if isinstance(command.target, DeviceTarget):
        _match(DEVICE, command.target.device, "device")
        if command.target.switch:
            _match(WORD, command.target.switch, "switch")
    else:
        _match(WORD, command.target.trunk, "trunk")
        _match(NUMBER, command.target.number, "number")
    if not 0 < command.ring_timeout <= 600:
        raise CommandRefused("ring_timeout must be above 0 and at most 600 s", field="ring_timeout")
