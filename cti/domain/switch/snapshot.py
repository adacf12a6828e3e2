"""All that a switch knows at one moment: what we knew is reconciled with it after every connect."""

from __future__ import annotations

from dataclasses import dataclass, field

from cti.domain.switch.terms import TrunkState


@dataclass(frozen=True, slots=True)
class ChannelSnapshot:
    """One live channel. ``peer`` is the channel it is bridged with, or empty. ``state`` as set by ``SetState``."""

    channel: str
    caller_number: str
    caller_name: str
    dialed: str
    answered: bool
    controlled: bool
    peer: str
    state: str
    device: str = ""
    trunk: str = ""
    incoming: bool = False
    age: float = 0.0  # seconds since the channel was made
    spying: str = ""  # the channel it listens to: ``Spy``
    conference: str = ""  # that it is in: ``Confer``
    watched: bool = False  # ``ChannelWatched``
    left_by: str = ""  # the channel that it was joined with last, if that has hung up and the switch tells


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All live channels; by device name, whether each known device is registered; each trunk's state.

    ``relayed`` are the channels of other switches of ours (their ids there) whose far end this switch carries to one
    of its phones: ``DeviceTarget.switch``. The carrying channels themselves are not in ``channels``.
    ``up_for`` is how many seconds the switch has run, where it says so: an older call ended with what ran before.
    """

    at: float
    channels: tuple[ChannelSnapshot, ...] = ()
    devices: dict[str, bool] = field(default_factory=dict)
    trunks: dict[str, TrunkState] = field(default_factory=dict)
    relayed: frozenset[str] = frozenset()
    up_for: float | None = None
