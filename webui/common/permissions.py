"""Who may do what: permissions, the roles that hold them, and the guard in front of every view.

A view declares exactly one of ``@requires(...)``, ``@signed_in`` or ``@public``; a view that declares none is refused,
and a unit test fails. The guard knows no feature.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask, abort, current_app, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cti.store.models import Role


class Permission(StrEnum):
    DESKTOP_USE = "desktop.use"
    CUSTOMERS_READ = "customers.read"
    CUSTOMERS_WRITE = "customers.write"
    CUSTOMERS_MERGE = "customers.merge"
    ORDERS_READ = "orders.read"
    ORDERS_WRITE = "orders.write"
    ORDERS_READ_ALL = "orders.read_all"
    ORDERS_SET_PRICE = "orders.set_price"
    ORDERS_REVIEW = "orders.review"
    ORDERS_FULFIL = "orders.fulfil"
    FINANCE_READ = "finance.read"
    FINANCE_RECEIVE = "finance.receive"
    FINANCE_SETTLE = "finance.settle"
    FINANCE_WRITE_OFF = "finance.write_off"
    REFUNDS_APPROVE = "refunds.approve"
    REFUNDS_PAY = "refunds.pay"
    INVOICES_WRITE = "invoices.write"
    TARIFFS_WRITE = "tariffs.write"
    PRODUCTS_WRITE = "products.write"
    STOCK_WRITE = "stock.write"
    POINTS_WRITE = "points.write"
    CALLS_READ_OWN = "calls.read_own"
    CALLS_READ_ALL = "calls.read_all"
    CALLS_TRACE = "calls.trace"
    RECORDINGS_LISTEN_OWN = "recordings.listen_own"
    RECORDINGS_LISTEN_ALL = "recordings.listen_all"
    RECORDINGS_DOWNLOAD = "recordings.download"
    FOLLOWUP_USE = "followup.use"
    NUMBERS_UNMASKED = "numbers.unmasked"
    FLOOR_VIEW = "floor.view"
    BULLETINS_WRITE = "bulletins.write"
    SUPERVISE_FORCE_READY = "supervise.force_ready"
    SUPERVISE_FORCE_BUSY = "supervise.force_not_ready"
    SUPERVISE_FORCE_LOGOUT = "supervise.force_logout"
    SUPERVISE_PULL = "supervise.pull"
    SUPERVISE_DROP = "supervise.drop"
    SUPERVISE_QUEUES = "supervise.queues"
    SUPERVISE_LISTEN = "supervise.listen"
    SUPERVISE_WHISPER = "supervise.whisper"
    SUPERVISE_BARGE = "supervise.barge"
    SUPERVISE_INTERCEPT = "supervise.intercept"
    TESTCALL_PLACE = "testcall.place"
    FORWARDING_OWN = "forwarding.own"
    CALENDAR_OVERRIDE = "calendar.override"
    ADMIN_USERS = "admin.users"
    ADMIN_QUEUES = "admin.queues"
    ADMIN_FIELDS = "admin.fields"
    ADMIN_API = "admin.api"
    MEDIA_READ = "media.read"
    MEDIA_WRITE = "media.write"
    REPORTS_READ = "reports.read"
    BOARDS_READ = "boards.read"
    BOARDS_WRITE = "boards.write"
    LISTS_EXPORT = "lists.export"
    LISTS_IMPORT = "lists.import"
    AUDIT_READ = "audit.read"


AGENT_PERMISSIONS = frozenset(
    {
        Permission.DESKTOP_USE,
        Permission.CUSTOMERS_READ,
        Permission.CUSTOMERS_WRITE,
        Permission.ORDERS_READ,
        Permission.ORDERS_WRITE,
        Permission.CALLS_READ_OWN,
        Permission.RECORDINGS_LISTEN_OWN,
        Permission.FOLLOWUP_USE,
        Permission.TESTCALL_PLACE,
    }
)

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.AGENT: AGENT_PERMISSIONS,
    Role.SUPERVISOR: AGENT_PERMISSIONS
    | {
        Permission.CUSTOMERS_MERGE,
        Permission.ORDERS_READ_ALL,
        Permission.ORDERS_SET_PRICE,
        Permission.ORDERS_REVIEW,
        Permission.ORDERS_FULFIL,
        Permission.FINANCE_READ,
        Permission.FINANCE_RECEIVE,
        Permission.FINANCE_SETTLE,
        Permission.FINANCE_WRITE_OFF,
        Permission.REFUNDS_APPROVE,
        Permission.REFUNDS_PAY,
        Permission.INVOICES_WRITE,
        Permission.PRODUCTS_WRITE,
        Permission.STOCK_WRITE,
        Permission.POINTS_WRITE,
        Permission.CALLS_READ_ALL,
        Permission.RECORDINGS_LISTEN_ALL,
        Permission.NUMBERS_UNMASKED,
        Permission.MEDIA_READ,
        Permission.MEDIA_WRITE,
        Permission.REPORTS_READ,
        Permission.LISTS_EXPORT,
        Permission.LISTS_IMPORT,
        Permission.BOARDS_READ,
        Permission.FLOOR_VIEW,
        Permission.BULLETINS_WRITE,
        Permission.SUPERVISE_FORCE_READY,
        Permission.SUPERVISE_FORCE_BUSY,
        Permission.SUPERVISE_FORCE_LOGOUT,
        Permission.SUPERVISE_PULL,
        Permission.SUPERVISE_DROP,
        Permission.SUPERVISE_QUEUES,
        Permission.SUPERVISE_LISTEN,
        Permission.SUPERVISE_WHISPER,
        Permission.SUPERVISE_BARGE,
        Permission.SUPERVISE_INTERCEPT,
        Permission.CALENDAR_OVERRIDE,
    },
    Role.ADMIN: frozenset(Permission),
}

PUBLIC = "public"
SIGNED_IN = "signed_in"

View = TypeVar("View", bound=Callable[..., Any])


def requires(permission: Permission) -> Callable[[View], View]:
    """Only for users who hold ``permission``."""

    def mark(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def signed_in(view: View) -> View:
    """For every signed-in user."""
    view.permission = SIGNED_IN  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """For everybody, signed in or not."""
    view.permission = PUBLIC  # type: ignore[attr-defined]
    return view


def declared(view: Callable[..., Any] | None) -> str | None:
    """What a view declared: a permission, ``signed_in``, ``public``, or nothing."""
    return getattr(view, "permission", None)


def install(app: Flask) -> None:
    """Put the guard in front of every view of ``app``."""
    app.view_functions["static"] = public(app.view_functions["static"])
    app.before_request(guard)


def guard() -> ResponseReturnValue | None:
    """Refuse what the view's declaration does not allow; 401 without a user, 403 without the permission."""
    if request.endpoint is None:
        return None  # 404 and 405 reveal nothing
    need = declared(current_app.view_functions.get(request.endpoint))
    if need == PUBLIC:
        return None
    if not current_user.is_authenticated:
        abort(401)
    if need == SIGNED_IN:
        return None
    if need is None or not current_user.can(Permission(need)):
        abort(403)
    return None
