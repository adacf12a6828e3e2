"""Every error a person or a caller of the API may meet: one base with a stable code, one class a failure."""

from __future__ import annotations


class CallyardError(Exception):
    """Base of all our errors.

    ``code`` is stable and is what pages translate; ``params`` are plain values for the message.
    """

    code = "error"

    def __init__(self, message: str = "", **params: object) -> None:
        super().__init__(message or self.code)
        self.params = params

    def reply(self) -> dict[str, object]:
        """What a request that failed is answered with (docs/bus.md); values that JSON does not know as text."""
        plain = {k: v if isinstance(v, str | int | float | bool | None) else str(v) for k, v in self.params.items()}
        return {"ok": False, "error": self.code, "params": plain, "message": str(self)}


class SwitchError(CallyardError):
    """A switch command did not do its work."""

    code = "switch.failed"


class LinkDown(SwitchError):
    """There is no connection to the switch; nothing was sent, or its outcome is unknown."""

    code = "switch.link_down"


class DeadlineExceeded(SwitchError):
    """The switch did not answer in time; the outcome is unknown."""

    code = "switch.deadline"


class ChannelGone(SwitchError):
    """The channel named in the command no longer exists."""

    code = "switch.channel_gone"


class CommandRefused(SwitchError):
    """The command was refused before or by the switch (bad characters, unknown device, not capable)."""

    code = "switch.refused"


class IllegalTransition(CallyardError):
    """An event that the state table does not allow in this state; nothing was changed."""

    code = "state.illegal"


class UnknownAgent(CallyardError):
    code = "agent.unknown"


class NotAllowedNow(CallyardError):
    """The request makes no sense in the agent's or call's present state."""

    code = "agent.not_now"


class UnknownTrunk(CallyardError):
    code = "trunk.unknown"


class TrunkFull(NotAllowedNow):
    """Every channel that the other side allows is in use."""

    code = "trunk.full"


class DoNotCall(NotAllowedNow):
    """The number is on a list of those who are not called."""

    code = "number.do_not_call"


class BadRequest(CallyardError):
    code = "request.bad"


class EngineUnavailable(CallyardError):
    """The engine did not answer on the bus in time."""

    code = "engine.unavailable"


class NotPermitted(CallyardError):
    """The user may not do this to this object, whatever page it came from."""

    code = "permission.missing"


class OrderChanged(CallyardError):
    """Somebody else moved the order on since the page was made."""

    code = "order.changed"


class OrderRefused(CallyardError):
    """The order cannot go on like this; ``why`` is the stable name of the reason."""

    code = "order.refused"


class MoneyRefused(CallyardError):
    """A document of money that cannot be made or changed like this; ``why`` is the stable name of the reason."""

    code = "money.refused"
