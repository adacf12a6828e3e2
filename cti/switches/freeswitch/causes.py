"""Why a channel ended, out of what FreeSWITCH says and what we know. Names in, ``Cause`` out."""

from __future__ import annotations

from cti.domain.switch.terms import Cause

_NAMES: dict[str, Cause] = {
    "UNALLOCATED_NUMBER": Cause.UNALLOCATED,
    "INVALID_NUMBER_FORMAT": Cause.UNALLOCATED,
    "NO_ROUTE_DESTINATION": Cause.UNREACHABLE,
    "NORMAL_CLEARING": Cause.NORMAL,
    "NORMAL_UNSPECIFIED": Cause.NORMAL,
    "ALLOTTED_TIMEOUT": Cause.NORMAL,
    "PICKED_OFF": Cause.NORMAL,
    "LOSE_RACE": Cause.NORMAL,
    "USER_BUSY": Cause.BUSY,
    "NO_USER_RESPONSE": Cause.NO_ANSWER,
    "NO_ANSWER": Cause.NO_ANSWER,
    "PROGRESS_TIMEOUT": Cause.NO_ANSWER,
    "SUBSCRIBER_ABSENT": Cause.UNREACHABLE,
    "USER_NOT_REGISTERED": Cause.UNREACHABLE,
    "GATEWAY_DOWN": Cause.UNREACHABLE,
    "INVALID_GATEWAY": Cause.UNREACHABLE,
    "NETWORK_OUT_OF_ORDER": Cause.UNREACHABLE,
    "DESTINATION_OUT_OF_ORDER": Cause.UNREACHABLE,
    "RECOVERY_ON_TIMER_EXPIRE": Cause.UNREACHABLE,
    "NUMBER_CHANGED": Cause.UNREACHABLE,  # so says another switch of ours of a phone that is not registered there
    "CALL_REJECTED": Cause.REJECTED,
    "DECLINE": Cause.REJECTED,
    "NORMAL_CIRCUIT_CONGESTION": Cause.CONGESTION,
    "NORMAL_TEMPORARY_FAILURE": Cause.CONGESTION,
    "SWITCH_CONGESTION": Cause.CONGESTION,
    "REQUESTED_CHAN_UNAVAIL": Cause.CONGESTION,
    "ORIGINATOR_CANCEL": Cause.CANCELLED,
    "MEDIA_TIMEOUT": Cause.MEDIA_LOST,
}
TO_NAME: dict[Cause, str] = {
    Cause.NORMAL: "NORMAL_CLEARING",
    Cause.BUSY: "USER_BUSY",
    Cause.NO_ANSWER: "NO_ANSWER",
    Cause.REJECTED: "CALL_REJECTED",
    Cause.UNALLOCATED: "UNALLOCATED_NUMBER",
    Cause.CONGESTION: "NORMAL_CIRCUIT_CONGESTION",
    Cause.CANCELLED: "ORIGINATOR_CANCEL",
    Cause.MEDIA_LOST: "NORMAL_CLEARING",
    Cause.UNREACHABLE: "SUBSCRIBER_ABSENT",
    Cause.FAILED: "NORMAL_TEMPORARY_FAILURE",
}

LOST_THERE = "REQUESTED_CHAN_UNAVAIL"  # Q.850 44, as Asterisk says it of a phone without RTP

BROKEN = "DESTINATION_OUT_OF_ORDER"  # Q.850 27: the line itself, as a gateway says of one that is unplugged


def ended(
    name: str, *, answered: bool, by_far_side: bool, incoming: bool, asked: Cause | None, relayed: bool = False
) -> Cause:
    """The cause of a channel that is gone. ``asked`` is ours if we hung up; it wins.

    ``relayed``: the far side is a switch of ours, so that its word for a phone that was lost is taken.
    """
    if asked is not None:
        return Cause.CANCELLED if asked is Cause.NORMAL and not answered else asked
    cause = _NAMES.get(name, Cause.FAILED)
    if answered and (name == BROKEN or (relayed and name == LOST_THERE)):
        return Cause.MEDIA_LOST
    if answered:
        return cause if cause in (Cause.NORMAL, Cause.MEDIA_LOST) or not by_far_side else Cause.NORMAL
    if incoming and by_far_side:
        return Cause.CANCELLED
    return Cause.FAILED if cause is Cause.NORMAL else cause


def not_originated(reply: str) -> Cause:
    """The cause of an ``originate`` that failed before there was a channel (``-ERR USER_NOT_REGISTERED``)."""
    return _NAMES.get(reply.removeprefix("-ERR").strip().partition(" ")[0], Cause.UNREACHABLE)
