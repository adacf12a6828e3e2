"""Every form that a page shows, sent with nonsense: answered with words, never a crash, and the books still add up.

The forms are those of the pages themselves, with what stands in them, so that a new one takes part by itself;
``CALLYARD_FUZZ=<rounds>`` sends each more often.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from cti.domain.orders import LineDecision
from cti.machines.order import OrderEvent as E
from cti.store.reconciling import books
from tests.fakes.site import Site
from tests.pages import browser
from tests.shop import Shop, open_shop
from tests.unit.test_store_differences import close, signed

ROUNDS = int(os.environ.get("CALLYARD_FUZZ", "1"))
NONSENSE = (
    *("", "0", "-1", "1", "9" * 40, "1e9", "NaN", "0.001", "2026-02-30", "2026-11-21T20:00", "\x00", "~x", "y"),
    *("<script>x</script>", "=1+1", "%s", "../..", "P001", "北京市", "a" * 5000, "\ud800", "None", "[]", "🙂"),
)
LEFT_OUT = ("/login", "/logout", "/locale", "/password", "/desktop", "/testcall", "/admin/users", "/admin/switches")
"""What ends the session or needs a switch; accounts have tests of their own."""
OWN_TYPES = {"hidden": 0.15, "submit": 0.0, "file": 0.0}
"""How often a field of this type is changed; others half of the time."""


class Forms(HTMLParser):
    """The POST forms of a page: address, then name, value and type of each field."""

    def __init__(self, path: str, page: str) -> None:
        super().__init__()
        self.path, self.found, self.links = path, list[tuple[str, list[tuple[str, str, str]]]](), list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and given.get("href", "").startswith("/"):
            self.links.append(given["href"])
        if tag == "form":
            post = given.get("method", "").lower() == "post" or "hx-post" in given
            self.found.append((given.get("hx-post") or given.get("action") or self.path, []) if post else ("", []))
        if self.found and tag in ("input", "select", "textarea", "button") and given.get("name"):
            self.found[-1][1].append((given["name"], given.get("value", ""), given.get("type", tag)))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture
def shop(site: Site) -> Shop:
    """Something to act upon in every state that has a form."""
    shop = open_shop(site.sessions)
    for last in (E.CONFIRM, E.PICK, E.PACK, E.SHIP):
        shop.until(shop.order(1), last)
    shop.order(2)
    waybills = [signed(shop)[1] for _ in range(2)]
    close(shop, {waybills[0]: "60.00", "odd": "5.00"}, LineDecision.CLAIM)
    return shop


def pages(site: Site, client: FlaskClient) -> list[Forms]:
    """Every page with an address of its own, and of those below one of each kind that they lead to."""
    rules = [rule for rule in site.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    begun = [
        rule.rule for rule in rules if not rule.arguments and not rule.rule.startswith(("/static", "/events", "/api"))
    ]
    urls, seen, found = site.app.url_map.bind("localhost"), set[str](), list[Forms]()
    while begun:
        path = begun.pop()
        answer = client.get(path)
        if answer.mimetype != "text/html":
            answer.close()
            continue
        assert answer.status_code < 500, path
        page = Forms(path, answer.text)
        found.append(page)
        for link in page.links:
            place = urlsplit(link).path
            if not urls.test(place, "GET"):
                continue
            endpoint, arguments = urls.match(place, "GET")
            if arguments and endpoint not in seen:
                seen.add(endpoint)
                begun.append(link)
    return found


def test_any_form_is_saved_or_refused_with_words(site: Site, shop: Shop) -> None:
    client, chance = browser(site, "admin"), random.Random(7)
    forms = {(urlsplit(action).path, *sorted({name for name, _value, _type in fields})): (action, fields)
             for page in pages(site, client) for action, fields in page.found
             if action and not action.startswith(LEFT_OUT)}  # fmt: skip
    assert len(forms) > 60
    crashed = {}
    for action, fields in forms.values():
        for _round in range(ROUNDS):
            sent = {name: value for name, value, kind in fields if kind != "file"}
            for name, _value, kind in fields:
                if chance.random() < OWN_TYPES.get(kind, 0.5):
                    sent[name] = chance.choice(NONSENSE)
            data = {
                name: value.encode("utf-8", "surrogatepass") for name, value in sent.items() if name != "csrf_token"
            }
            answer = client.post(action, data=data)
            if answer.status_code >= 500:
                crashed[action] = sent
    assert not crashed
    with site.sessions() as session:
        whole = books(session, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
        assert whole.whole.adds_up
        assert not [odd for odd in whole.odd if odd.why != "owed"], whole.odd
        assert not session.execute(text("PRAGMA foreign_key_check")).all()
