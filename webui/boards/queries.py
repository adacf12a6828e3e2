"""Boards and the plan of their lines in the database; nothing here commits."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import Agent, BoardLine, Did, Trunk, User, VoiceBoard


def load(session: Session, name: str) -> VoiceBoard:
    """The board, new where nothing of it has been saved."""
    board = session.get(VoiceBoard, name)
    if board is None:
        board = VoiceBoard(name=name, hunt="round", lines=[])
        session.add(board)
    return board


def planned(session: Session, name: str) -> dict[int, BoardLine]:
    lines = session.scalars(select(BoardLine).where(BoardLine.board == name).order_by(BoardLine.line))
    return {line.line: line for line in lines}


def line_of(board: VoiceBoard, number: int) -> BoardLine:
    for line in board.lines:
        if line.line == number:
            return line
    line = BoardLine(line=number, dialed="", trunk="", device="", blocked=False)
    board.lines.append(line)
    return line


def hunt(session: Session, name: str) -> str:
    board = session.get(VoiceBoard, name)
    return board.hunt if board is not None else "round"


def numbers(session: Session) -> list[tuple[str, str]]:
    return [(did.number, f"{did.number} {did.name}") for did in session.scalars(select(Did).order_by(Did.number))]


def trunks(session: Session) -> list[tuple[str, str]]:
    return [(trunk.id, trunk.name) for trunk in session.scalars(select(Trunk).order_by(Trunk.id))]


def telephones(session: Session) -> list[tuple[str, str]]:
    found = session.execute(
        select(Agent.number, User.name).join(Agent.user).where(User.active.is_(True)).order_by(Agent.number)
    )
    return [(number, f"{number} {name}") for number, name in found]
