"""Put a rendered FreeSWITCH configuration in force, and take it back. An outside switch is never touched.

Our own running FreeSWITCH is told over its event socket: users and dialplan take effect at once; a trunk that changed
or is gone is taken down before the profile is read again. What only a start reads is named as waiting for a restart.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from cti.switch_settings import SwitchSettings
from dialplan.deploy import Applied
from dialplan.freeswitch_render import check, render
from dialplan.releases import Releases
from dialplan.render import Rows

DEADLINE = 10.0
MAX_REPLY = 2**20
RESTART = ("configuration.xml",)
PROFILE = "callyard"


def apply(switch: SwitchSettings, rows: Rows) -> Applied:
    """Render, check, put in force, reload. Does nothing if nothing changed. Raises ``UnsafeValue``, ``BadDialplan``."""
    files = render(switch, rows)
    check(files)
    releases = _releases(switch)
    before = _in_force(releases)
    name, changed = releases.put(files)
    return _reload(switch, name, changed, before, files)


def rollback(switch: SwitchSettings) -> Applied:
    """Put the configuration before the present one in force again. Raises ``NothingToRollBack``."""
    releases = _releases(switch)
    before = _in_force(releases)
    name, changed = releases.back()
    return _reload(switch, name, changed, before, _in_force(releases))


def _releases(switch: SwitchSettings) -> Releases:
    return Releases(switch.home, ".xml")


def _in_force(releases: Releases) -> dict[str, str]:
    current = releases.in_force()
    return releases.read(current) if current else {}


def _reload(
    switch: SwitchSettings,
    release: str,
    changed: tuple[str, ...],
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> Applied:
    if not changed or not switch.own:
        return Applied(release, changed)
    gone = trunks_to_take_down(before.get("sofia.xml", ""), after.get("sofia.xml", ""))
    commands = ["reloadxml"]
    if "sofia.xml" in changed:
        commands += [f"sofia profile {PROFILE} killgw {trunk}" for trunk in gone]
        commands.append(f"sofia profile {PROFILE} rescan")
    done: list[str] = []
    with contextlib.suppress(OSError):  # not running: it reads everything when it starts
        tell(switch, commands, done)
    waiting = [name for name in changed if name in RESTART]
    if before and _profile(before["sofia.xml"]) != _profile(after["sofia.xml"]):
        waiting.append("sofia.xml")
    return Applied(release, changed, tuple(done), tuple(waiting))


def _profile(text: str) -> list[bytes]:
    """The settings of the SIP profile, which only a start reads."""
    root = ElementTree.fromstring(text)  # noqa: S314 - our own text
    return [ElementTree.tostring(settings) for settings in root.iter("settings")]


def trunks_to_take_down(before: str, after: str) -> list[str]:
    """The gateways of ``before`` that ``after`` does not have, or has otherwise."""
    old, new = _gateways(before), _gateways(after)
    return sorted(name for name, text in old.items() if new.get(name) != text)


def _gateways(text: str) -> dict[str, bytes]:
    if not text:
        return {}
    root = ElementTree.fromstring(text)  # noqa: S314 - our own text
    return {g.get("name", ""): ElementTree.tostring(g) for g in root.iter("gateway")}


def tell(switch: SwitchSettings, commands: Sequence[str], done: list[str]) -> str:
    """Say ``commands`` to the FreeSWITCH, one after the other; those it took are added to ``done``.

    Returns the last answer. Raises ``OSError`` if it does not run, or does not answer in time.
    """
    with socket.create_connection((switch.host, switch.port), DEADLINE) as connection:
        connection.settimeout(DEADLINE)
        reader = _Replies(connection)
        reply = reader.next()
        for command in (f"auth {switch.secret}", *(f"api {c}" for c in commands)):
            connection.sendall(f"{command}\n\n".encode())
            reply = reader.next()
            if command.startswith("auth"):
                if "+OK" not in reply:
                    raise PermissionError("the event socket refuses our password")
            elif not reply.startswith("-ERR"):
                done.append(command.removeprefix("api "))
        return reply


class _Replies:
    """Replies of an event socket nobody has asked for events."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._rest = connection, b""

    def next(self) -> str:
        while b"\n\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\n\n")
        length = re.search(rb"^Content-Length: (\d{1,7})\s*$", head, re.M)
        if length is None:
            return head.decode("utf-8", "replace")
        while len(self._rest) < int(length[1]):
            self._more()
        body, self._rest = self._rest[: int(length[1])], self._rest[int(length[1]) :]
        return body.decode("utf-8", "replace")

    def _more(self) -> None:
        data = self._connection.recv(65_536)
        if not data or len(self._rest) > MAX_REPLY:
            raise ConnectionError("the event socket ended the connection")
        self._rest += data
