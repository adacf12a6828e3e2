"""The pages of keys and webhooks: a key is shown once, where a webhook may go, what was delivered and sent again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from cti.store import apikeys
from cti.store.models import ApiKey, Customer, HookDelivery, HookState, Webhook, utc_now
from tests.fakes.site import Site
from tests.pages import audited, body, browser, statuses


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"), webhook_private=True)
    yield made
    made.close()


def make_key(site: Site, **changes: Any) -> Any:
    form = {"name": "crm", "user": site.user("agent1").id, "permissions": ["customers.read"], "rate": "60"}
    return browser(site, "admin").post("/admin/api", data=form | changes)


def test_a_key_is_shown_once_and_ended_at_once(site: Site) -> None:
    found = re.search(r"data-key>([^<]+)<", make_key(site).text)
    assert found
    text = found.group(1)
    page = body(browser(site, "admin"), "/admin/api")
    assert text not in page
    assert text[:12] in page
    with site.sessions() as session:
        key = apikeys.find(session, text, utc_now())
        assert key is not None
        assert (key.permissions, key.rate) == (["customers.read"], 60)
    assert text not in str(audited(site, "apikey.create")[-1].after)
    assert browser(site, "admin").post(f"/admin/api/keys/{key.id}/revoke").status_code == 303
    answer = site.app.test_client().get("/api/v1/customers", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 401


def test_the_api_is_described_for_people_as_for_programs(site: Site) -> None:
    client = browser(site, "admin")
    page = body(client, "/admin/api/docs")
    paths = client.get("/admin/api/openapi.json").json["paths"]
    told = {(path, name.upper()) for path, item in paths.items() for name in item if name != "parameters"}
    shown = re.findall(r'data-operation="(\w+) ([^"]+)"', page)
    assert {(path, method) for method, path in shown} == told
    made = page.split('data-operation="POST /api/v1/members"')[1].split("</details>")[0]
    assert re.search(r"<code>phone</code> <span[^>]*>Required<", made)
    assert "unknown | female | male" in made
    assert "joined_at" in made
    assert "[{number, label}]" in page


@pytest.mark.parametrize("wrong", [{"name": ""}, {"permissions": []}, {"user": "nobody"}, {"rate": "0"}])
def test_a_key_without_name_rights_or_user_is_not_made(site: Site, wrong: dict[str, Any]) -> None:
    with site.sessions() as session:
        before = len(session.scalars(select(ApiKey.id)).all())
    assert make_key(site, **wrong).status_code == 422
    with site.sessions() as session:
        assert len(session.scalars(select(ApiKey.id)).all()) == before


def test_only_administrators_open_these_pages(site: Site) -> None:
    for path in ("/admin/api", "/admin/api/webhooks", "/admin/api/openapi.json"):
        assert statuses(site, "GET", path) == {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 200}


def test_a_webhook_is_made_its_deliveries_are_seen_and_sent_again(site: Site) -> None:
    client = browser(site, "admin")
    form = {"name": "erp", "url": "http://127.0.0.1:9/in", "kinds": ["customer.created"], "active": "y"}
    made = client.post("/admin/api/webhooks", data=form)
    assert made.status_code == 303
    with site.sessions() as session:
        webhook = session.scalars(select(Webhook)).one()
        session.add(Customer(name="A"))
        session.commit()
        delivery = session.scalars(select(HookDelivery)).one()
        delivery.state, delivery.tries, delivery.error = HookState.DEAD, 8, "HTTP 500"
        session.commit()
    page = body(client, made.location)
    assert webhook.secret in page
    assert "HTTP 500" in page
    assert client.post(f"/admin/api/deliveries/{delivery.id}/again").status_code == 303
    with site.sessions() as session:
        row = session.get_one(HookDelivery, delivery.id)
        assert (row.state, row.tries) == (HookState.WAITING, 0)
    wrong = client.post("/admin/api/webhooks", data=form | {"url": "file:///etc/passwd"})
    assert wrong.status_code == 422
    assert "This address cannot be used" in wrong.text
    assert client.post(f"/admin/api/webhooks/{webhook.id}/delete").status_code == 303
    with site.sessions() as session:
        assert session.scalars(select(HookDelivery)).all() == []
