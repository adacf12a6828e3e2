"""The list of places that forms offer, as administrators change it."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from cti.store.locations import path_code
from cti.store.models import Division
from tests.fakes.site import Site
from tests.pages import HOSTILE, audited, body, browser, statuses

NEW = {"code": "130699", "name": "演示新区", "postcode": "071799", "area_code": "", "initials": "", "above": "130600"}


@pytest.fixture
def site(shop_site: Site) -> Site:
    return shop_site


@pytest.fixture
def admin(site: Site) -> FlaskClient:
    return browser(site, "admin")


def offered(site: Site, typed: str) -> list[str]:
    return [row["name"] for row in browser(site, "agent1").get(f"/orders/places?q={typed}").get_json()["places"]]


def test_a_new_place_is_offered_by_its_initials_and_renamed_with_its_city(site: Site, admin: FlaskClient) -> None:
    assert 'value="130' in body(admin, "/admin/cities?above=130600")
    assert admin.post("/admin/cities", data=NEW).status_code == 303
    for typed in ("HBBDYS", "BDYS", "071799", "演示新区", "yanshi"):
        assert "河北省保定市演示新区" in offered(site, typed), typed
    assert audited(site, "place.create")[-1].after["initials"] == "HBBDYS"
    renamed = {"name": "演示市", "postcode": "071000", "area_code": "0312"}
    assert admin.post("/admin/cities/130600", data=renamed).status_code == 303
    assert "河北省演示市演示新区" in offered(site, "HBYSYS")
    assert "河北省演示市竞秀区" in offered(site, "竞秀")
    entry = audited(site, "place.change")[-1]
    assert (entry.before["name"], entry.after["name"]) == ("保定市", "演示市")
    admin.post("/admin/cities/130600", data=renamed | {"name": "保定市"})
    assert "河北省保定市竞秀区" in offered(site, "BDJX")


def test_initials_that_its_people_read_otherwise(site: Site, admin: FlaskClient) -> None:
    assert admin.post("/admin/cities/110108", data={"name": "海淀区", "initials": "bjxx"}).status_code == 303
    assert "北京市海淀区" in offered(site, "BJXX")
    assert "北京市海淀区" in offered(site, "BJHD")


def test_a_city_that_is_not_served_goes_with_its_districts_and_comes_back(site: Site, admin: FlaskClient) -> None:
    assert "places in it no more" in body(admin, "/admin/cities/310000")
    admin.post("/admin/cities/310000/delete")
    assert offered(site, "浦东") == []
    assert "上海市" not in offered(site, "上海")
    assert audited(site, "place.delete")[-1].before["places"] > 10
    admin.post("/admin/cities/restore")
    assert "上海市浦东新区" in offered(site, "SHPD")
    with site.sessions() as session:
        assert session.get_one(Division, "310000").name == "上海市"


WRONG: tuple[tuple[dict[str, str], str], ...] = (
    ({"code": "13060"}, "Six digits"),
    ({"code": ""}, "Six digits"),
    ({"code": "130602"}, "with this code"),
    ({"code": "990101"}, "Enter that first"),
    ({"name": "竞秀区"}, "with this name"),
    ({"name": ""}, "Enter a name"),
    ({"name": "演示" * 32}, "too long"),
    ({"postcode": "1"}, "Six digits"),
    ({"area_code": "312"}, "As 010"),
    ({"initials": "b1"}, "Letters only"),
)


def test_what_cannot_be_is_said_and_nothing_is_kept(site: Site, admin: FlaskClient) -> None:
    for wrong, says in WRONG:
        answer = admin.post("/admin/cities", data=NEW | {"code": "130698"} | wrong)
        assert (answer.status_code, says in answer.text) == (422, True), wrong
    with site.sessions() as session:
        assert session.get(Division, "130698") is None


def test_hostile_words_and_strangers(site: Site, admin: FlaskClient) -> None:
    admin.post("/admin/cities", data=NEW | {"code": "130697", "name": HOSTILE[:60]})
    assert HOSTILE[:60] not in body(admin, "/admin/cities?above=130600")
    assert admin.get("/admin/cities/999999").status_code == 404
    assert admin.get("/admin/cities?above=x").status_code == 404
    allowed = {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 200}
    assert statuses(site, "GET", "/admin/cities") == allowed


def test_an_unknown_district_counts_for_its_city() -> None:
    assert path_code("河北省保定市演示新区") == "130600"
    assert path_code("河北省 保定市竞秀区") == "130602"
    assert path_code("Demo") == ""
