"""queries: the first page of customers by any fields, with how many there are, among a million. As the site asks."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Flask, g
from sqlalchemy.orm import Session

from cti.store.database import make_engine, make_session_factory
from cti.store.models import Role, User
from tests.bench.customers import shares, times
from webui.common import db, i18n
from webui.common.identity import describe
from webui.finder import search
from webui.finder.document import Node, from_json

RUNS = 5


def leaf(field: str, operator: str, value: str = "", second: str = "") -> dict[str, str]:
    return {"field": field, "operator": operator, "value": value, "second": second}


def having(*items: dict[str, str], least: int = 1, kind: str = "orders") -> dict[str, Any]:
    return {"kind": kind, "least": least, "items": list(items)}


QUERIES: dict[str, list[dict[str, Any]]] = {
    "everybody": [leaf("level", "filled")],
    "level_and_birthday": [leaf("level", "is", "vip"), leaf("birthday", "between", "1980-01-01", "1989-12-31")],
    "name_contains": [leaf("name", "contains", "国")],
    "address_contains": [leaf("line", "contains", "99999")],
    "3_orders": [having(least=3)],
    "4_orders": [having(least=4)],
    "2_orders_of_a_month": [having(leaf("order.created_at", "last_days", "30"), least=2)],
    "product_of_a_year": [having(leaf("order.product", "is", "B7"), leaf("order.created_at", "last_days", "365"))],
    "no_order_of_a_year": [having(leaf("order.created_at", "last_days", "365"), kind="no_orders")],
    "vip_3_orders_over_500": [leaf("level", "is", "vip"), having(leaf("order.total", "least", "500"), least=3)],
}


def measure_on(url: str) -> dict[str, Any]:
    """Milliseconds of each query; caches are warm, as in a centre at work."""
    engine = make_engine(url)
    app = Flask("queries")
    i18n.install(app)
    db.install(app, make_session_factory(engine))
    found: dict[str, Any] = {}
    try:
        for name, items in QUERIES.items():
            root = from_json({"kind": "all", "items": items})
            spent = times(app.extensions[db.KEY], [partial(ask, app, root=root)] * RUNS)
            found[name] = shares(spent)["p50"]
        return found | {"slowest": max(found.values())}
    finally:
        engine.dispose()


def ask(app: Flask, session: Session, root: Node) -> None:
    with app.test_request_context():
        g.db_session = session
        g._login_user = describe(User(id="bench", username="bench", name="Bench", role=Role.ADMIN), None, None)
        search.run(session, root)
