"""The page's own test call: asks the engine for a real call through the switch into a service number."""

from __future__ import annotations

from flask import Blueprint, Flask, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from webui.common import audit, db
from webui.common.bus import request_engine
from webui.common.htmx import toast
from webui.common.hub import EventHub
from webui.common.permissions import Permission, requires
from webui.testcall import queries
from webui.testcall.forms import TestCallForm

blueprint = Blueprint("testcall", __name__, url_prefix="/testcall")

CALLS_PER_USER = "20/minute"


def install(app: Flask) -> None:
    """Each holds a channel of the switch for minutes."""
    limiter = app.extensions["callyard_limiter"]
    view = app.view_functions["testcall.place"]
    limited = limiter.limit(CALLS_PER_USER, key_func=lambda: str(current_user.id), methods=["POST"])(view)
    app.view_functions["testcall.place"] = limited


@blueprint.route("", methods=["GET", "POST"])
@requires(Permission.TESTCALL_PLACE)
def place() -> ResponseReturnValue:
    """The small form; sent, it places the call and says so."""
    database = db.session()
    form = TestCallForm()
    form.offer(queries.service_numbers(database), queries.menu_keys(database), several_switches())
    if request.method == "GET":
        return render_template("desktop/testcall.html", form=form)
    if not form.validate_on_submit():
        return render_template("desktop/testcall.html", form=form), 422
    known = queries.some_customer(database) if form.caller.data == "known" else None
    name, number = known or ("", queries.unknown_number())
    call = {"op": "test_call", "dialed": form.dialed.data, "caller_number": number, "caller_name": name}
    audit.record("testcall.place", f"number/{form.dialed.data}", after={"digits": form.digits.data})
    database.commit()
    if "switch" in form:
        call["switch"] = form.switch.data
    request_engine("cy.cmd.centre", call | {"digits": form.digits.data})
    response = make_response(render_template("desktop/testcall.html", form=form))
    return toast(response, _("The test call is on its way. It reaches you when you are ready."))


def several_switches() -> list[str]:
    """Their names, where a caller has the choice."""
    hub: EventHub = current_app.extensions["callyard_hub"]
    names = [str(switch.get("name", "")) for switch in hub.centre().get("switches", [])]
    return names if len(names) > 1 else []
