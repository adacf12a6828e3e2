"""Who may do what: every route declares it, and the guard holds to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from cti.store.models import Role
from tests.fakes.site import Site
from tests.pages import browser
from webui.common import permissions
from webui.common.permissions import PUBLIC, ROLE_PERMISSIONS, SIGNED_IN, Permission, declared

OPEN_TO_ALL = {"auth.login", "auth.sign_in", "auth.locale", "health.live", "health.metrics", "static"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("var"))
    yield made
    made.close()


def test_every_route_declares_who_may_use_it(site: Site) -> None:
    known = {PUBLIC, SIGNED_IN, *Permission}
    wrong = {
        rule.rule: declared(site.app.view_functions[rule.endpoint])
        for rule in site.app.url_map.iter_rules()
        if declared(site.app.view_functions[rule.endpoint]) not in known
    }
    assert not wrong


def test_only_the_login_and_the_monitoring_are_open_to_everybody(site: Site) -> None:
    functions = site.app.view_functions
    assert {endpoint for endpoint, view in functions.items() if declared(view) == PUBLIC} == OPEN_TO_ALL


def test_nobody_gets_past_the_guard_without_signing_in(site: Site) -> None:
    client = site.client()
    for rule in site.app.url_map.iter_rules():
        if rule.endpoint in OPEN_TO_ALL:
            continue
        url = site.app.url_map.bind("localhost").build(
            rule.endpoint, dict.fromkeys(rule.arguments, 1), force_external=False
        )
        for method in rule.methods or set():
            if method in ("OPTIONS", "HEAD"):
                continue
            answer = client.open(url, method=method)
            assert answer.status_code in (302, 401), f"{method} {url}: {answer.status_code}"


def test_an_address_that_only_takes_forms_leads_a_browser_to_the_page_above(site: Site) -> None:
    """After back, reload or a change of the language the browser asks for it without a form."""
    client, addresses = browser(site, "admin"), site.app.url_map.bind("localhost")
    rules = [rule for rule in site.app.url_map.iter_rules() if not rule.rule.startswith("/api/")]
    urls = {addresses.build(rule.endpoint, dict.fromkeys(rule.arguments, 1), force_external=False) for rule in rules}
    only_forms = sorted(url for url in urls if not addresses.test(url, "GET"))
    assert "/finance/settlements" in only_forms
    for url in only_forms:
        answer = client.get(url)
        assert answer.status_code == 303, url
        assert url.startswith(answer.location), url
        assert addresses.test(answer.location, "GET"), url
        assert client.get(url, headers={"Accept": "application/json"}).status_code == 405, url


def test_a_view_without_a_declaration_is_refused(tmp_path: Path) -> None:
    app = Flask(__name__)
    app.secret_key = "x"
    app.add_url_rule("/bare", "bare", lambda: "secret")
    from flask_login import LoginManager, UserMixin

    class Anybody(UserMixin):
        id = "1"

        def can(self, _permission: Permission) -> bool:
            return True

    logins = LoginManager(app)
    logins.request_loader(lambda _request: Anybody())
    permissions.install(app)
    assert app.test_client().get("/bare").status_code == 403


@pytest.mark.parametrize(
    ("user", "allowed"),
    [("agent1", {"/desktop"}), ("supervisor", {"/desktop"}), ("admin", set())],
)
def test_the_desktop_is_for_users_with_a_phone(site: Site, user: str, allowed: set[str]) -> None:
    status = site.client(user).get("/desktop").status_code
    assert status == (200 if "/desktop" in allowed else 403)


def test_roles_grow_from_agent_to_supervisor_to_administrator() -> None:
    agent, supervisor, admin = (ROLE_PERMISSIONS[role] for role in (Role.AGENT, Role.SUPERVISOR, Role.ADMIN))
    assert agent < supervisor < admin
    assert admin == frozenset(Permission)
    assert Permission.NUMBERS_UNMASKED not in agent
    assert Permission.RECORDINGS_DOWNLOAD not in supervisor
