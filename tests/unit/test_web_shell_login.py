"""Signing in: right and wrong passwords, lock-out, sessions, CSRF, headers, languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from cti.store.models import AuditEntry
from tests.fakes.site import PASSWORD, Site
from webui.auth.blueprint import is_local
from webui.auth.passwords import acceptable


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def actions(site: Site) -> list[str]:
    with site.sessions() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_a_right_password_opens_the_desktop_and_is_audited(site: Site) -> None:
    client = site.client("agent1")
    assert client.get("/", follow_redirects=True).request.path == "/desktop"
    assert actions(site) == ["login"]


def test_wrong_password_and_unknown_user_look_the_same(site: Site) -> None:
    client = site.client()
    texts = {
        client.post("/login", data={"username": name, "password": "wrong"}, headers={"Accept-Language": "en"})
        .text.replace(name, "…")
        .strip()
        for name in ("agent1", "nobody9")
    }
    assert len({re.sub(r'(value|content)="[^"]*"', "", text) for text in texts}) == 1
    assert actions(site) == ["login.failed", "login.failed"]


def test_five_wrong_passwords_lock_the_account_even_for_the_right_one(site: Site) -> None:
    client = site.client()
    for _ in range(5):
        assert client.post("/login", data={"username": "agent1", "password": "wrong"}).status_code == 422
    assert client.post("/login", data={"username": "agent1", "password": PASSWORD}).status_code == 422
    assert site.client("agent2")
    site.set_user("agent1", locked_until=datetime.now(UTC) - timedelta(seconds=1))
    assert client.post("/login", data={"username": "agent1", "password": PASSWORD}).status_code == 303
    assert site.user("agent1").failed_logins == 0


def test_failures_from_one_address_are_slowed_down_and_good_logins_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webui.auth.blueprint.FAILURES_PER_ADDRESS", "3/minute")
    site = Site(tmp_path)
    try:
        for _ in range(5):
            assert site.client("agent1")
        client = site.client()
        guesses = [client.post("/login", data={"username": f"guess{n}", "password": ""}) for n in range(4)]
        assert [guess.status_code for guess in guesses] == [422, 422, 422, 429]
    finally:
        site.close()


def test_a_disabled_user_is_out_at_once(site: Site) -> None:
    client = site.client("agent1")
    assert client.get("/desktop").status_code == 200
    site.set_user("agent1", active=False)
    assert client.get("/desktop").status_code == 302
    assert client.post("/login", data={"username": "agent1", "password": PASSWORD}).status_code == 422


def test_a_new_password_ends_the_other_sessions(site: Site) -> None:
    here, there = site.client("agent1"), site.client("agent1")
    fresh = "quite-another-one"
    answer = here.post("/password", data={"present": PASSWORD, "fresh": fresh, "again": fresh})
    assert answer.status_code == 303
    assert here.get("/desktop").status_code == 200
    assert there.get("/desktop").status_code == 302


def test_a_one_time_password_must_be_changed_first(site: Site) -> None:
    site.set_user("agent1", must_change_password=True)
    client = site.client("agent1")
    assert client.get("/desktop").headers["Location"].endswith("/password")
    assert client.post("/desktop/command", json={"op": "state"}).status_code == 403
    fresh = "chosen-by-myself"
    assert client.post("/password", data={"present": PASSWORD, "fresh": fresh, "again": fresh}).status_code == 303
    assert client.get("/desktop").status_code == 200


@pytest.mark.parametrize(
    ("fresh", "again"),
    [
        ("short", "short"),
        ("aaaaaaaaaaaaa", "aaaaaaaaaaaaa"),
        ("xx-agent1-xx-yy", "xx-agent1-xx-yy"),
        ("longenough123", "other"),
    ],
)
def test_weak_passwords_are_refused(site: Site, fresh: str, again: str) -> None:
    client = site.client("agent1")
    answer = client.post("/password", data={"present": PASSWORD, "fresh": fresh, "again": again})
    assert answer.status_code == 422
    assert "is-invalid" in answer.text


def test_password_rules() -> None:
    assert acceptable("correct horse", "agent1")
    assert not acceptable("Agent1-agent1", "agent1")
    assert not acceptable("x" * 300, "agent1")


def test_a_session_from_before_the_login_is_not_kept(site: Site) -> None:
    client = site.client()
    with client.session_transaction() as before:
        before["planted"] = "by somebody else"
    client.post("/login", data={"username": "agent1", "password": PASSWORD})
    with client.session_transaction() as after:
        assert "planted" not in after


def test_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    cookie = site.client().post("/login", data={"username": "agent1", "password": PASSWORD}).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_cookie_is_secure_behind_tls(tmp_path: Path) -> None:
    site = Site(tmp_path, public_url="https://calls.example.com")
    try:
        answer = site.client().get("/login", base_url="https://calls.example.com")
        assert "Secure" in answer.headers["Set-Cookie"]
        assert answer.headers["Set-Cookie"].startswith("__Host-")
        assert "max-age" in answer.headers["Strict-Transport-Security"]
    finally:
        site.close()


def test_forms_without_a_token_are_refused(site: Site) -> None:
    client = site.client("agent1", csrf=False)
    site.app.config["WTF_CSRF_ENABLED"] = True
    assert client.post("/logout").status_code == 400
    assert client.post("/desktop/command", json={"op": "state"}).status_code == 400
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/desktop").text)
    assert token
    answer = client.post("/desktop/command", json={"op": "state"}, headers={"X-CSRFToken": token[1]})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/login", "/nothing/here", "/static/css/app.css", "/healthz"])
def test_every_answer_carries_the_security_headers(site: Site, path: str) -> None:
    with site.client().get(path) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


def test_pages_are_not_kept_by_the_browser_and_assets_are(site: Site) -> None:
    client = site.client("agent1")
    page = client.get("/desktop")
    assert page.headers["Cache-Control"] == "no-store"
    sheet = re.search(r'href="(/static/css/app\.css\?v=[^"]+)"', page.text)
    assert sheet
    with client.get(sheet[1]) as kept, client.get("/static/js/app.js") as asked:
        assert "immutable" in kept.headers["Cache-Control"]
        assert asked.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("target", "local"),
    [("/orders?x=1", True), ("//evil.example", False), ("https://evil.example", False), ("/\\evil.example", False),
     ("", False), ("/a\r\nb", False)],
)  # fmt: skip
def test_the_login_leads_only_to_own_pages(target: str, local: bool) -> None:
    assert is_local(target) is local


def test_language_is_picked_before_the_login_and_kept_for_the_user(site: Site) -> None:
    client = site.client()
    client.post("/locale", data={"locale": "zh_CN", "next": "/login"})
    page = client.get("/login").text
    assert 'lang="zh-CN"' in page
    assert "登录" in page
    assert site.user("agent1").locale == "en"
    client.post("/login", data={"username": "agent1", "password": PASSWORD})
    assert "工作台" in client.get("/desktop").text
    assert site.user("agent1").locale == "zh_CN"
    client.post("/locale", data={"locale": "en"})
    assert 'lang="en"' in client.get("/desktop").text
    assert site.user("agent1").locale == "en"


def test_a_browser_in_another_language_does_not_change_the_users_own(site: Site) -> None:
    client = site.client()
    client.get("/login", headers={"Accept-Language": "zh-CN"})
    client.post("/login", data={"username": "agent1", "password": PASSWORD}, headers={"Accept-Language": "zh-CN"})
    assert site.user("agent1").locale == "en"


def test_a_slash_at_the_end_leads_to_the_page_and_nowhere_else(site: Site) -> None:
    client = site.client("agent1")
    answer = client.get("/customers/?q=a&q=b")
    assert (answer.status_code, answer.location) == (308, "/customers?q=a&q=b")
    for path in ("/nothing/", "//evil.example/", "//evil.example//", "/\\evil.example/"):
        found = client.get("/", environ_overrides={"PATH_INFO": path})
        assert found.status_code == 404 or found.location == "http://localhost/evil.example/", path
    assert client.post("/customers/pop/").status_code in (400, 404)


def test_a_name_of_markup_is_shown_inert(site: Site) -> None:
    evil = "<script>alert(1)</script>\"'"
    site.set_user("agent1", name=evil)
    page = site.client("agent1").get("/desktop").text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_errors_are_pages_for_people_and_json_for_scripts(site: Site) -> None:
    client = site.client("agent1")
    page = client.get("/nothing/here")
    assert page.status_code == 404
    assert "Not found" in page.text
    assert client.get("/nothing/here", headers={"Accept": "application/json"}).json["error"] == "http.404"
    fragment = client.get("/nothing/here", headers={"HX-Request": "true"})
    assert fragment.headers["HX-Retarget"] == "#toasts"
    assert "<html" not in fragment.text


def test_health_tells_of_the_engine_without_falling_ill_with_it(site: Site) -> None:
    client = site.client()
    assert client.get("/healthz").json == {"ok": True, "database": True, "engine": True}
    site.engine.stop()
    assert client.get("/healthz").json == {"ok": True, "database": True, "engine": False}
    assert "callyard_web_requests_total" in client.get("/metrics").text
