"""Rows of trunks as the templates of either switch want them: checked, with every default filled in.

What both switches must agree upon is decided here: which trunk a call from an address belongs to, which number From
carries. Numbers are not changed by a switch: the engine does that. Must not know a switch's configuration language.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cti.domain.trunks import CODECS, DEFAULT_CODECS, CallerIn, DidFrom, DtmfMode, Transport
from cti.switch_settings import GATEWAY_HOST
from dialplan import escape

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK = tuple(ipaddress.ip_network(text) for text in ("127.0.0.0/8", "::1/128"))
SHORTEST_EXPIRY, LONGEST_EXPIRY = 30, 86_400
_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")


@dataclass(slots=True)
class Trunk:
    """One trunk, fit to be written. ``networks`` are where its calls come from; none: it takes no calls in."""

    id: str
    host: str
    address: str  # host:port, an IPv6 address in brackets
    loopback: bool
    transport: str
    proxy: str  # host:port of the outbound proxy, or empty
    username: str
    auth_user: str
    realm: str
    secret: str
    register: bool
    expiry: int
    codecs: tuple[str, ...]
    dtmf: str
    ping: bool
    networks: tuple[Network, ...]
    not_networks: tuple[Network, ...]  # within ``networks``, but another trunk's
    names: tuple[str, ...]  # host names whose addresses count as ``networks``
    did_from: str
    did_fixed: str
    from_user: str  # what From carries instead of the number shown, or empty
    asserted: bool  # P-Asserted-Identity carries the number shown

    @property
    def quiet_for(self) -> int:
        """Seconds without a packet of sound that end a call: a gateway of ours sends always, a carrier may not."""
        return 20 if self.host == GATEWAY_HOST else 600


Resolve = Callable[[str], Sequence[str]]


def carried_by(switch: str, rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows of trunks that the switch of this name carries."""
    return [row for row in rows if not row.get("switches") or switch in row["switches"]]


def trunks(rows: Sequence[Mapping[str, Any]], own_port: int, resolve: Resolve | None = None) -> list[Trunk]:
    """Every trunk, fit to be written; one that takes the calls of this machine itself is made if none leads there.

    ``resolve`` gives the addresses of a host name, for switches that do not ask themselves. A trunk on this machine
    without a port leads back to ourselves, ``own_port``. Raises ``UnsafeValue``, naming trunk and field.
    """
    found = [_trunk(row, own_port) for row in rows]
    if not any(trunk.loopback for trunk in found):
        used = {trunk.id for trunk in found}
        name = next(n for n in ("local", "loopback", "this-machine") if n not in used)
        found.append(_trunk({"id": name, "host": "127.0.0.1"}, own_port))
    if resolve is not None:
        for trunk in found:
            addresses = [address for name in trunk.names for address in resolve(name)]
            trunk.networks += tuple(ipaddress.ip_network(a) for a in addresses if _ip(a) is not None)
            trunk.names = ()
    _share_out(found)
    return found


def wants_tls(found: Iterable[Trunk]) -> bool:
    return any(trunk.transport == Transport.TLS for trunk in found)


def _share_out(found: list[Trunk]) -> None:
    """No address belongs to two trunks: the smaller network wins, and of two equal ones the first."""
    taken: set[Network] = set()
    for trunk in found:
        trunk.networks = tuple(dict.fromkeys(n for n in trunk.networks if n not in taken))
        taken.update(trunk.networks)
    for trunk in found:
        inside = [n for n in taken if any(n != own and _within(n, own) for own in trunk.networks)]
        trunk.not_networks = tuple(sorted((n for n in inside if n not in trunk.networks), key=str))


def _within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _trunk(row: Mapping[str, Any], own_port: int) -> Trunk:
    identity = escape.token(row["id"], "trunk id")

    def name(field: str) -> str:
        return f"{field} of trunk {identity}"

    host = escape.host(row["host"], name("host")).strip("[]")
    address = _ip(host)
    loopback = host == "localhost" or (address is not None and address.is_loopback)
    port = int(row.get("port") or 0)
    to_ourselves = loopback and not port
    username = _optional_token(row, "username", name)
    register = bool(row.get("register"))
    if register and not username:
        raise escape.UnsafeValue(f"trunk {identity}: registering needs a user name and a secret")
    number_in = _one_of(CallerIn, row, "caller_in", CallerIn.PAI if username else CallerIn.BOTH, name)
    did_from = _one_of(DidFrom, row, "did_from", DidFrom.REQUEST, name)
    networks = _networks(row, name)
    by_name = not networks and address is None and not loopback
    usual = LOOPBACK if loopback else (() if address is None else (ipaddress.ip_network(address),))
    return Trunk(
        id=identity,
        host=host,
        address=_with_port(host, port or (own_port if loopback else 5060), name("port")),
        loopback=loopback,
        transport=_one_of(Transport, row, "transport", Transport.UDP, name),
        proxy=_proxy(str(row.get("outbound_proxy") or ""), name("outbound proxy")),
        username=username,
        auth_user=_optional_token(row, "auth_user", name) or username,
        realm=escape.host(row["realm"], name("realm")) if row.get("realm") else "",
        secret=str(row.get("secret") or ""),
        register=register,
        expiry=_between(row.get("expiry") or 300, SHORTEST_EXPIRY, LONGEST_EXPIRY, name("expiry")),
        codecs=_codecs(row, name("codecs")),
        dtmf=_one_of(DtmfMode, row, "dtmf", DtmfMode.RFC2833, name),
        ping=bool(row.get("ping")) and not to_ourselves,
        networks=networks or usual,
        not_networks=(),
        names=(host,) if by_name else (),
        did_from=did_from,
        did_fixed=_number(row.get("did_fixed"), name("fixed number")) if did_from == DidFrom.FIXED else "",
        from_user=(username or "callyard") if number_in == CallerIn.PAI else "",
        asserted=number_in != CallerIn.FROM,
    )


def _optional_token(row: Mapping[str, Any], field: str, name: Callable[[str], str]) -> str:
    return escape.token(row[field], name(field)) if row.get(field) else ""


def _one_of(kind: Any, row: Mapping[str, Any], field: str, usual: str, name: Callable[[str], str]) -> str:
    try:
        return str(kind(row.get(field) or usual))
    except ValueError:
        raise escape.UnsafeValue(f"{name(field)}: {str(row[field])[:40]!r} is none of {', '.join(kind)}") from None


def _codecs(row: Mapping[str, Any], what: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(row.get("codecs") or DEFAULT_CODECS))
    for codec in wanted:
        if codec not in CODECS:
            raise escape.UnsafeValue(f"{what}: {str(codec)[:40]!r} is none of {', '.join(CODECS)}")
    return wanted


def _networks(row: Mapping[str, Any], name: Callable[[str], str]) -> tuple[Network, ...]:
    found: list[Network] = []
    for text in row.get("sources") or ():
        try:
            found.append(ipaddress.ip_network(str(text).strip()))
        except ValueError as error:
            raise escape.UnsafeValue(f"{name('source addresses')}: {str(text)[:60]!r}: {error}") from None
    return tuple(found)


def _proxy(text: str, what: str) -> str:
    """``host``, ``host:port``, ``[v6]`` or ``[v6]:port``."""
    if not text:
        return ""
    parts = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?", text)
    if parts is None:
        raise escape.UnsafeValue(f"{what} {text[:70]!r}: not a host or host:port")
    return _with_port(escape.host(parts[1], what).strip("[]"), int(parts[2] or 5060), what)


def _with_port(host: str, port: int, what: str) -> str:
    _between(port, 1, 65_535, what)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _between(value: object, least: int, most: int, what: str) -> int:
    number = int(str(value))
    if not least <= number <= most:
        raise escape.UnsafeValue(f"{what}: {number} is not between {least} and {most}")
    return number


def _number(value: object, what: str) -> str:
    text = str(value or "")
    if not _NUMBER.fullmatch(text):
        raise escape.UnsafeValue(f"{what} {text[:40]!r}: only digits, * # and a leading +")
    return text


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
