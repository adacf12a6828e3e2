"""Telephone boards, whose host process is met on the bus."""

from cti.switches.board.driver import BoardSwitch

__all__ = ["BoardSwitch"]
