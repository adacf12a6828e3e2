"""Which users the signed-in one may change: nobody who may more than oneself, and nobody becomes more than oneself.

Administrators may do everything; who was only given ``admin.users`` stays below that.
"""

from __future__ import annotations

from flask_babel import gettext as _
from flask_login import current_user

from cti.store.models import Role, RoleRights, User
from webui.admin.forms import UserForm
from webui.common import db
from webui.common.rights import Rights, load, rights_of


def is_admin() -> bool:
    return bool(current_user.role is Role.ADMIN)


def may_manage(user: User) -> bool:
    return is_admin() or within(load(db.session(), user))


def within(rights: Rights) -> bool:
    """Not more than the signed-in user may."""
    return rights.permissions <= current_user.permissions


def may_give(form: UserForm) -> bool:
    """Whether the role in the form is one that the user may give; says so in the form."""
    role = Role(form.role.data)
    plain = User(role=role, rights={}, scopes={})
    if is_admin() or within(rights_of(plain, db.session().get(RoleRights, role))):
        return True
    form.role.errors = [_("This role may more than you. Let an administrator give it.")]
    return False
