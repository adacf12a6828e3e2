"""The configuration of a switch, whichever kind it is: the same four functions for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from cti.domain.errors import CallyardError
from cti.switch_settings import SwitchKind, SwitchSettings
from dialplan import deploy, freeswitch_deploy, freeswitch_render
from dialplan import render as asterisk_render
from dialplan.deploy import Applied
from dialplan.render import Rows


class SwitchesNotApplied(CallyardError):
    """Some switches did not take their configuration over; the message names each with its reason."""

    code = "switch.not_applied"


def is_freeswitch(switch: SwitchSettings) -> bool:
    return switch.kind is SwitchKind.FREESWITCH


def rendered(switch: SwitchSettings, rows: Rows) -> Mapping[str, str]:
    """The files, checked. Raises ``UnsafeValue`` or ``BadDialplan``."""
    if is_freeswitch(switch):
        files = freeswitch_render.render(switch, rows)
        freeswitch_render.check(files)
    else:
        files = asterisk_render.render(switch, rows)
        asterisk_render.check(files)
    return files


def apply(switch: SwitchSettings, rows: Rows) -> Applied:
    return freeswitch_deploy.apply(switch, rows) if is_freeswitch(switch) else deploy.apply(switch, rows)


def rollback(switch: SwitchSettings) -> Applied:
    return freeswitch_deploy.rollback(switch) if is_freeswitch(switch) else deploy.rollback(switch)


def each(switches: Sequence[SwitchSettings], work: Callable[[SwitchSettings], Applied]) -> dict[str, Applied]:
    """``work`` on every switch that has a configuration of ours, at once; one that fails keeps no other from it.

    Raises ``SwitchesNotApplied`` at the end, or the error itself where there is only one switch.
    """
    real = [switch for switch in switches if switch.speaks_sip]
    if len(real) < 2:
        return {switch.name: work(switch) for switch in real}
    with ThreadPoolExecutor(len(real)) as threads:
        working = {switch.name: threads.submit(work, switch) for switch in real}
    done: dict[str, Applied] = {}
    failed: list[str] = []
    for name, job in working.items():
        try:
            done[name] = job.result()
        except (CallyardError, OSError) as error:
            failed.append(f"{name}: {error}")
    if failed:
        raise SwitchesNotApplied("; ".join(failed))
    return done
