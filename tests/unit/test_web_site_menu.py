"""The site's menu as administrators arrange it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from cti.store.models import Setting
from tests.fakes.site import Site
from tests.pages import audited, body, browser, statuses
from webui.common import menu_plan, pages
from webui.common.menu_plan import Place


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


def form(**changes: dict[str, str]) -> dict[str, str]:
    """The page as the browser sends it; ``last`` in changes goes to the end, keys have _ for the dot."""
    items = [(item.endpoint, {"group": item.group, "shown": "y"}) for item in pages.MENU]
    found = {}
    for at, (endpoint, values) in enumerate(items):
        values = values | {"endpoint": endpoint} | changes.get(endpoint.replace(".", "_"), {})
        found |= {f"rows-{at}-{name}": value for name, value in values.items() if value is not None}
    return found


def shown(site: Site, username: str) -> list[str]:
    page = body(browser(site, username), "/customers")
    menu = page[page.index('id="cy-menu"') : page.index("cy-nav-end")]
    return re.findall(r'<a href="(/[\w/-]*)"', menu)


def test_order_names_groups_and_what_is_left_out(site: Site) -> None:
    before = shown(site, "agent1")
    assert before[0] == "/desktop"
    sent = form(
        customers_index={"zh_CN": "会员", "en": "Members here"},
        own_page={"shown": ""},
        calls_index={"group": "shop"},
    )
    sent = {name: text for name, text in sent.items() if not (name.endswith("-shown") and not text)}
    sent["rows-0-endpoint"], sent["rows-3-endpoint"] = sent["rows-3-endpoint"], sent["rows-0-endpoint"]
    admin = browser(site, "admin")
    assert admin.post("/admin/site-menu", data=sent).status_code == 303
    after = shown(site, "agent1")
    assert after[0] == "/orders"
    assert "/own" not in after
    assert after.index("/calls") > after.index("/desktop")
    assert "Members here" in body(browser(site, "agent1"), "/orders")
    assert browser(site, "agent1").get("/own").status_code == 200
    entry = audited(site, "menu.arrange")[-1]
    assert (entry.before["own.page"]["shown"], entry.after["own.page"]["shown"]) == (True, False)
    admin.post("/admin/site-menu/usual")
    assert shown(site, "agent1") == before


def test_the_way_back_stays_and_rights_hold(site: Site) -> None:
    sent = {name: text for name, text in form().items() if not name.endswith("-shown")}
    admin = browser(site, "admin")
    assert admin.post("/admin/site-menu", data=sent).status_code == 303
    assert shown(site, "admin") == ["/admin"]
    assert browser(site, "agent1").get("/", follow_redirects=True).status_code == 200
    allowed = {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 200}
    assert statuses(site, "GET", "/admin/site-menu") == allowed


def test_nonsense_is_refused(site: Site) -> None:
    admin = browser(site, "admin")
    for wrong in ({"rows-0-endpoint": "auth.login"}, {"rows-0-group": "x"}, {"rows-0-en": "x" * 33}):
        assert admin.post("/admin/site-menu", data=form() | wrong).status_code == 422, wrong


def test_a_damaged_row_is_the_usual_menu(site: Site) -> None:
    usual = [Place("orders.index"), Place("media.index", "shop")]
    with site.sessions() as session:
        for damaged in ("x", {"a": 1}, [1, {"endpoint": 2}, {"endpoint": "gone.page"}], [{}]):
            session.merge(Setting(key="menu", value=damaged))
            session.flush()
            assert menu_plan.arranged(usual, menu_plan.read(session)) == usual, damaged
