"""The simulator switch."""

from cti.switches.sim.driver import SimSwitch

__all__ = ["SimSwitch"]
