"""One file at a time on a line, round and round where it is music; the tapes are told what is heard. It must not know
channels."""

from __future__ import annotations

from pathlib import Path

from cards.host.board import Board, BoardError
from cards.host.channel import Line
from cards.host.tapes import Tapes


class Player:
    def __init__(self, board: Board, tapes: Tapes) -> None:
        self._board, self._tapes = board, tapes

    def play(self, line: Line, file: Path, loop: bool = False) -> bool:
        """In place of what is played; whether the board took it."""
        self.stop(line)
        try:
            self._board.play(line.number, file)
        except BoardError:
            return False
        line.file_playing, line.looping = True, file if loop else None
        self._tapes.playing(line.number, file, loop)
        return True

    def stop(self, line: Line) -> None:
        if line.file_playing:
            self._board.stop_play(line.number)
            self._tapes.playing(line.number, None)
        line.file_playing, line.looping = False, None

    def ended(self, line: Line) -> bool:
        """The board says that the file is at its end; true when something else may follow."""
        if not line.file_playing:
            return False
        if line.looping is not None:
            self.play(line, line.looping, loop=True)
            return False
        line.file_playing = False
        self._tapes.playing(line.number, None)
        return True
