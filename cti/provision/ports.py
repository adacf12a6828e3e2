"""Which ports we listen on, and whether each is free. Must not know the programs behind them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from cti.provision.apt import ProvisionFailed
from cti.settings import LOOPBACK, Settings, SwitchChoice, SwitchKind, SwitchSettings


@dataclass(frozen=True, slots=True)
class Port:
    """One thing that listens. ``setting`` names what to change when it is taken."""

    use: str
    setting: str
    address: str
    number: int
    datagram: bool = False


def our_ports(settings: Settings, switches: Sequence[SwitchSettings] = (), *, own_nats: bool = True) -> list[Port]:
    """``switches``: those that we run ourselves."""
    ports = [
        Port("web", "CALLYARD_WEB_PORT", settings.bind, settings.web_port),
        Port("engine metrics", "CALLYARD_ENGINE_METRICS_PORT", LOOPBACK, settings.engine_metrics_port),
        Port("worker metrics", "CALLYARD_WORKER_METRICS_PORT", LOOPBACK, settings.worker_metrics_port),
    ]
    if own_nats:
        ports.append(Port("bus", "CALLYARD_NATS_PORT", LOOPBACK, settings.nats_port))
    several = sum(switch.speaks_sip for switch in switches) > 1
    return [*ports, *(port for switch in switches for port in _ports_of(settings, switch, several=several))]


def _ports_of(settings: Settings, switch: SwitchSettings, *, several: bool) -> list[Port]:
    if not switch.speaks_sip:
        gateway = Port("SIP of the gateway", "CALLYARD_GATEWAY_PORT", switch.sip_host, switch.sip_port, datagram=True)
        return [gateway] if switch.gateway else []
    asterisk = switch.kind is SwitchKind.ASTERISK
    of = f" of {switch.name}" if several else ""
    if switch.name in ("asterisk", "freeswitch"):
        beside = settings.switch is SwitchChoice.BOTH and not asterisk
        control = "CALLYARD_AMI_PORT" if asterisk else "CALLYARD_ESL_PORT"
        sip = "CALLYARD_FREESWITCH_SIP" if beside else "CALLYARD_SIP"
        sip, websocket = f"{sip}_PORT", f"{sip}_WS_PORT"
    else:
        control, sip, websocket = (f"{field} of {switch.name}" for field in ("port", "sip_port", "sip_ws_port"))
    return [
        Port(("switch manager" if asterisk else "event socket") + of, control, LOOPBACK, switch.port),
        Port(f"SIP{of}", sip, switch.bind, switch.sip_port, datagram=True),
        Port(f"SIP over TCP{of}", sip, switch.bind, switch.sip_port),
        Port(f"SIP over websocket{of}", websocket, switch.bind, switch.sip_ws_port),
    ]


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
