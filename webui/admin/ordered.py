"""The pages of rules in an order: new, changed, moved, removed, each with its audit entry, and published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session

from cti.store.models import InboundRule, OutboundRule
from webui.admin import queries
from webui.admin.publish import announce
from webui.common import audit, db
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires
from webui.customers.forms import changes

R = TypeVar("R", InboundRule, OutboundRule)
Values = dict[str, Any]
PERMISSION = Permission.ADMIN_QUEUES


@dataclass(frozen=True, slots=True)
class RulePages(Generic[R]):
    """``kind`` names a rule in the audit log; ``values`` are what its form shows; ``offer`` sets what can be chosen.

    ``form`` has ``apply(rule)``. ``begins``: what the form of a new rule shows. ``shown``: more for the template.
    """

    kind: str
    model: type[R]
    form: type[FlaskForm]
    template: str
    rows: Callable[[Session], Sequence[R]]
    values: Callable[[R], Values]
    offer: Callable[[Any, R | None], None]
    begins: Values = field(default_factory=dict)
    shown: Callable[[], Values] = dict

    def add_to(self, blueprint: Blueprint) -> None:
        """Beside the blueprint's own ``index``."""

        @requires(PERMISSION)
        def new() -> ResponseReturnValue:
            return self._show(self.form(formdata=None, **self.begins), None)

        @requires(PERMISSION)
        def create() -> ResponseReturnValue:
            return self._save(blueprint, None)

        @requires(PERMISSION)
        def edit(rule_id: str) -> ResponseReturnValue:
            rule = self._load(rule_id)
            return self._show(self.form(formdata=None, **self.values(rule)), rule)

        @requires(PERMISSION)
        def change(rule_id: str) -> ResponseReturnValue:
            return self._save(blueprint, self._load(rule_id))

        @requires(PERMISSION)
        def move(rule_id: str) -> ResponseReturnValue:
            rule = self._load(rule_id)
            return self._back(blueprint, moved=rule.id, direction=self._move(rule))

        @requires(PERMISSION)
        def delete(rule_id: str) -> ResponseReturnValue:
            rule = self._load(rule_id)
            audit.record(f"{self.kind}.delete", f"{self.kind}/{rule.id}", self.values(rule), None)
            db.session().delete(rule)
            _publish()
            return self._back(blueprint)

        blueprint.get("/new")(new)
        blueprint.post("/new")(create)
        blueprint.get("/<rule_id>")(edit)
        blueprint.post("/<rule_id>")(change)
        blueprint.post("/<rule_id>/move")(move)
        blueprint.post("/<rule_id>/delete")(delete)

    def _load(self, rule_id: str) -> R:
        rule = db.session().get(self.model, rule_id) if valid_id(rule_id) else None
        if rule is None:
            abort(404)
        return rule

    def _show(self, form: FlaskForm, rule: R | None) -> str:
        self.offer(form, rule)
        return render_template(self.template, form=form, rule=rule, **self.shown())

    def _save(self, blueprint: Blueprint, rule: R | None) -> ResponseReturnValue:
        database, form = db.session(), self.form()
        self.offer(form, rule)
        if not form.validate_on_submit():
            return self._show(form, rule), 422
        before = self.values(rule) if rule else None
        rule = rule or self.model(order=1 + max((row.order for row in self.rows(database)), default=-1))
        form.apply(rule)
        database.add(rule)
        database.flush()
        name, after = f"{self.kind}/{rule.id}", self.values(rule)
        if before is None:
            audit.record(f"{self.kind}.create", name, None, after)
        else:
            audit.record(f"{self.kind}.change", name, *changes(before, after))
        _publish()
        return self._back(blueprint)

    def _move(self, rule: R) -> str:
        """One place up or down, as the form asks; which of the two."""
        rows = list(self.rows(db.session()))
        before = [row.name for row in rows]
        direction = "up" if request.form.get("direction") == "up" else "down"
        if queries.move(rows, rows.index(rule), direction):
            name, after = f"{self.kind}/{rule.id}", [row.name for row in rows]
            audit.record(f"{self.kind}.move", name, {"order": before}, {"order": after})
            _publish()
        return direction

    def _back(self, blueprint: Blueprint, **arguments: str) -> ResponseReturnValue:
        return redirect(url_for(f"admin.{blueprint.name}.index", **arguments), 303)


def _publish() -> None:
    db.session().commit()
    announce(switch=False)
