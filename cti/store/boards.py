"""The dial plans of the voice boards, as their host processes take them, and the one of a new simulated board."""

from __future__ import annotations

from typing import Any

from sqlalchemy import not_, select
from sqlalchemy.orm import Session

from cti.domain.errors import CallyardError
from cti.store.models import Agent, BoardLine, Did, OutboundRule, PhoneKind, Trunk, User, VoiceBoard

BUCKET = "cy_boards"
THIS_MACHINE = "127.0.0.1"  # as the host of a trunk without a port: our own switch, from which no number is reached


def load_plans(session: Session) -> dict[str, dict[str, Any]]:
    """By board: the document of ``cards.host.plan``."""
    digits = extension_digits(session)
    boards = session.scalars(select(VoiceBoard).order_by(VoiceBoard.name))
    return {
        board.name: {"hunt": board.hunt, "extension_digits": digits, "lines": [_line(line) for line in board.lines]}
        for board in boards
    }


def _line(line: BoardLine) -> dict[str, Any]:
    return {
        "line": line.line,
        "dialed": line.dialed,
        "trunk": line.trunk,
        "device": line.device,
        "blocked": line.blocked,
    }


def extension_digits(session: Session) -> int:
    """How many digits the agents' numbers have; 0 where they differ: a telephone then waits for the next digit."""
    lengths = {len(number) for number in session.scalars(select(Agent.number))}
    return lengths.pop() if len(lengths) == 1 else 0


class TrunkTaken(CallyardError):
    """A trunk of somebody else stands where a gateway's must."""

    code = "board.trunk_taken"


def ensure_gateway_trunk(session: Session, board: str, host: str, port: int) -> str:
    """The trunk by which a softswitch and the gateway of this board reach each other; its place follows the settings.

    Called as the board is; where a trunk of that name is somebody else's, by the next name. Returns it. Commits.
    Raises ``TrunkTaken`` where another trunk leads to the gateway's own address: a switch could not tell their calls
    apart.
    """
    names = [board, *(f"{board}-{n}" for n in range(2, 10))]
    there = {trunk.id: trunk for trunk in session.scalars(select(Trunk))}
    for trunk in there.values():
        if host in (trunk.host, *trunk.sources) and not (trunk.id in names and _of_gateway(trunk, host)):
            raise TrunkTaken(
                f"trunk {trunk.id} is at {host}, which is the address of the gateway of {board}: "
                "give it another address, or delete it"
            )
    ours = [name for name in names if name in there and _of_gateway(there[name], host)]
    name = next((name for name in (*ours, *names) if name in ours or name not in there), "")
    if not name:
        raise TrunkTaken(f"trunks {', '.join(names)} are there already: rename one for the gateway of {board}")
    trunk = there.get(name) or Trunk(id=name, name="语音板卡 Voice board", codecs=["alaw"], ping=True, caller_number="")
    trunk.host, trunk.port, trunk.sources = host, port, [host]
    session.add(trunk)
    session.commit()
    return name


def _of_gateway(trunk: Trunk, host: str) -> bool:
    return trunk.host == host and list(trunk.sources) == [host] and not trunk.username


def ensure_demo_plan(
    session: Session,
    board: str,
    trunks: int,
    extensions: int,
    timeslots: int = 0,
    recorders: int = 0,
    *,
    alone: bool = False,
    trunk: str = "",
) -> bool:
    """Give a new board a plan: outside lines to the first service number and ``trunk`` (empty: the first), extensions
    to the agents in order who have none of another board, then timeslots of E1 as outside lines, and recording channels
    on other telephones of the first agents.

    ``trunk`` is a gateway's: calls out go by it where there is no other way to the outside nor any outbound rule.
    ``alone``: there is no switch for browser phones, so that these agents get their telephones chosen. Commits; false
    where the board has a plan.
    """
    if session.get(VoiceBoard, board) is not None:
        return False
    dialed = session.scalars(select(Did.number).order_by(Did.number)).first() or ""
    if trunk:
        _calls_go_out_by(session, trunk)
    trunk = trunk or session.scalars(select(Trunk.id).where(Trunk.active.is_(True)).order_by(Trunk.id)).first() or ""
    without = Agent.number.not_in(select(BoardLine.device))
    agents = session.scalars(
        select(Agent).join(Agent.user).where(User.active.is_(True), without).order_by(Agent.number).limit(extensions)
    ).all()
    if alone:
        for agent in agents:
            agent.phone = PhoneKind.SIP
    lines = [BoardLine(line=n, dialed=dialed, trunk=trunk) for n in range(trunks)]
    lines += [BoardLine(line=trunks + n, device=agent.number) for n, agent in enumerate(agents)]
    lines += [BoardLine(line=trunks + extensions + n, dialed=dialed, trunk=trunk) for n in range(timeslots)]
    first = trunks + extensions + timeslots
    lines += [BoardLine(line=first + n, device=agent.number) for n, agent in enumerate(agents[:recorders])]
    session.add(VoiceBoard(name=board, lines=lines))
    session.commit()
    return True


def _calls_go_out_by(session: Session, trunk: str) -> None:
    """Calls that no rule gives to a gateway take every other trunk first: here the demo's, which knows no number."""
    others = select(Trunk.id).where(Trunk.id != trunk, not_((Trunk.host == THIS_MACHINE) & (Trunk.port == 0)))
    if session.scalar(select(OutboundRule.id).limit(1)) is None and session.scalar(others.limit(1)) is None:
        session.add(OutboundRule(name="语音板卡 Voice board", trunks=[trunk]))
