"""The state of trunks out of what FreeSWITCH says of its gateways. No sockets."""

from __future__ import annotations

from xml.etree import ElementTree

from cti.domain.switch.terms import TrunkState
from cti.switches.freeswitch.wire import Event, text
from cti.switches.trunks import Trunks

GATEWAYS = "sofia xmlstatus gateway"
PREFIX = "trunk-"
NOT_REGISTERING = "NOREG"
UP = "UP"
FAILED = ("FAILED", "FAIL_WAIT")
REFUSING = range(400, 700)
SILENCE = (408, 503)
"""Request Timeout and Service Unavailable are also what FreeSWITCH itself says where nobody answers."""


class FsTrunks(Trunks):
    """Trunks by their gateways; ``trunk-`` stands in front of the name."""

    def read(self, reply: str) -> None:
        """The answer to ``GATEWAYS``; what is no list changes nothing."""
        try:
            gateways = list(ElementTree.fromstring(reply).iter("gateway"))  # noqa: S314 - our own switch's
        except ElementTree.ParseError:
            return
        names = {gateway.findtext("name") or "" for gateway in gateways}
        self.keep({name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)})
        for gateway in gateways:
            self._listed(gateway)

    def told(self, event: Event) -> None:
        """An event ``sofia::gateway_state``."""
        self._gateway(
            text(event, "Gateway"), text(event, "State"), text(event, "Ping-Status") == UP, text(event, "Status")
        )

    def _listed(self, gateway: ElementTree.Element) -> None:
        def said(name: str) -> str:
            return gateway.findtext(name) or ""

        name, up, round_trip = said("name"), said("status") == UP, _seconds(said("pingtime"))
        if name.startswith(PREFIX):
            asked = said("pingfreq") not in ("", "0") and (round_trip > 0 or not up)
            self.answers(name.removeprefix(PREFIX), up if asked else None, round_trip)
            self._gateway(name, said("state"), up, "")

    def _gateway(self, name: str, state: str, up: bool, status: str) -> None:
        trunk = name.removeprefix(PREFIX)
        if not name.startswith(PREFIX):
            return
        if state == NOT_REGISTERING:
            if status or not up:  # the end of a ping
                self.answers(trunk, up, self.round_trip(trunk))
        elif state in FAILED:
            self._failed(trunk, status)
        else:
            before = self.registered(trunk)
            again = TrunkState.REGISTERING if before in (None, TrunkState.UP) else before  # it tries again
            self.registration(trunk, TrunkState.UP if up else again)

    def _failed(self, trunk: str, status: str) -> None:
        """FAILED says why, FAIL_WAIT does not."""
        code = int(status) if status.isdigit() else 0
        if code in REFUSING and code not in SILENCE:
            self.registration(trunk, TrunkState.REJECTED)
        elif code or self.registered(trunk) is not TrunkState.REJECTED:
            self.registration(trunk, TrunkState.DOWN)


def _seconds(milliseconds: str) -> float:
    try:
        return max(0.0, float(milliseconds) / 1000)
    except ValueError:
        return 0.0
