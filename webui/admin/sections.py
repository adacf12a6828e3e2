"""The pages of the administration in their groups: what its bar offers, and which of them a user may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from webui.common.permissions import Permission


@dataclass(frozen=True)
class Section:
    endpoint: str
    label: Any
    permission: Permission

    @property
    def here(self) -> bool:
        """The page that is being looked at is one of it."""
        return (request.endpoint or "").startswith(self.endpoint.rpartition(".")[0] + ".")


@dataclass(frozen=True)
class Group:
    """Sections that belong together; the only one of a group has its own name."""

    label: Any
    sections: tuple[Section, ...]

    @property
    def current(self) -> Section | None:
        return next((section for section in self.sections if section.here), None)


_USERS, _QUEUES, _FIELDS = Permission.ADMIN_USERS, Permission.ADMIN_QUEUES, Permission.ADMIN_FIELDS
GROUPS = (
    Group(
        _l("People"),
        (
            Section("admin.users.index", _l("Users and agents"), _USERS),
            Section("admin.departments.index", _l("Departments"), _USERS),
            Section("admin.rights.roles", _l("Rights"), _USERS),
        ),
    ),
    Group(
        _l("Queues and groups"),
        (
            Section("admin.queues.index", _l("Queues"), _QUEUES),
            Section("admin.groups.index", _l("Ring groups"), _QUEUES),
            Section("admin.reasons.index", _l("Busy reasons"), _QUEUES),
        ),
    ),
    Group(
        _l("Numbers and rules"),
        (
            Section("admin.numbers.index", _l("Service numbers"), _QUEUES),
            Section("admin.menus.index", _l("Menus"), _QUEUES),
            Section("admin.rules.index", _l("Inbound rules"), _QUEUES),
            Section("admin.outbound.index", _l("Outbound rules"), _QUEUES),
            Section("admin.calendars.index", _l("Calendars"), Permission.CALENDAR_OVERRIDE),
            Section("admin.lists.index", _l("Lists"), _QUEUES),
        ),
    ),
    Group(
        _l("Lines and switches"),
        (
            Section("admin.trunks.index", _l("Trunks"), _QUEUES),
            Section("admin.switches.index", _l("Switches"), _QUEUES),
        ),
    ),
    Group(
        _l("Tables and forms"),
        (
            Section("admin.codes.index", _l("Code tables"), _FIELDS),
            Section("admin.cities.index", _l("Cities"), _FIELDS),
            Section("admin.fields.index", _l("Custom fields"), _FIELDS),
            Section("admin.site_menu.index", _l("Site menu"), _FIELDS),
            Section("admin.parameters.index", _l("Parameters"), _FIELDS),
        ),
    ),
    Group(_l("Audit"), (Section("admin.audit_log.index", _l("Audit"), Permission.AUDIT_READ),)),
)


def groups() -> list[Group]:
    """As far as this user may see them; a group of which one page is left is that page."""
    found = []
    for group in GROUPS:
        sections = tuple(section for section in group.sections if current_user.can(section.permission))
        if sections:
            found.append(Group(group.label if len(sections) > 1 else sections[0].label, sections))
    return found
