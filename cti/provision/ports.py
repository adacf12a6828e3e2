"""Which ports we listen on, and whether each is free. Must not know the programs behind them."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from cti.provision.apt import ProvisionFailed
from cti.settings import Settings

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Port:
    """One thing that listens. ``setting`` names what to change when it is taken."""

    use: str
    setting: str
    address: str
    number: int
    datagram: bool = False


def our_ports(
    settings: Settings, *, own_nats: bool = True, own_asterisk: bool = True, own_freeswitch: bool = False
) -> list[Port]:
    ports = [
        Port("web", "CALLYARD_WEB_PORT", settings.bind, settings.web_port),
        Port("engine metrics", "CALLYARD_ENGINE_METRICS_PORT", LOOPBACK, settings.engine_metrics_port),
        Port("worker metrics", "CALLYARD_WORKER_METRICS_PORT", LOOPBACK, settings.worker_metrics_port),
    ]
    if own_nats:
        ports.append(Port("bus", "CALLYARD_NATS_PORT", LOOPBACK, settings.nats_port))
    if own_asterisk:
        ports.append(Port("switch manager", "CALLYARD_AMI_PORT", LOOPBACK, settings.ami_port))
    if own_freeswitch:
        ports.append(Port("event socket", "CALLYARD_ESL_PORT", LOOPBACK, settings.esl_port))
    if own_asterisk or own_freeswitch:
        ports += [
            Port("SIP", "CALLYARD_SIP_PORT", settings.bind, settings.sip_port, datagram=True),
            Port("SIP over TCP", "CALLYARD_SIP_PORT", settings.bind, settings.sip_port),
            Port("SIP over websocket", "CALLYARD_SIP_WS_PORT", settings.bind, settings.sip_ws_port),
        ]
    return ports


def why_not_free(port: Port) -> str | None:
    """None if ``port`` can be listened on, else one line that says what to do."""
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    kind = socket.SOCK_DGRAM if port.datagram else socket.SOCK_STREAM
    try:
        with socket.socket(family, kind) as probe:
            if not port.datagram:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((port.address, port.number))
            if not port.datagram:
                probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"port {port.number} ({port.use}) is in use: stop the program that holds it, or set {port.setting}"
        if error.errno == errno.EACCES:
            return f"port {port.number} ({port.use}) needs root: set {port.setting} to one above 1023"
        return f"cannot listen on {port.address} port {port.number} ({port.use}): {error.strerror}: see CALLYARD_BIND"
    return None


def require_ports(ports: list[Port]) -> None:
    """Raise ``ProvisionFailed`` naming every port that is taken, or asked for twice."""
    reasons = [reason for port in ports if (reason := why_not_free(port))]
    seen: dict[tuple[int, bool], Port] = {}
    for port in ports:
        other = seen.setdefault((port.number, port.datagram), port)
        if other is not port:
            reasons.append(f"port {port.number} is set for both {other.use} and {port.use}: change {port.setting}")
    if reasons:
        raise ProvisionFailed("; ".join(dict.fromkeys(reasons)))
