"""How the centre is set up, as files: users, queues, service numbers, trunks, menus, ring groups, code tables.

They only go out: the page of each checks what belongs together when it is changed. No password or secret stands here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from cti.store.models import Code, Did, ListedNumber, Menu, NumberList, Queue, QueueMember, RingGroup, Trunk, User
from webui.admin import departments, queries
from webui.common import codes, db
from webui.common.ids import valid_id
from webui.common.permissions import Permission
from webui.transfers.lists import plain, words_of
from webui.transfers.registry import Cell, Column, ListSpec, declare
from webui.transfers.shop_lists import whole


def of_agent(name: str) -> Any:
    return lambda user: getattr(user.agent, name) if user.agent else ""


def user_columns() -> Sequence[Column]:
    queues, known = queries.queue_names(db.session()), departments.names()
    return [
        plain("username", _("User name")),
        plain("name", lazy_pgettext("person", "Name")),
        plain("role", _("Role"), codes="role"),
        Column("extension", _("Extension"), of_agent("number")),
        Column("phone", _("Phone"), of_agent("phone"), codes="phone_kind"),
        Column("queues", _("Queues"), lambda user: ", ".join(queues.get(user.agent.id, [])) if user.agent else ""),
        Column("department", _("Department"), lambda user: known.get(user.department_id, "")),
        plain("last_login_at", _("Last sign-in"), Cell.TIME),
        plain("active", _("In use"), Cell.YES_NO),
    ]


def queue_columns() -> Sequence[Column]:
    def people(queue: Queue) -> str:
        return ", ".join(f"{member.agent.number} {member.agent.user.name}" for member in queue.members)

    return [
        plain("number", _("Number")),
        plain("name", _("Name")),
        plain("strategy", _("Strategy"), codes="strategy"),
        Column("agents", _("Agents"), people),
        plain("ring_timeout", _("Ring for (s)"), Cell.NUMBER),
        plain("wrapup", _("Wrap-up (s)"), Cell.NUMBER),
        plain("service_level_seconds", _("Service level (s)"), Cell.NUMBER),
        plain("active", _("In use"), Cell.YES_NO),
    ]


def target_of(kind: str, id: str) -> Any:
    """The words of a row's target."""
    known = dict(queries.target_choices(db.session()))
    return lambda row: known.get(f"{getattr(row, kind).value}:{getattr(row, id)}", "")


def number_columns() -> Sequence[Column]:
    return [
        plain("number", _("Service number")),
        plain("name", _("Name")),
        Column("target", _("Goes to"), target_of("target_kind", "target_id")),
        plain("trunk_id", _("Comes in by")),
    ]


def trunk_columns() -> Sequence[Column]:
    return [
        plain("id", _("Short name")),
        plain("name", _("Name")),
        plain("host", _("Host")),
        plain("port", _("Port"), Cell.WHOLE),
        plain("username", _("User name")),
    ]


def menu_columns() -> Sequence[Column]:
    known = dict(queries.target_choices(db.session()))

    def keys(menu: Menu) -> str:
        goals = ((key, f"{goal.get('kind', '')}:{goal.get('id', '')}") for key, goal in sorted(menu.options.items()))
        return "; ".join(f"{key} → {known.get(goal, goal)}" for key, goal in goals)

    return [
        plain("name", _("Name")),
        plain("language", _("Language")),
        Column("keys", _("Keys"), keys),
        Column("otherwise", _("Otherwise"), target_of("otherwise_kind", "otherwise_id")),
    ]


def group_columns() -> Sequence[Column]:
    agents = {agent.id: f"{agent.number} {agent.user.name}" for agent in queries.agents(db.session())}

    def phones(group: RingGroup) -> str:
        return ", ".join(agents.get(one.get("agent_id", ""), one.get("number", "")) for one in group.members)

    return [
        plain("name", _("Name")),
        Column("phones", _("Phones"), phones),
        plain("ring_timeout", _("Ring for (s)"), Cell.NUMBER),
        Column("otherwise", _("Then goes to"), target_of("otherwise_kind", "otherwise_id")),
    ]


def code_columns() -> Sequence[Column]:
    return [
        Column("kind", _("Kind"), lambda row: codes.TABLES[row.kind].title if row.kind in codes.TABLES else row.kind),
        plain("code", _("Code")),
        Column("zh", _("Name in Chinese"), lambda row: row.names.get("zh_CN", "")),
        Column("en", _("Name in English"), lambda row: row.names.get("en", "")),
        plain("active", _("In use"), Cell.YES_NO),
    ]


def listed_columns() -> Sequence[Column]:
    return [
        Column("list", _("Name"), words_of(NumberList, "list_id")),
        plain("number", _("Number"), Cell.PHONE),
        plain("note", _("Remark")),
        plain("until", _("Last day"), Cell.TIME),
    ]


def listed_query(args: Mapping[str, str]) -> Select[Any]:
    one = valid_id(args.get("list", ""))
    return select(ListedNumber).where(ListedNumber.list_id == one) if one else select(ListedNumber)


def install() -> None:
    setup, members = Permission.ADMIN_QUEUES, selectinload(Queue.members).joinedload(QueueMember.agent)
    people, fields, both = Permission.ADMIN_USERS, Permission.ADMIN_FIELDS, (Code.kind, Code.code)
    for name, title, permission, columns, table, key, page, options in (
        ("users", _("Users and agents"), people, user_columns, User, User.id, "users", (joinedload(User.agent),)),
        ("queues", _("Queues"), setup, queue_columns, Queue, Queue.id, "queues", (members,)),
        ("numbers", _("Service numbers"), setup, number_columns, Did, Did.id, "numbers", ()),
        ("trunks", _("Trunks"), setup, trunk_columns, Trunk, Trunk.id, "trunks", ()),
        ("menus", _("Menus"), setup, menu_columns, Menu, Menu.id, "menus", ()),
        ("groups", _("Ring groups"), setup, group_columns, RingGroup, RingGroup.id, "groups", ()),
        ("codes", _("Code tables"), fields, code_columns, Code, both, "codes", ()),
    ):
        home = f"admin.{page}.index"
        declare(ListSpec(name, title, permission, columns, whole(table), key, home=home, options=options))
    both = (ListedNumber.list_id, ListedNumber.number)
    declare(ListSpec("listed", _("Lists"), setup, listed_columns, listed_query, both, home="admin.lists.index"))
