"""The state of trunks out of what Asterisk says of contacts and registrations. No sockets."""

from __future__ import annotations

from collections.abc import Iterable

from cti.domain.switch.terms import TrunkState
from cti.switches.asterisk.channels import TRUNK_PREFIX
from cti.switches.asterisk.wire import Action, Frame, text
from cti.switches.trunks import Trunks

ANSWERS = {"Reachable": True, "Unreachable": False}
REGISTRATION_STATES = {"Registered": TrunkState.UP, "Rejected": TrunkState.REJECTED, "Stopped": TrunkState.REJECTED}


class AstTrunks(Trunks):
    """Trunks by Asterisk's words: contacts by endpoint, registrations by the client URI that its events name."""

    def __init__(self) -> None:
        super().__init__()
        self._clients: dict[str, str] = {}

    def contact(self, endpoint: str, status: str, microseconds: str) -> None:
        if endpoint.startswith(TRUNK_PREFIX):
            round_trip = int(microseconds) / 1_000_000 if microseconds.isdigit() else 0.0
            self.answers(endpoint.removeprefix(TRUNK_PREFIX), ANSWERS.get(status), round_trip)

    def client(self, endpoint: str, client_uri: str, status: str) -> None:
        if endpoint.startswith(TRUNK_PREFIX):
            self._clients[client_uri] = endpoint.removeprefix(TRUNK_PREFIX)
            self.registry(client_uri, status)

    def registry(self, client_uri: str, status: str) -> None:
        trunk = self._clients.get(client_uri)
        if trunk is not None:
            self.registration(trunk, REGISTRATION_STATES.get(status, TrunkState.REGISTERING))


def details(endpoints: Iterable[Frame]) -> list[Action]:
    """What must be asked to know the contacts of trunks: the list of contacts has only those that registered here."""
    names = (text(frame, "ObjectName") for frame in endpoints)
    return [{"Action": "PJSIPShowEndpoint", "Endpoint": name} for name in names if name.startswith(TRUNK_PREFIX)]


def trunks(endpoints: Iterable[Frame], told: Iterable[Frame], registrations: Iterable[Frame]) -> AstTrunks:
    """Every trunk, to be kept up by ``ContactStatus`` and ``Registry``. ``told`` answers ``details``."""
    found = AstTrunks()
    for frame in endpoints:
        found.contact(text(frame, "ObjectName"), "", "")
    for frame in told:
        if text(frame, "Event") == "ContactStatusDetail":
            found.contact(text(frame, "EndpointName"), text(frame, "Status"), text(frame, "RoundtripUsec"))
    for frame in registrations:
        if text(frame, "Event") == "OutboundRegistrationDetail":
            found.client(text(frame, "ObjectName"), text(frame, "ClientUri"), text(frame, "Status"))
    return found
