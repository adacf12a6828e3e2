"""Where browser phones reach the switches: one websocket a switch, in the order in which a phone tries them.

Must not know SIP, nor whether a switch is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import request

from cti.settings import Settings, SwitchSettings


@dataclass(frozen=True, slots=True)
class Websocket:
    """``url`` when it was set; else it is on the site's own host behind TLS, or on ``host`` (empty: the page's)."""

    name: str
    url: str
    host: str
    port: int
    path: str

    def address(self) -> str:
        """As the browser of the present request must call it."""
        if self.url:
            return self.url
        if request.is_secure:
            return f"wss://{request.host}{self.path}"
        return f"ws://{self.host or page_host()}:{self.port}/ws"

    def origin(self) -> str:
        """For the content security policy."""
        parts = urlsplit(self.address())
        return f"{parts.scheme}://{parts.netloc}"


def websockets(settings: Settings) -> tuple[Websocket, ...]:
    """In the order of preference; the simulator and boards have none. Raises ``BadSwitches``."""
    switches = [switch for switch in settings.switches() if switch.speaks_sip]
    found = [_websocket(switch, first=switch is switches[0]) for switch in switches]
    reachable = [one for one in found if one.url or one.port]
    return tuple(sorted(reachable, key=lambda one: one.name != settings.web_phone_switch))


def _websocket(switch: SwitchSettings, *, first: bool) -> Websocket:
    """A further switch elsewhere is called on its own host; those that the flat settings name, on the page's."""
    elsewhere = not switch.own and switch.name not in ("asterisk", "freeswitch")
    return Websocket(
        name=switch.name,
        url=switch.sip_ws_url,
        host=switch.sip_host if elsewhere else "",
        port=switch.sip_ws_port,
        path="/ws" if first else f"/ws/{switch.name}",
    )


def page_host() -> str:
    """The host name in the address bar without its port, ``[::1]`` kept in brackets."""
    host = request.host
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
