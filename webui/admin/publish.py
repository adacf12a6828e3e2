"""After a change is in the database: have the worker publish it to the engine and, where phones or trunks changed, to
the switch. What did not work is said on the next page; the change itself stays and can be published again.
"""

from __future__ import annotations

import structlog
from flask import flash
from flask_babel import gettext as _

from cti.domain.errors import CallyardError
from webui.common.bus import request_engine

PUBLISH_DEADLINE = 5.0
APPLY_DEADLINE = 20.0

log = structlog.get_logger("web")


def announce(*, switch: bool) -> bool:
    """Publish the configuration; with ``switch`` also write and load the switch's files. Says how it went."""
    steps = [("publish_config", PUBLISH_DEADLINE)] + ([("apply_switch", APPLY_DEADLINE)] if switch else [])
    for op, deadline in steps:
        try:
            request_engine("cy.cmd.worker", {"op": op}, deadline)
        except CallyardError as error:
            log.warning("admin.publish", op=op, code=error.code, detail=str(error))
            flash(trouble(op, error), "danger")
            return False
    flash(_("Saved. It is in force now."), "success")
    return True


def trouble(op: str, error: CallyardError) -> str:
    detail = str(error)[:300]
    if op == "publish_config":
        text = _("Saved, but not yet in force: the worker did not publish it (%(detail)s). Press “Publish again”.")
    else:
        text = _("Saved, but the switch did not take it over (%(detail)s). Press “Publish again”.")
    return str(text) % {"detail": detail}
