"""The pages of ring groups: who may, what reaches the engine, what is refused; a group in use stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete

from cti.domain.config.routes import MemberKind, RingGroupConfig, RingMember, RingOrder, RouteTarget, TargetKind
from cti.store.config import build_config
from cti.store.models import InboundRule, RingGroup
from tests.fakes.site import Site
from tests.pages import HOSTILE, FakeWorker, agent_id, audited, body, browser, statuses


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def worker(site: Site) -> Iterator[FakeWorker]:
    made = FakeWorker(site)
    yield made
    made.close()
    with site.sessions() as session:
        session.execute(delete(RingGroup))
        session.execute(delete(InboundRule))
        session.commit()


def post(site: Site, path: str, form: dict[str, Any], who: str = "admin") -> Any:
    return browser(site, who).post(path, data=form)


def form(site: Site, **changes: Any) -> dict[str, Any]:
    first = agent_id(site, "1001")
    plain = {"name": "Front desk", "order": "at_once", "ring_timeout": "20", "otherwise": "hangup:"}
    return {**plain, "members-0-who": f"agent:{first}", "members-0-number": "", **changes}


def made(site: Site, **changes: Any) -> RingGroupConfig:
    assert post(site, "/admin/groups/new", form(site, **changes)).status_code == 303
    return groups(site)[-1]


def groups(site: Site) -> tuple[RingGroupConfig, ...]:
    with site.sessions() as session:
        return build_config(session).groups


def test_only_administrators_come_to_the_pages(site: Site) -> None:
    group = made(site)
    allowed = {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 200}
    for path in ("/admin/groups", "/admin/groups/new", f"/admin/groups/{group.id}"):
        assert statuses(site, "GET", path) == allowed
    assert statuses(site, "POST", f"/admin/groups/{group.id}/delete") == {**allowed, "admin": 303}


def test_a_group_as_it_is_written_reaches_the_engine_and_comes_back(site: Site, worker: FakeWorker) -> None:
    second = agent_id(site, "1002")
    outside = {"members-1-who": "outside:", "members-1-number": "13700000001", "members-2-who": f"phone:{second}"}
    group = made(site, name=HOSTILE[:100], order="one_by_one", ring_timeout="12.5", otherwise="queue:orders", **outside)
    assert worker.asked == ["publish_config"]
    assert group.members == (
        RingMember(MemberKind.AGENT, agent_id(site, "1001")),
        RingMember(MemberKind.OUTSIDE, "13700000001"),
        RingMember(MemberKind.PHONE, second),
    )
    assert (group.order, group.ring_timeout) == (RingOrder.ONE_BY_ONE, 12.5)
    assert group.otherwise == RouteTarget(TargetKind.QUEUE, "orders")
    for path in ("/admin/groups", f"/admin/groups/{group.id}"):
        page = body(browser(site, "admin"), path)
        assert "<script>alert" not in page
        assert "13700000001" in page
    changed = form(site, name="Two", **{"members-0-who": f"phone:{second}"})
    assert post(site, f"/admin/groups/{group.id}", changed).status_code == 303
    assert groups(site)[0].members == (RingMember(MemberKind.PHONE, second),)
    assert [entry.object for entry in audited(site, "group.change")] == [f"group/{group.id}"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"order": "both"},
        {"ring_timeout": "0"},
        {"ring_timeout": "nan"},
        {"otherwise": "queue:nowhere"},
        {"members-0-who": ""},
        {"members-0-who": "agent:nobody"},
        {"members-0-who": "outside:"},
        {"members-0-who": "outside:", "members-0-number": "boss"},
        {
            "members-1-who": "outside:",
            "members-1-number": "110",
            "members-2-who": "outside:",
            "members-2-number": "110",
        },
    ],
)
def test_what_is_no_group_is_shown_again(site: Site, wrong: dict[str, str]) -> None:
    answer = post(site, "/admin/groups/new", form(site, **wrong))
    assert answer.status_code == 422
    assert "invalid-feedback" in answer.text
    assert groups(site) == ()


def test_a_group_is_a_target_and_stays_as_long_as_it_is_one(site: Site) -> None:
    group = made(site)
    assert f'value="group:{group.id}"' not in body(browser(site, "admin"), f"/admin/groups/{group.id}")
    rule = {"name": "Rule to it", "active": "y", "when": "always", "calendar": "", "priority": "0"}
    assert post(site, "/admin/rules/new", {**rule, "target": f"group:{group.id}"}).status_code == 303
    with site.sessions() as session:
        assert build_config(session).inbound[0].target == RouteTarget(TargetKind.GROUP, group.id)
    tried = body(browser(site, "admin"), "/admin/rules/test?caller=13700000001&number=8000")
    assert "Ring group · Front desk" in tried
    answer = post(site, f"/admin/groups/{group.id}/delete", {})
    assert answer.status_code == 409
    assert "Rule to it" in answer.text
    with site.sessions() as session:
        session.execute(delete(InboundRule))
        session.commit()
    assert post(site, f"/admin/groups/{group.id}/delete", {}).status_code == 303
    assert groups(site) == ()


def test_who_is_gone_is_left_out_and_named_so(site: Site) -> None:
    group = made(site)
    with site.sessions() as session:
        row = session.get_one(RingGroup, group.id)
        row.members = [{"kind": "agent", "id": "gone"}, {"kind": "moon", "id": "x"}, "nothing", *row.members]
        session.commit()
    assert len(groups(site)[0].members) == 1
    with site.sessions() as session:
        row = session.get_one(RingGroup, group.id)
        row.members = [{"kind": "agent", "id": "gone"}]
        session.commit()
    assert "phone is gone" in body(browser(site, "admin"), "/admin/groups")
    assert "agent:gone (is gone)" in body(browser(site, "admin"), f"/admin/groups/{group.id}")
