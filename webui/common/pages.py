"""What every template may use: this user's menu, permissions by name, the language, what scripts start with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, url_for
from flask_babel import lazy_gettext, lazy_pgettext
from flask_login import current_user

from webui.common import menu_plan, phones
from webui.common.i18n import LOCALES, choose_timezone, current_locale
from webui.common.permissions import Permission
from webui.common.viewer import Viewer


@dataclass(frozen=True)
class MenuItem:
    """``group``: of ``GROUPS``, under whose name it stands; without one it stands in the line itself."""

    endpoint: str
    label: Any
    icon: str
    permission: Permission
    or_permission: Permission | None = None
    group: str = ""


GROUPS = {
    "shop": (lazy_gettext("Shop"), "building-store"),
    "reports": (lazy_gettext("Reports"), "chart-bar"),
    "admin": (lazy_gettext("Administration"), "settings"),
}


MENU = (
    MenuItem("desktop.page", lazy_gettext("Desktop"), "headset", Permission.DESKTOP_USE),
    MenuItem("own.page", lazy_gettext("My day"), "clipboard-text", Permission.DESKTOP_USE),
    MenuItem("customers.index", lazy_gettext("Customers"), "users", Permission.CUSTOMERS_READ),
    MenuItem("orders.index", lazy_gettext("Orders"), "shopping-cart", Permission.ORDERS_READ),
    MenuItem("calls.index", lazy_gettext("Calls"), "phone-call", Permission.CALLS_READ_OWN),
    MenuItem("followup.index", lazy_gettext("Follow-up"), "messages", Permission.FOLLOWUP_USE),
    MenuItem("floor.index", lazy_gettext("Live"), "activity", Permission.FLOOR_VIEW),
    MenuItem("api.index", lazy_gettext("API and webhooks"), "api", Permission.ADMIN_API, group="admin"),
    MenuItem("reports.index", lazy_gettext("Reports"), "chart-bar", Permission.REPORTS_READ, group="reports"),
    MenuItem("media.index", lazy_gettext("Media"), "device-tv", Permission.MEDIA_READ, group="shop"),
    MenuItem("products.index", lazy_gettext("Products"), "package", Permission.ORDERS_READ, group="shop"),
    MenuItem("stock.index", lazy_gettext("Stock"), "building-warehouse", Permission.ORDERS_READ, group="shop"),
    MenuItem("points.index", lazy_gettext("Members and points"), "crown", Permission.CUSTOMERS_READ, group="shop"),
    MenuItem("review.index", lazy_gettext("Order review"), "list-details", Permission.ORDERS_REVIEW, group="shop"),
    MenuItem(
        "fulfilment.index", lazy_pgettext("department", "Warehouse"), "truck", Permission.ORDERS_FULFIL, group="shop"
    ),
    MenuItem("finance.index", lazy_gettext("Finance"), "coin", Permission.FINANCE_READ, group="shop"),
    MenuItem("finder.index", lazy_gettext("Queries"), "zoom-in", Permission.CUSTOMERS_READ, group="reports"),
    MenuItem(
        "transfers.index",
        lazy_gettext("Import and export"),
        "file-spreadsheet",
        Permission.LISTS_EXPORT,
        Permission.LISTS_IMPORT,
        group="admin",
    ),
    MenuItem(
        "customers.statistics_page",
        lazy_gettext("Customer statistics"),
        "chart-pie",
        Permission.REPORTS_READ,
        group="reports",
    ),
    MenuItem(
        "admin.index",
        lazy_gettext("Administration"),
        "settings",
        Permission.ADMIN_USERS,
        Permission.CALENDAR_OVERRIDE,
        group="admin",
    ),
    MenuItem("trace.index", lazy_gettext("Operation log"), "route", Permission.CALLS_TRACE, group="admin"),
    MenuItem(
        "boards.index", lazy_gettext("Voice boards"), "device-landline-phone", Permission.BOARDS_READ, group="admin"
    ),
)


KEPT = ("admin.index",)
"""Pages that are never left out: the way back."""


@dataclass(frozen=True)
class Entry:
    """A line of the menu: a page, or a group with its pages in ``entries``."""

    label: str
    icon: str
    url: str = ""
    entries: tuple[Entry, ...] = ()


def menu() -> list[Entry]:
    """What this user may open, in order, groups last. A page that is not there is left out, and a group of one page
    is that page."""
    items = {item.endpoint: item for item in MENU if item.endpoint in current_app.view_functions and allowed(item)}
    open_to_user = [place for place in places() if place.endpoint in items and (place.shown or place.endpoint in KEPT)]
    lines = [entry(items[place.endpoint], place) for place in open_to_user if place.group not in GROUPS]
    for group, (label, icon) in GROUPS.items():
        entries = tuple(entry(items[place.endpoint], place) for place in open_to_user if place.group == group)
        lines += entries if len(entries) < 2 else [Entry(str(label), icon, entries=entries)]
    return lines


def places() -> list[menu_plan.Place]:
    """Every page in the order that holds, those left out too."""
    usual = (menu_plan.Place(item.endpoint, item.group) for item in MENU)
    return menu_plan.arranged(usual, menu_plan.STORED.get())


def entry(item: MenuItem, place: menu_plan.Place) -> Entry:
    return Entry(place.names.get(current_locale()) or str(item.label), item.icon, url_for(item.endpoint))


def allowed(item: MenuItem) -> bool:
    if item.endpoint == "desktop.page":
        return bool(current_user.has_desktop)
    return any(current_user.can(permission) for permission in (item.permission, item.or_permission) if permission)


def home() -> str:
    """Where a signed-in user starts."""
    lines = menu()
    entries = [page for line in lines for page in (line.entries or (line,))]
    if current_user.has_desktop or not current_user.can(Permission.FLOOR_VIEW):
        return entries[0].url if entries else url_for("auth.password")
    floor = "floor.index" in current_app.view_functions
    return url_for("floor.index") if floor else entries[0].url


def language_tag() -> str:
    return current_locale().replace("_", "-")


def boot() -> dict[str, Any]:
    """What the page's scripts start with; no secret, no number that this user may not see."""
    if not current_user.is_authenticated:
        return {"language": language_tag()}
    return {
        "language": language_tag(),
        "timezone": choose_timezone(),
        "user": current_user.id,
        "agent": {"id": current_user.agent_id, "number": current_user.agent_number}
        if current_user.has_desktop
        else None,
        "live": current_user.has_desktop or current_user.can(Permission.FLOOR_VIEW),
    }


def viewer() -> Viewer:
    """What this user may see of live documents."""
    floor = current_user.can(Permission.FLOOR_VIEW)
    trunks = current_user.can(Permission.ADMIN_QUEUES)
    return Viewer(current_user.agent_id, floor, phones.may_see(), phones.sealing_key(), trunks, current_user.id)


def install(app: Flask) -> None:
    menu_plan.install(app)

    @app.context_processor
    def _context() -> dict[str, Any]:
        return {
            "menu": menu,
            "boot": boot,
            "language_tag": language_tag,
            "locale": current_locale(),
            "locales": LOCALES,
            "Permission": Permission,
            "can": lambda permission: current_user.is_authenticated and current_user.can(Permission(permission)),
        }

    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
