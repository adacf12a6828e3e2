"""The FreeSWITCH driver, over the event socket (ESL)."""

from cti.switches.freeswitch.driver import FreeSwitch

__all__ = ["FreeSwitch"]
