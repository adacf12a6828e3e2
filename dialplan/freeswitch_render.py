"""Configuration files of our own FreeSWITCH, from what is known of the switch and the rows of agents and trunks.

What the engine's driver relies on: contexts ``callyard-gate``, ``callyard-agent``, ``callyard-parked``,
``callyard-test``, ``callyard-test-in``; channel variables ``cy_dialed``, ``cy_trunk``, ``cy_device``; users
``<number>`` and ``<number>-web`` of the domain ``callyard``; gateways ``trunk-<id>``. Must not know the database.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from typing import Any, Final
from xml.etree import ElementTree

from jinja2 import Environment, PackageLoader, StrictUndefined

from cti.domain.trunks import DtmfMode
from cti.switch_settings import SwitchSettings
from cti.switches.freeswitch.requests import CHANNEL_VARIABLES
from dialplan import escape
from dialplan.dahdi import carried_by_boards
from dialplan.outside import ANYWHERE, outside_of
from dialplan.peers import peers_of
from dialplan.render import NO_ROWS, BadDialplan, Rows
from dialplan.trunks import Network, Resolve, Trunk, carried_by, trunks, wants_tls

FILES: Final = ("freeswitch.xml", "configuration.xml", "sofia.xml", "directory.xml", "dialplan.xml")
MODULES: Final = (
    "mod_logfile",
    "mod_event_socket",
    "mod_commands",
    "mod_dptools",
    "mod_dialplan_xml",
    "mod_sndfile",
    "mod_tone_stream",
    "mod_local_stream",
    "mod_loopback",
    "mod_conference",
    "mod_sofia",
)
CODEC_NAMES: Final = {"alaw": "PCMA", "ulaw": "PCMU", "g722": "G722"}


def addresses_of(host: str) -> list[str]:
    """The addresses of a trunk's host name, none where it has none now. Asks the machine's resolver."""
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)})
    except OSError:
        return []


def render(switch: SwitchSettings, rows: Rows = NO_ROWS, *, resolve: Resolve = addresses_of) -> dict[str, str]:
    """File name → text. ``rows`` as ``cti.store.switchdata.load_switch_rows`` gives. Raises ``UnsafeValue``."""
    agents = [_agent(row) for row in rows["agents"]]
    by_boards = carried_by_boards(rows)
    by_sip = [row for row in carried_by(switch.name, rows["trunks"]) if row["id"] not in by_boards]
    found = trunks(by_sip, switch.sip_port, resolve)
    outside = outside_of(switch)
    context: dict[str, Any] = {
        "switch": switch,
        "home": switch.home,
        "prompts": switch.prompts_dir,
        "modules": (*MODULES, *(("mod_spandsp",) if any("g722" in trunk.codecs for trunk in found) else ())),
        "sip_ip": "$${local_ip_v4}" if switch.bind in ANYWHERE else escape.host(switch.bind, "CALLYARD_BIND"),
        "ws_binding": f"{'' if switch.bind in ANYWHERE else switch.bind}:{switch.sip_ws_port}",
        "outside": outside,
        "external": outside.address if outside.address == outside.shown else f"host:{outside.address}",
        "agents": agents,
        "peers": peers_of(switch),
        "devices_pattern": "|".join(re.escape(device) for agent in agents for device, _ in agent["devices"]),
        "trunks": found,
        "gates": _gates(found),
        "tls": wants_tls(found),
        "trunk_variables": _trunk_variables,
        "from_trunk": _from_trunk,
        "channel_variables": CHANNEL_VARIABLES,
    }
    environment = _environment()
    return {name: environment.get_template(f"{name}.j2").render(context) for name in FILES}


def check(files: Mapping[str, str]) -> None:
    """Refuse files that FreeSWITCH would misread. Raises ``BadDialplan``."""
    for name in FILES:
        if name not in files:
            raise BadDialplan(f"{name} is missing")
    for name, text in files.items():
        if name not in FILES:
            raise BadDialplan(f"{name!r} is not one of our files")
        try:
            root = ElementTree.fromstring(text)  # noqa: S314 - our own text, just rendered
        except ElementTree.ParseError as error:
            raise BadDialplan(f"{name}: {error}") from error
        for kind, key in (("user", "id"), ("gateway", "name"), ("extension", "name"), ("context", "name")):
            _check_unique(name, root, kind, key)


def _check_unique(name: str, root: ElementTree.Element, kind: str, key: str) -> None:
    parents = root.iter("context") if kind == "extension" else [root]
    for parent in parents:
        seen: set[str] = set()
        for element in parent.iter(kind):
            value = element.get(key, "")
            if value in seen:
                raise BadDialplan(f"{name}: two of {kind} {value}")
            seen.add(value)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dialplan", "freeswitch"),
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )
    environment.filters["token"] = escape.token
    environment.filters["secret"] = _secret
    environment.filters["path"] = _path
    return environment


def _finalize(value: object) -> object:
    """The last guard, for every value of every template: no control characters, nothing FreeSWITCH would expand."""
    text = str(value)
    if hasattr(value, "__html__"):
        return value
    if any(ord(c) < 32 or ord(c) in (127, 0x85, 0x2028, 0x2029) for c in text):
        raise escape.UnsafeValue("a value holds a line end or another control character")
    if "$" in text.replace("$1", "").replace("$${local_ip_v4}", ""):
        raise escape.UnsafeValue("a value holds a dollar sign, which FreeSWITCH would read")
    return value


def _secret(value: object, what: str = "secret", least: int = 8) -> str:
    escape.secret(value, what, least)
    text = str(value)
    if any(c in text for c in "${}"):
        raise escape.UnsafeValue(f"{what}: must not hold $ or braces")
    return text


def _path(value: object, what: str = "path") -> str:
    text = escape.plan_path(value, what)
    if any(c in text for c in "!{} \t"):
        raise escape.UnsafeValue(f"{what} {text!r}: choose a folder without blanks, exclamation marks and braces")
    return text


def _agent(row: Mapping[str, Any]) -> dict[str, Any]:
    number = escape.token(row["number"], "agent number")
    return {"number": number, "devices": [(number, row["sip_secret"]), (f"{number}-web", row["web_secret"])]}


def _gates(found: Iterable[Trunk]) -> list[tuple[Network, Trunk]]:
    """Which network belongs to which trunk, the smallest network first."""
    return sorted(((n, trunk) for trunk in found for n in trunk.networks), key=lambda gate: -gate[0].prefixlen)


def _dtmf(trunk: Trunk) -> dict[str, str]:
    """Keys as tones are found in the audio, and made there, from the answer on."""
    if trunk.dtmf == DtmfMode.INBAND:
        return {"dtmf_type": "none", "execute_on_answer_1": "start_dtmf", "execute_on_answer_2": "start_dtmf_generate"}
    return {"dtmf_type": str(trunk.dtmf)}


def _codec_string(trunk: Trunk) -> str:
    return ",".join(CODEC_NAMES[codec] for codec in trunk.codecs)


def _trunk_variables(trunk: Trunk) -> dict[str, str]:
    """What the channel of a call out through the trunk carries."""
    asserted = {"sip_cid_type": "pid" if trunk.asserted else "none"}
    quiet = {"media_timeout": str(trunk.quiet_for * 1000), "media_hold_timeout": "3600000"}
    return {"absolute_codec_string": _codec_string(trunk)} | quiet | asserted | _dtmf(trunk)


def _from_trunk(trunk: Trunk) -> str:
    """What the channel of a call that comes in carries, as FreeSWITCH's application multiset wants it."""
    settings = {
        "cy_trunk": trunk.id,
        "absolute_codec_string": _codec_string(trunk),
        "media_timeout": str(trunk.quiet_for * 1000),
        "media_hold_timeout": "3600000",
    } | _dtmf(trunk)
    return ";".join(f"{name}={value}" for name, value in settings.items())
