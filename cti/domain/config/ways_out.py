"""Trunks, and which of them a call out takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cti.domain.trunks import CallerId, NumberRule


class TrunkOrder(StrEnum):
    """Which of an outbound rule's trunks is tried first; after a failure the next one is."""

    SEQUENTIAL = "sequential"
    ROUND_ROBIN = "round_robin"  # the one after the last used
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class OutboundRule:
    """Calls out to numbers that begin with one of ``prefixes`` (empty: any), by one of ``agents``, or by agents of, or
    passed on from, one of ``queues`` (both empty: by anybody), take one of ``trunks`` (empty: any). ``caller_number``
    is shown; empty: as the trunk says.
    """

    id: str
    name: str
    trunks: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    order: TrunkOrder = TrunkOrder.SEQUENTIAL
    caller_number: str = ""
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrunkConfig:
    """A way out and in. Rules as in ``cti.domain.trunks``; ``max_channels`` 0: no limit; ``switches`` empty: all."""

    id: str
    name: str
    caller_number: str = ""
    caller_id: CallerId = CallerId.FIXED
    hide_number: bool = False
    dial_rules: tuple[NumberRule, ...] = ()
    did_rules: tuple[NumberRule, ...] = ()
    caller_rules: tuple[NumberRule, ...] = ()
    max_channels: int = 0
    switches: tuple[str, ...] = ()
