"""The configuration of whichever switch the settings name: the same four functions for each."""

from __future__ import annotations

from collections.abc import Mapping

from cti.settings import Settings, SwitchChoice
from dialplan import deploy, freeswitch_deploy, freeswitch_render
from dialplan import render as asterisk_render
from dialplan.deploy import Applied
from dialplan.render import Rows


def is_freeswitch(settings: Settings) -> bool:
    return settings.switch is SwitchChoice.FREESWITCH


def switch_name(settings: Settings) -> str:
    return "FreeSWITCH" if is_freeswitch(settings) else "Asterisk"


def rendered(settings: Settings, rows: Rows) -> Mapping[str, str]:
    """The files, checked. Raises ``UnsafeValue`` or ``BadDialplan``."""
    files = (freeswitch_render if is_freeswitch(settings) else asterisk_render).render(settings, rows)
    (freeswitch_render if is_freeswitch(settings) else asterisk_render).check(files)
    return files


def apply(settings: Settings, rows: Rows) -> Applied:
    return freeswitch_deploy.apply(settings, rows) if is_freeswitch(settings) else deploy.apply(settings, rows)


def rollback(settings: Settings) -> Applied:
    return freeswitch_deploy.rollback(settings) if is_freeswitch(settings) else deploy.rollback(settings)
