"""How far a caller is with what asks them something: a menu, a message, a callback, a survey."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(slots=True, eq=False)
class MenuPosition:
    """Where the caller is in the menus, and how many keys went wrong."""

    menu_id: str
    tries: int = 0
    play_id: str = ""
    steps: int = 0  # menus entered and keys gone wrong, over all menus


class MessageStage(StrEnum):
    GREETING = "greeting"
    TONE = "tone"
    RECORDING = "recording"


@dataclass(slots=True, eq=False)
class Message:
    """How far a caller is with leaving a message; ``play_id`` is of the prompt that plays."""

    stage: MessageStage
    play_id: str = ""


class AskStage(StrEnum):
    CONFIRM = "confirm"
    ENTER = "enter"


@dataclass(slots=True, eq=False)
class Asking:
    """A caller who asks to be called back: the number so far; ``play_id`` is of the prompt that plays."""

    stage: AskStage
    number: str
    play_id: str = ""


@dataclass(slots=True, eq=False)
class Question:
    """How often a caller has been asked how satisfied they are; ``play_id`` is of the prompt that plays."""

    times: int = 0
    play_id: str = ""
