"""Commands of the contract as lines of the event socket. No sockets, no state but a counter for names.

Every value has been checked against the shapes of ``cti.switches.checks`` or is cleaned here. ``api`` answers in order
and at once; what takes long (``originate``, lists) goes by ``bgapi`` and answers with an event.
"""

from __future__ import annotations

import itertools
import secrets

from cti.domain.switch.commands import DeviceTarget, Originate, SpyMode, TestCall
from cti.domain.switch.terms import Cause
from cti.switches.freeswitch import causes
from cti.switches.freeswitch.channels import RELAY_ID, TEST_ID, FsChannel
from cti.switches.freeswitch.wire import shown_name

DOMAIN = PROFILE = "callyard"
PARKED_CONTEXT, TEST_CONTEXT, TEST_INBOUND = "callyard-parked", "callyard-test", "callyard-test-in"
STATE, RECORDINGS = "callyard", "cy_recordings"
EAVESDROP, CONFERENCE = "eavesdrop", "conference"
RINGBACK, RINGBACK_TONE = "ringback", "tone_stream://%(1000,4000,450);loops=-1"
NO_REDIRECT = "outbound_redirect_fatal"
NOT_REGISTERED = "error/user_not_registered"
QUIET = 128  # mean level of both tracks under which nothing is said; the right one is silent then
DIGIT_LENGTH = 1600  # samples: 200 ms at 8 kHz

EVENTS = (
    "event json CHANNEL_CREATE CHANNEL_PARK CHANNEL_UNPARK CHANNEL_ANSWER CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA "
    "CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_HOLD CHANNEL_UNHOLD CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE "
    "CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE DTMF RECORD_STOP BACKGROUND_JOB "
    "CUSTOM sofia::register sofia::unregister sofia::expire sofia::gateway_state conference::maintenance"
)
CAPTURE, NO_CAPTURE = (f"bgapi sofia profile {PROFILE} capture {state}" for state in ("on", "off"))
# What every channel of ours carries before it parks for the first time; the dialplan puts it there, as FreeSWITCH takes
# in a long command slowly. The hold variable keeps FreeSWITCH from hanging up the far side when a phone on hold goes
# away; the transfer variables catch who is left when a bridge fails to come about; a 302 ends the call, or the far side
# could make FreeSWITCH dial anybody.
CHANNEL_VARIABLES = {
    "park_after_bridge": "true",
    "hangup_after_bridge": "false",
    "uuid_bridge_park_on_cancel": "true",
    NO_REDIRECT: "true",
    "hold_hangup_xfer_exten": "park",
    "rdnis": "park",
    "force_transfer_context": PARKED_CONTEXT,
    "force_transfer_dialplan": "XML",
    "playback_terminators": "none",
    "send_silence_when_idle": "-1",
    "RECORD_STEREO": "true",
    "RECORD_USE_THREAD": "false",
    "RECORD_MIN_SEC": "0",
    "RECORD_PRE_BUFFER_FRAMES": "0",
    "record_sample_rate": "8000",
}
# The number is for the carrier only: Privacy, and P-Asserted-Identity as the gateway has it.
HIDDEN = {
    "origination_privacy": "screen:hide_name:hide_number",
    "sip_invite_full_from": '"Anonymous" <sip:anonymous@anonymous.invalid>',
}
# A phone that asks for a password (401) and names a trunk would get that trunk's, made for a nonce of its choice, if it
# is at the trunk's address.
NO_PASSWORD = {"sip_auth_username": "none", "sip_auth_password": "none"}
_names = itertools.count(1)


def new_name(what: str) -> str:
    """A name no earlier run has used."""
    return f"cy-{what}-{next(_names)}-{secrets.token_hex(4)}"


def answer(chan: FsChannel) -> str:
    return f"api uuid_answer {chan.id}"


def answer_device(channel: str) -> str:
    """Ask a ringing phone to pick up: NOTIFY in its dialog, event ``talk``."""
    return f"api uuid_phone_event {channel} talk"


def relay(channel: str) -> str:
    """The leg at a phone here of a channel of another switch."""
    return f"{RELAY_ID}{channel}"


def hangup_relay(channel: str) -> str:
    return f"api uuid_kill {relay(channel)} {causes.TO_NAME[Cause.NORMAL]}"


def note_place(device: str, place: str) -> tuple[str, str]:
    """For the dialplan, which rings phones for other switches: where the device is. Two values, as ``=`` means more."""
    where, _, transport = place.removeprefix("sip:").partition(";transport=")
    return f"api global_setvar cy_place_{device}={where}", f"api global_setvar cy_transport_{device}={transport}"


def hangup(chan: FsChannel, cause: Cause) -> str:
    return f"api uuid_kill {chan.id} {causes.TO_NAME[cause]}"


def refuse(channel: str) -> str:
    """End a call that came in and is none of ours."""
    return f"api uuid_kill {channel} {causes.TO_NAME[Cause.REJECTED]}"


def play(chan: FsChannel, sound: str, app: str) -> tuple[str, ...]:
    """Queue ``sound`` on a parked channel; ``CHANNEL_EXECUTE_COMPLETE`` names ``app`` when it is over.

    ``event-lock`` keeps a second sound from being played in the middle of the first.
    """
    return (
        f"sendmsg {chan.id}",
        "call-command: execute",
        "execute-app-name: playback",
        f"execute-app-arg: {sound}",
        f"event-uuid: {app}",
        "event-lock: true",
    )


def stop(chan: FsChannel, *, queued: bool = False) -> str:
    """End what is being played; with ``queued`` also what waits to be."""
    return f"api uuid_break {chan.id}{' all' if queued else ''}"


def prompts(files: list[str]) -> str:
    """Files one after the other; one that is missing is left out by FreeSWITCH."""
    return "file_string://" + "!".join(f"{file}.wav" for file in files)


def music(name: str) -> str:
    return RINGBACK_TONE if name == RINGBACK else f"local_stream://{name}"


def digits(chan: FsChannel, keys: str) -> str:
    return f"api uuid_send_dtmf {chan.id} {keys.upper()}@{DIGIT_LENGTH}"


def bridge(chan: FsChannel, peer: FsChannel) -> str:
    return f"api uuid_bridge {chan.id} {peer.id}"


def spy(chan: FsChannel, target: str, mode: SpyMode) -> list[str]:
    """Listen until ``target`` hangs up, then park. Keys of its phone do not change who hears it."""
    values = {
        "eavesdrop_enable_dtmf": "false",
        "eavesdrop_whisper_aleg": str(mode is SpyMode.BARGE).lower(),
        "eavesdrop_whisper_bleg": str(mode is not SpyMode.LISTEN).lower(),
    }
    variables = [set_variable(chan, name, value) for name, value in values.items()]
    return [*variables, f"api uuid_transfer {chan.id} {EAVESDROP}:{target},park: inline"]


def confer(chan: FsChannel, conference: str) -> str:
    """Join a conference with the profile of our own: no announcements, no tones, no keys. Out of it: ``park_anew``."""
    return f"api uuid_transfer {chan.id} {CONFERENCE}:{conference}@{PROFILE},park: inline"


def park(chan: FsChannel) -> str:
    """Take it out of its bridge, alive."""
    return f"api uuid_park {chan.id}"


def park_anew(chan: FsChannel) -> str:
    """Through the dialplan: out of a park that has a time limit."""
    return f"api uuid_transfer {chan.id} park XML {PARKED_CONTEXT}"


def record(chan: FsChannel, action: str, file: str) -> str:
    """``start stop mask unmask``."""
    return f"api uuid_record {chan.id} {action} {file}"


def record_speech(chan: FsChannel, file: str, silence: float) -> str:
    """Start a recording that ends by itself after so many seconds of silence, from its beginning or later."""
    wait = round(silence * 1000)
    values = {"INITIAL_TIMEOUT_MS": wait, "FINAL_TIMEOUT_MS": wait, "SILENCE_THRESHOLD": QUIET}
    variables = ",".join(f"RECORD_{name}={value}" for name, value in values.items())
    return f"{record(chan, 'start', file)} 0 {{{variables}}}"


def set_variable(chan: FsChannel, name: str, value: str) -> str:
    return f"api uuid_setvar {chan.id} {name} {value}".rstrip()


def dump(channel: str) -> str:
    return f"api uuid_dump {channel} json"


def job(command: str, name: str) -> tuple[str, ...]:
    """In the background; ``BACKGROUND_JOB`` with this ``Job-UUID`` brings the answer."""
    return f"bgapi {command}", f"Job-UUID: {name}"


def _braces(variables: dict[str, str]) -> str:
    return "{" + ",".join(f"{name}='{value}'" for name, value in variables.items() if value) + "}"


def originate(command: Originate, place: str = "") -> str:
    """Ring a device or an outside number; the answered channel parks by the dialplan. ``command`` has been checked.

    ``place`` is where the device's registration came from, and the only place where it is rung: its contact is the
    phone's own text and could name a carrier's address.
    """
    target = command.target
    name = shown_name(command.caller_name)
    variables = {
        "origination_uuid": command.channel,
        "origination_caller_id_number": command.caller_number,
        "origination_caller_id_name": name or command.caller_number,
        "originate_timeout": str(max(1, round(command.ring_timeout + 0.49))),
        "ignore_early_media": "true",
        "cy_out": "1",
        "cy_number": command.caller_number,
        "cy_name": name,
        "sip_h_X-Callyard-Call": command.channel,
        STATE: command.state,
        NO_REDIRECT: CHANNEL_VARIABLES[NO_REDIRECT],
    }
    if isinstance(target, DeviceTarget):
        variables |= {"cy_device": target.device, "media_timeout": "30000", "media_hold_timeout": "600000"}
        if target.switch:
            where = f"sofia/gateway/switch-{target.switch}/phone-{target.device}"
            variables |= {"cy_via": target.switch, "sip_h_X-Callyard-Channel": command.channel}
            variables |= {"media_timeout": "15000", "media_hold_timeout": "3600000"}
        else:
            where = f"sofia/{PROFILE}/{target.device}%{DOMAIN}" if place else NOT_REGISTERED
            variables |= {"sip_route_uri": place} | NO_PASSWORD
        if command.auto_answer:
            variables |= {
                "sip_h_X-Callyard-Auto-Answer": "1",
                "sip_h_Call-Info": "<sip:callyard>;answer-after=0",
                "sip_h_Alert-Info": "<http://callyard>;info=alert-autoanswer;delay=0",
            }
    else:
        where = f"sofia/gateway/trunk-{target.trunk}/{target.number}"
        variables |= {"cy_trunk": target.trunk, "media_timeout": "600000", "media_hold_timeout": "3600000"}
        if target.hidden:
            variables |= HIDDEN
    return f"originate {_braces(variables)}{where} park XML {PARKED_CONTEXT}"


def test_call(command: TestCall, test_id: str) -> str:
    """A caller made by the switch itself: one half is the call, the other talks (context callyard-test)."""
    variables = {
        "origination_uuid": f"{TEST_ID}{test_id}",
        "origination_caller_id_number": command.caller_number,
        "origination_caller_id_name": shown_name(command.caller_name) or command.caller_number,
        "originate_timeout": str(int(command.max_seconds)),
        "ignore_early_media": "true",
        "loopback_bowout": "false",
        "loopback_bowout_on_execute": "false",
        "cy_test_wait": str(int(command.digit_after * 1000)),
        "cy_test_max": str(int(command.max_seconds)),
        "cy_test_digits": command.digits.upper(),
    }
    where = f"loopback/{command.dialed}/{TEST_INBOUND}/XML"
    return f"originate {_braces(variables)}{where} caller XML {TEST_CONTEXT}"
