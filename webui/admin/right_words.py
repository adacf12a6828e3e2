"""What each permission lets one do, in words, in the groups in which the page of rights shows them.

A permission without words here shows by its code, in the last group.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from webui.common.permissions import Permission

GROUPS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (
        _("At the desk"),
        {
            "desktop.use": _("Take calls at the desk"),
            "followup.use": _("Call back lost calls, hear messages"),
            "testcall.place": _("Place test calls"),
            "forwarding.own": _("Forward own calls to an outside number"),
            "numbers.unmasked": _("See phone numbers and ID numbers whole"),
        },
    ),
    (
        _("Customers, orders, goods"),
        {
            "customers.read": _("See customers"),
            "customers.write": _("Create and change customers"),
            "customers.merge": _("Merge customers and undo it"),
            "orders.read": _("See orders and products"),
            "orders.write": _("Take and change orders"),
            "orders.set_price": _("Change prices in an order"),
            "orders.review": _("Review, hold, split, merge and void orders"),
            "orders.fulfil": _("Pick, pack and ship, enter what carriers say, inspect returns"),
            "products.write": _("Change products"),
            "stock.write": _("Book goods in and out, transfer, count"),
            "points.write": _("Change point rules and points"),
            "admin.api": _("API keys and webhooks"),
            "media.read": _("See media and airings"),
            "media.write": _("Change media and airings"),
            "reports.read": _("See reports"),
            "lists.export": _("Export lists to files"),
            "lists.import": _("Import lists from files"),
        },
    ),
    (
        _("Money"),
        {
            "finance.read": _("See settlements, refunds, invoices and charges"),
            "finance.receive": _("Enter payments of customers"),
            "finance.settle": _("Settle with carriers"),
            "finance.write_off": _("Approve losses with carriers that others want written off"),
            "refunds.approve": _("Approve refunds that others asked for"),
            "refunds.pay": _("Enter refunds as paid"),
            "invoices.write": _("Issue and void invoices"),
            "tariffs.write": _("Change call tariffs"),
        },
    ),
    (
        _("Calls and recordings"),
        {
            "calls.read_own": _("See calls"),
            "calls.trace": _("Read the operation log of calls and switches"),
            "recordings.listen_own": _("Hear own recordings"),
            "recordings.listen_all": _("Hear recordings of all whose calls one sees"),
            "recordings.download": _("Download recordings"),
        },
    ),
    (
        _("Supervision"),
        {
            "floor.view": _("See all agents and queues live"),
            "bulletins.write": _("Publish bulletins"),
            "supervise.force_ready": _("Set agents ready"),
            "supervise.force_not_ready": _("Set agents busy"),
            "supervise.force_logout": _("Sign agents off"),
            "supervise.pull": _("Give a waiting call to an agent"),
            "supervise.drop": _("Hang calls up"),
            "supervise.queues": _("Put agents into other queues"),
            "supervise.listen": _("Listen to calls"),
            "supervise.whisper": _("Speak to the agent only"),
            "supervise.barge": _("Barge in"),
            "supervise.intercept": _("Take calls over"),
        },
    ),
    (
        _("Administration"),
        {
            "calendar.override": _("Force calendars open or closed"),
            "admin.users": _("Users, departments and rights"),
            "admin.queues": _("Queues, numbers, rules, trunks"),
            "admin.fields": _("Code tables, parameters, custom fields"),
            "boards.read": _("See voice boards"),
            "boards.write": _("Plan, block and test lines of voice boards"),
            "audit.read": _("See the audit"),
        },
    ),
)
BY_SCOPE = frozenset({"orders.read_all", "calls.read_all"})
"""Permissions that are the scope of a kind of data and are chosen there."""


def grouped() -> list[tuple[Any, list[tuple[str, Any]]]]:
    """Every permission with its words, under the headings of the page."""
    known = {str(permission) for permission in Permission} - BY_SCOPE
    found = [(title, [(code, text) for code, text in rows.items() if code in known]) for title, rows in GROUPS]
    told = {code for _title, rows in found for code, _text in rows}
    other = [(code, code) for code in (str(p) for p in Permission) if code in known - told]
    return [*found, (_("Other"), other)] if other else found
