"""Boards and the plan of their lines in the database; nothing here commits."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.domain.dahdi import HOST, board_name
from cti.settings import Settings
from cti.store.models import Agent, BoardLine, Did, Trunk, User, VoiceBoard
from cti.switch_settings import SwitchKind, SwitchSettings
from webui.common import db


def dahdi_boards() -> dict[str, SwitchSettings]:
    """By name: the DAHDI boards that an Asterisk of ours may have, and that Asterisk."""
    settings: Settings = current_app.extensions["callyard_settings"]
    switches = (switch for switch in settings.switches() if switch.kind is SwitchKind.ASTERISK)
    return {board_name(switch.name): switch for switch in switches}


def with_spans(session: Session) -> list[str]:
    """DAHDI boards that have spans."""
    boards = session.scalars(select(VoiceBoard).order_by(VoiceBoard.name))
    return [board.name for board in boards if board.spans and board.name in dahdi_boards()]


def boards() -> list[str]:
    """Every board there is, by name."""
    settings: Settings = current_app.extensions["callyard_settings"]
    own = [switch.name for switch in settings.switches() if switch.kind is SwitchKind.BOARD]
    return own + with_spans(db.session())


def all_trunks(session: Session) -> list[Trunk]:
    return list(session.scalars(select(Trunk).order_by(Trunk.id)))


def new_trunk(name: str, switch: str) -> Trunk:
    """A trunk that is lines of a board."""
    return Trunk(id=name, name="板卡线路 Board lines", host=HOST, codecs=["alaw"], ping=False, switches=[switch])


def load(session: Session, name: str) -> VoiceBoard:
    """The board, new where nothing of it has been saved."""
    board = session.get(VoiceBoard, name)
    if board is None:
        board = VoiceBoard(name=name, hunt="round", spans=[], lines=[])
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
