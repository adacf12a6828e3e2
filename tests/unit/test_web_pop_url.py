"""Addresses of another system's pages: which are taken, and that nothing in a call changes where they lead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cti.store.models import Queue
from tests.fakes.site import Site
from webui.common.pop_url import PLACES, fill, trouble

TEMPLATE = "https://crm.example:8443/find/{number}?name={caller_name}&call={call_id}#{agent}"


@pytest.mark.parametrize(
    "template",
    [TEMPLATE, "http://10.0.0.8/", "https://crm.example/?q={queue}&d={dialed}", "https://crm.example/%7Bx%7D"],
)
def test_addresses_that_are_taken(template: str) -> None:
    assert trouble(template) == ""


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("javascript:alert({number})", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("//crm.example/{number}", "scheme"),
        ("crm.example/{number}", "scheme"),
        ("{number}", "scheme"),
        ("https://{number}/", "host"),
        ("https://crm.example.{number}/", "host"),
        ("https:///x", "host"),
        ("https://user:word@crm.example/", "host"),
        ("https://crm.example:port/", "host"),
        ("https://[::1/", "host"),
        ("https://crm.example/{secret}", "place"),
        ("https://crm.example/{number", "place"),
        ("https://crm.example/{number.__class__}", "place"),
        ("https://crm.example/a b", "place"),
        ("https://crm.example\\@evil.example/", "host"),
        ("https://crm.example/" + "x" * 500, "length"),
    ],
)
def test_addresses_that_are_refused(template: str, why: str) -> None:
    assert trouble(template) == why
    assert fill(template, {"number": "1"}) == ""


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(PLACES), st.text()))
def test_what_a_call_brings_stays_in_its_place(values: dict[str, str]) -> None:
    values = {name: text.encode("utf-8", "ignore").decode() for name, text in values.items()}
    parts = urlsplit(fill(TEMPLATE, values))
    assert (parts.scheme, parts.netloc) == ("https", "crm.example:8443")
    found = parse_qs(parts.query, keep_blank_values=True)
    assert found == {"name": [values.get("caller_name", "")], "call": [values.get("call_id", "")]}
    assert parts.path.count("/") == 2


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def test_the_address_is_that_of_the_own_call_and_its_queue(site: Site) -> None:
    with site.sessions() as session:
        for queue in session.scalars(select(Queue)):
            queue.pop_url = "https://crm.example/?n={number}&q={queue}&a={agent}"
        session.commit()
    client, colleague = site.client("agent1"), site.client("agent2")
    assert client.get("/desktop/link").json == {"ok": True, "url": ""}
    client.post("/desktop/command", json={"op": "login"})
    client.post("/desktop/command", json={"op": "ready"})
    hub = site.app.extensions["callyard_hub"]
    hub.agents()
    site.engine.call_in("19900000012", "Demo Caller")
    site.engine.until(lambda: [a["state"] for a in hub.agents() if a["number"] == "1001"] == ["alerting"], "the call")
    url = client.get("/desktop/link").json["url"]
    assert url.startswith("https://crm.example/?n=19900000012&q=")
    assert url.endswith("&a=1001")
    assert colleague.get("/desktop/link").json["url"] == ""
