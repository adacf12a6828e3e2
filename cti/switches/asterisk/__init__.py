"""The Asterisk driver, over the manager interface (AMI)."""

from cti.switches.asterisk.driver import AsteriskSwitch

__all__ = ["AsteriskSwitch"]
