"""Products in the pages: list, create and change by right, audited."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import select

from cti.store.models import Product
from tests.fakes.site import Site
from tests.pages import HOSTILE, audited, body, browser, statuses


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


def form(**changes: str) -> dict[str, str]:
    return {"code": "DEMO-1", "name": "演示产品", "name_en": "Demo product", "price": "12.50", "active": "y"} | changes


def product(site: Site, code: str) -> Product:
    with site.sessions() as session:
        return session.scalars(select(Product).where(Product.code == code)).one()


def test_a_supervisor_creates_and_changes_a_product(site: Site) -> None:
    client = browser(site, "supervisor")
    assert client.post("/products/new", data=form()).status_code == 303
    made = product(site, "DEMO-1")
    assert (made.price, made.active) == (Decimal("12.50"), True)
    changed = form(price="1,199.9")
    del changed["active"]
    assert client.post(f"/products/{made.id}", data=changed).status_code == 303
    assert (product(site, "DEMO-1").price, product(site, "DEMO-1").active) == (Decimal("1199.90"), False)
    entry = audited(site, "product.change")[-1]
    assert (entry.before, entry.after) == ({"price": "12.50", "active": True}, {"price": "1199.90", "active": False})


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("code", {"code": ""}),
        ("code", {"code": "a b"}),
        ("code", {"code": "p001"}),
        ("name", {"name": ""}),
        ("price", {"price": "-1"}),
        ("price", {"price": "1.234"}),
        ("price", {"price": "99999999.99"}),
    ],
)
def test_a_wrong_field_is_named(site: Site, field: str, changes: dict[str, str]) -> None:
    answer = browser(site, "supervisor").post("/products/new", data=form(code="DEMO-2") | changes)
    assert answer.status_code == 422
    assert "is-invalid" in answer.text
    assert f'name="{field}"' in answer.text


def test_the_list_is_searched_and_shows_hostile_names_as_text(site: Site) -> None:
    client = browser(site, "supervisor")
    assert client.post("/products/new", data=form(code="DEMO-3", name=HOSTILE[:100])).status_code == 303
    page = body(client, "/products?q=demo-3")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "P001" not in page


def test_agents_read_only(site: Site) -> None:
    everybody = {"nobody": 302, "agent2": 200, "supervisor": 200, "admin": 200}
    writers = {"nobody": 302, "agent2": 403, "supervisor": 200, "admin": 200}
    assert statuses(site, "GET", "/products") == everybody
    assert statuses(site, "GET", "/products/new") == writers
    assert statuses(site, "GET", "/products/1") == writers
    refused = {"nobody": 302, "agent2": 403, "supervisor": 422, "admin": 422}
    assert statuses(site, "POST", "/products/1", {"code": ""}) == refused
    assert statuses(site, "POST", "/products/new", {"code": ""}) == refused
    assert browser(site, "admin").get("/products/9999999").status_code == 404
