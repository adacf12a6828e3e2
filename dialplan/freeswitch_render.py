"""Configuration files of our own FreeSWITCH, from what is known of the switch and the rows of agents and trunks.

What the engine's driver relies on: contexts ``callyard-gate``, ``callyard-agent``, ``callyard-parked``,
``callyard-test``, ``callyard-test-in``; channel variables ``cy_dialed``, ``cy_trunk``, ``cy_device``; users
``<number>`` and ``<number>-web`` of the domain ``callyard``; gateways ``trunk-<id>``. Must not know the database.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from xml.etree import ElementTree

from jinja2 import Environment, PackageLoader, StrictUndefined

from cti.switch_settings import SwitchSettings
from cti.switches.freeswitch.requests import CHANNEL_VARIABLES
from dialplan import escape
from dialplan.render import NO_ROWS, BadDialplan, Rows

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
    "mod_sofia",
)
ANYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not listened on

Resolve = Callable[[str], Sequence[str]]


def addresses_of(host: str) -> list[str]:
    """The addresses of a trunk's host name, none where it has none now. Asks the machine's resolver."""
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)})
    except OSError:
        return []


def render(switch: SwitchSettings, rows: Rows = NO_ROWS, *, resolve: Resolve = addresses_of) -> dict[str, str]:
    """File name → text. ``rows`` as ``cti.store.switchdata.load_switch_rows`` gives. Raises ``UnsafeValue``."""
    agents = [_agent(row) for row in rows["agents"]]
    context: dict[str, Any] = {
        "switch": switch,
        "home": switch.home,
        "prompts": switch.prompts_dir,
        "modules": MODULES,
        "sip_ip": "$${local_ip_v4}" if switch.bind in ANYWHERE else escape.host(switch.bind, "CALLYARD_BIND"),
        "ws_binding": f"{'' if switch.bind in ANYWHERE else switch.bind}:{switch.sip_ws_port}",
        "agents": agents,
        "devices_pattern": "|".join(re.escape(device) for agent in agents for device, _ in agent["devices"]),
        "trunks": _trunks(rows["trunks"], switch, resolve),
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


def _secret(value: object, what: str = "secret") -> str:
    text = escape.secret(value, what)
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


def _trunks(rows: Sequence[Mapping[str, Any]], switch: SwitchSettings, resolve: Resolve) -> list[dict[str, Any]]:
    """Trunks as the templates want them. Exactly one takes the calls that come from this machine itself."""
    trunks = [_trunk(row, switch, resolve) for row in rows]
    loopback = [trunk for trunk in trunks if trunk["loopback"]]
    if not loopback:
        used = {trunk["id"] for trunk in trunks}
        name = next(n for n in ("local", "loopback", "this-machine") if n not in used)
        trunks.append(_trunk({"id": name, "name": name, "host": "127.0.0.1"}, switch, resolve))
    for other in loopback[1:]:
        other["pattern"] = ""
    return trunks


def _trunk(row: Mapping[str, Any], switch: SwitchSettings, resolve: Resolve) -> dict[str, Any]:
    identity = escape.token(row["id"], "trunk id")
    host = escape.host(row["host"], f"host of trunk {identity}").strip("[]")
    address = _ip(host)
    loopback = host == "localhost" or (address is not None and address.is_loopback)
    port = int(row.get("port") or (switch.sip_port if loopback else 5060))
    if not 0 < port < 65536:
        raise escape.UnsafeValue(f"port of trunk {identity}: {port}")
    username, register = row.get("username") or "", bool(row.get("register"))
    if register and not username:
        raise escape.UnsafeValue(f"trunk {identity}: registering needs a user name and a secret")
    known = [host] if address is not None else [a for a in resolve(host) if _ip(a) is not None]
    return {
        "id": identity,
        "host": host,
        "proxy": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "loopback": loopback,
        "pattern": r"127\.[0-9.]+|::1" if loopback else "|".join(re.escape(a) for a in known),
        "username": username,
        "secret": row.get("secret") or "",
        "register": register,
    }


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
