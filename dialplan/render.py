"""Configuration files of our own Asterisk, from what is known of the switch and the rows of agents and trunks.

What the engine's driver relies on: contexts ``callyard-trunk``, ``callyard-agent``, ``callyard-parked``,
``callyard-test``; channel variables ``CY_DIALED``, ``CY_TRUNK``, ``CY_DEVICE``; endpoints ``<number>``,
``<number>-web`` and ``trunk-<id>``. Must not know the database or a running Asterisk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from cti.domain.errors import CallyardError
from cti.switch_settings import SwitchSettings
from dialplan import escape
from dialplan.dahdi import Dahdi, carried_by_boards, dahdi_of
from dialplan.modules import QUIET_EVENTS, modules
from dialplan.outside import outside_of
from dialplan.peers import peers_of
from dialplan.trunks import carried_by, trunks, wants_tls

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

FILES: Final = (
    "asterisk.conf",
    "modules.conf",
    "logger.conf",
    "manager.conf",
    "http.conf",
    "rtp.conf",
    "musiconhold.conf",
    "indications.conf",
    "cdr.conf",
    "confbridge.conf",
    "pjsip.conf",
    "pjsip_agents.conf",
    "pjsip_trunks.conf",
    "extensions.conf",
)
EMPTY_FILES: Final = ("acl.conf", "ccss.conf", "cel.conf", "codecs.conf", "dnsmgr.conf", "dsp.conf", "enum.conf")
EMPTY_FILES_MORE: Final = (
    "features.conf",
    "pjproject.conf",
    "stasis.conf",
    "udptl.conf",
    "sorcery.conf",
    "pjsip_notify.conf",
)
DAHDI_FILES: Final = ("chan_dahdi.conf", "dahdi_system.conf")
LONGEST_NUMBER: Final = 33
"""Asterisk takes patterns of at most 255 characters."""
NO_ROWS: Final[Rows] = {"agents": [], "trunks": []}


class BadDialplan(CallyardError):
    """The rendered configuration is not fit to be loaded; the message names the file and what is wrong."""

    code = "dialplan.bad"


def render(switch: SwitchSettings, rows: Rows = NO_ROWS, *, app_queue: bool = False) -> dict[str, str]:
    """Relative file name → text. ``rows`` as ``cti.store.switchdata.load_switch_rows`` gives.

    ``app_queue`` adds Asterisk's own queue application, for the bench only. Raises ``UnsafeValue``, naming the field.
    """
    environment = _environment()
    by_boards, dahdi = carried_by_boards(rows), dahdi_of(switch.name, rows)
    by_sip = [row for row in carried_by(switch.name, rows["trunks"]) if row["id"] not in by_boards]
    found = trunks(by_sip, switch.sip_port)
    context: dict[str, Any] = {
        "switch": switch,
        "home": switch.home,
        "prompts": switch.prompts_dir,
        "peers": peers_of(switch),
        "modules": modules(app_queue, bool(switch.peers), bool(dahdi.spans)),
        "dahdi": dahdi,
        "quiet_events": QUIET_EVENTS,
        "outside": outside_of(switch),
        "ami_bind": "127.0.0.1",
        "sip_bind": _address(switch.bind, switch.sip_port),
        "media_address": _media_address(switch.bind),
        "agents": [_agent(row, dahdi) for row in rows["agents"]],
        "trunks": found,
        "tls_bind": _address(switch.bind, switch.sip_port + 1) if wants_tls(found) else "",
        "default_trunk": next(t.id for t in found if t.loopback),
        "app_queue": app_queue,
        "longest": LONGEST_NUMBER,
    }
    names = (*FILES, *(("queues.conf",) if app_queue else ()), *(DAHDI_FILES if dahdi.spans else ()))
    files = {name: environment.get_template(f"{name}.j2").render(context) for name in names}
    empty = environment.get_template("empty.conf.j2").render()
    return files | dict.fromkeys((*EMPTY_FILES, *EMPTY_FILES_MORE), empty)


def check(files: Mapping[str, str]) -> None:
    """Refuse files that Asterisk would misread. Raises ``BadDialplan``."""
    for name in FILES:
        if name not in files:
            raise BadDialplan(f"{name} is missing")
    for name, text in files.items():
        if Path(name).name != name:
            raise BadDialplan(f"{name!r} is not a plain file name")
        _check_lines(name, text)
    _check_sections(files)


_SECTION = re.compile(r"\[([^\]\[]+)\](\([^()]*\))?")
_SETTING = re.compile(r"[A-Za-z0-9_ ().,]+?\s*(=>|=).*")


def _check_lines(name: str, text: str) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if any(ord(c) < 32 or ord(c) == 127 for c in line):
            raise BadDialplan(f"{name}:{number}: control character")
        if not stripped or stripped.startswith(";"):
            continue
        if stripped.startswith("#"):
            if not re.fullmatch(r"#include pjsip_(agents|trunks)\.conf", stripped):
                raise BadDialplan(f"{name}:{number}: {stripped[:60]!r} is not allowed")
        elif not (_SECTION.fullmatch(stripped) or _SETTING.fullmatch(stripped)):
            raise BadDialplan(f"{name}:{number}: neither a section nor a setting: {stripped[:60]!r}")


def _check_sections(files: Mapping[str, str]) -> None:
    """No two objects of one kind may share a name: the later would change the earlier."""
    seen: set[tuple[str, str]] = set()
    for name in ("pjsip.conf", "pjsip_agents.conf", "pjsip_trunks.conf"):
        for header, template, body in _sections(files[name]):
            kind = next((line.split("=", 1)[1].strip() for line in body if line.startswith("type =")), template)
            if (header, kind) in seen:
                raise BadDialplan(f"{name}: two objects [{header}] of kind {kind}")
            seen.add((header, kind))


def _sections(text: str) -> list[tuple[str, str, list[str]]]:
    found: list[tuple[str, str, list[str]]] = []
    for line in text.split("\n"):
        if match := _SECTION.fullmatch(line.strip()):
            found.append((match[1], match[2] or "", []))
        elif found:
            found[-1][2].append(line.strip())
    return found


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dialplan", "asterisk"),
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - these are no web pages; finalize guards every value
    )
    for name in ("token", "host", "secret", "display", "plan_path"):
        environment.filters[name] = getattr(escape, name)
    return environment


def _finalize(value: object) -> str:
    """The last guard, for every value of every template: one line, no control characters."""
    text = str(value)
    if any(ord(c) < 32 or ord(c) in (127, 0x85, 0x2028, 0x2029) for c in text):
        raise escape.UnsafeValue("a value holds a line end or another control character")
    return text


def _agent(row: Mapping[str, Any], dahdi: Dahdi) -> dict[str, Any]:
    """An agent whose telephone is on a line of a board has no SIP telephone."""
    number = escape.token(row["number"], "agent number")
    telephone = [] if number in dahdi.devices else [(number, "cy-phone", row["sip_secret"])]
    devices = [*telephone, (f"{number}-web", "cy-web", row["web_secret"])]
    return {"number": number, "name": row["name"], "devices": devices}


def _address(host: str, port: int) -> str:
    bare = escape.host(host, "address").strip("[]")
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def _media_address(bind: str) -> str:
    """RTP goes through the one address we listen on, unless that is every address."""
    return "" if bind in {"0.0.0.0", "::", ""} else escape.host(bind, "CALLYARD_BIND").strip("[]")  # noqa: S104
