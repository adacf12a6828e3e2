"""The pages of calendars, inbound rules and lists; the tester says what the engine would do."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select

from cti.domain.calendar import DayRange, Hours, Override
from cti.domain.config.centre import CentreConfig
from cti.domain.config.routes import InboundRule, NumberList, RouteTarget, TargetKind, When
from cti.domain.config.ways_out import OutboundRule, TrunkOrder
from cti.store import models
from cti.store.config import build_config
from cti.store.models import Queue
from tests.fakes.site import Site
from tests.pages import HOSTILE, FakeWorker, agent_id, audited, body, browser, statuses
from webui.admin import lists

ADMINS = {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 200}
ZONE = ZoneInfo("Asia/Shanghai")
WORK = {f"day_{day}": "9-18" for day in range(1, 6)}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"), zone="Asia/Shanghai")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def worker(site: Site) -> Iterator[FakeWorker]:
    made = FakeWorker(site)
    yield made
    made.close()
    with site.sessions() as session:
        for table in (
            *(models.InboundRule, models.OutboundRule, models.Calendar),
            *(models.ListedNumber, models.NumberList),
        ):
            session.execute(delete(table))
        session.execute(delete(models.Trunk).where(models.Trunk.id.in_(("t7", "t8"))))
        session.commit()


def post(site: Site, path: str, form: dict[str, Any], who: str = "admin") -> Any:
    return browser(site, who).post(path, data=form)


def config(site: Site) -> CentreConfig:
    with site.sessions() as session:
        return build_config(session)


def calendar(site: Site, **form: str) -> str:
    """A new calendar's id."""
    known = {one.id for one in config(site).calendars}
    assert post(site, "/admin/calendars/new", {"name": "Office", **WORK, **form}).status_code == 303
    return next(one.id for one in config(site).calendars if one.id not in known)


def rule(site: Site, name: str = "Rule", **form: Any) -> InboundRule:
    known = {"name": name, "active": "y", "when": "always", "calendar": "", "priority": "0", "target": "hangup:"}
    assert post(site, "/admin/rules/new", {**known, **form}).status_code == 303
    return next(one for one in config(site).inbound if one.name == name)


def number_list(site: Site, name: str = "List", numbers: str = "", **form: str) -> str:
    assert post(site, "/admin/lists/new", {"name": name, **form}).status_code == 303
    found = next(one.id for one in config(site).lists if one.name == name)
    if numbers:
        assert post(site, f"/admin/lists/{found}/add", {"numbers": numbers}).status_code == 303
    return found


def queue(site: Site) -> str:
    with site.sessions() as session:
        return session.scalars(select(Queue.id).where(Queue.number == "2001")).one()


def words(page: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def tried(site: Site, **values: str) -> str:
    query = "&".join(f"{name}={value}" for name, value in {"caller": "13700000001", "number": "8000", **values}.items())
    return words(body(browser(site, "admin"), f"/admin/rules/test?{query}"))


# ---------------------------------------------------------------- calendars


def test_a_calendar_as_it_is_written_reaches_the_engine_and_comes_back(site: Site, worker: FakeWorker) -> None:
    found = calendar(
        site,
        day_1="9-12 13:30-18:00",
        day_6="22-6",
        **{
            "special-0-first": "2026-10-01",
            "special-0-last": "2026-10-07",
            "special-0-kind": "closed",
            "special-0-name": HOSTILE[:64],
            "special-1-first": "2026-10-10",
            "special-1-kind": "5",
        },
    )
    assert worker.asked == ["publish_config"]
    made = config(site).calendars[0]
    assert made.hours == (
        Hours((1,), "09:00", "12:00"),
        Hours((2, 3, 4, 5), "09:00", "18:00"),
        Hours((1,), "13:30", "18:00"),
        Hours((6,), "22:00", "06:00"),
    )
    assert made.closed == (DayRange("2026-10-01", "2026-10-07"),)
    assert made.worked == (DayRange("2026-10-10", "2026-10-10", like=5),)
    page = body(browser(site, "admin"), f"/admin/calendars/{found}")
    assert "<script>alert" not in page
    assert 'value="09:00-12:00 13:30-18:00"' in page
    assert 'value="2026-10-10"' in page
    assert page.count('class="cx-week-open"') == 2 + 4 + 1 + 1  # Saturday night is also Sunday's
    assert audited(site, "calendar.create")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"day_3": "9-"}, "Write times as"),
        ({"name": ""}, "This field is required"),
        ({"special-0-first": "2026-10-07", "special-0-last": "2026-10-01", "special-0-kind": "closed"}, "Ends before"),
    ],
)
def test_what_is_no_calendar_is_refused(site: Site, worker: FakeWorker, wrong: dict[str, str], said: str) -> None:
    answer = post(site, "/admin/calendars/new", {"name": "Office", **WORK, **wrong})
    assert answer.status_code == 422
    assert said in answer.text
    assert (config(site).calendars, worker.asked) == ((), [])


def test_pasted_dates_go_among_the_rows_and_are_stored_by_saving(site: Site, worker: FakeWorker) -> None:
    pasted = "2026-10-01至2026-10-07 国庆节\nnothing\n2026-01-01 元旦"
    form = {"name": "Office", **WORK, "paste": pasted, "paste_kind": "closed", "take": "1"}
    page = post(site, "/admin/calendars/new", form).text
    assert re.findall(r'name="special-\d+-first"[^>]*value="([^"]*)"', page) == ["2026-10-01", "2026-01-01"]
    assert "Not understood: nothing" in page
    assert (config(site).calendars, worker.asked) == ((), [])


def test_the_week_is_drawn_as_it_is_typed(site: Site) -> None:
    page = post(site, "/admin/calendars/preview", {"day_1": "9-18", "day_2": "not yet"}).text
    assert page.count('class="cx-week-open"') == 1
    assert 'x="540"' in page


def test_a_supervisor_closes_with_one_click_and_opens_by_the_hours_again(site: Site, worker: FakeWorker) -> None:
    found = calendar(site, **{f"day_{day}": "24h" for day in range(1, 8)})
    page = body(browser(site, "supervisor"), "/admin/calendars")
    assert 'data-state="open"' in page
    assert "/admin/calendars/new" not in page
    assert '<a href="/admin"' in page
    before = time.time()
    where = f"/admin/calendars/{found}/override"
    assert post(site, where, {"state": "closed", "until": "60"}, "supervisor").status_code == 303
    forced = config(site).calendars[0].override
    assert forced is not None
    assert not forced.open
    assert before + 3600 <= forced.until <= time.time() + 3600
    assert "publish_config" in worker.asked
    page = body(browser(site, "supervisor"), "/admin/calendars")
    assert 'data-state="closed"' in page
    assert "forced by hand" in page
    entry = audited(site, "calendar.override")[-1]
    assert (entry.username, entry.before, (entry.after or {})["override"]) == ("supervisor", {"override": ""}, "closed")
    assert post(site, where, {"state": "hours"}, "supervisor").status_code == 303
    assert config(site).calendars[0].override is None


def test_an_override_until_a_moment_of_the_centres_clock(site: Site) -> None:
    found = calendar(site)
    moment = datetime.fromtimestamp(time.time() + 86_400, ZONE).replace(second=0, microsecond=0)
    where, form = f"/admin/calendars/{found}/override", {"state": "open", "until": "moment"}
    assert post(site, where, {**form, "moment": moment.strftime("%Y-%m-%dT%H:%M")}).status_code == 303
    assert config(site).calendars[0].override == Override(True, moment.timestamp())
    for wrong in ("2020-01-01T00:00", "9999-01-01T00:00", "x", ""):
        post(site, where, {**form, "moment": wrong})
        assert "Choose a moment" in body(browser(site, "admin"), "/admin/calendars")
    assert config(site).calendars[0].override == Override(True, moment.timestamp())
    assert post(site, where, {"state": "gone", "until": "60"}).status_code == 400


def test_until_the_end_of_today_is_the_centres_midnight(site: Site) -> None:
    found = calendar(site)
    post(site, f"/admin/calendars/{found}/override", {"state": "closed", "until": "day"})
    forced = config(site).calendars[0].override
    assert forced is not None
    end = datetime.fromtimestamp(forced.until, UTC).astimezone(ZONE)
    assert (end.hour, end.minute, end.second) == (0, 0, 0)
    assert 0 < forced.until - time.time() <= 86_400


def test_a_calendar_that_a_rule_uses_stays(site: Site) -> None:
    found = calendar(site)
    made = rule(site, "Night", when="closed", calendar=found)
    assert post(site, f"/admin/calendars/{found}/delete", {}).location == f"/admin/calendars/{found}"
    assert "Still used by these rules: Night" in body(browser(site, "admin"), f"/admin/calendars/{found}")
    assert post(site, f"/admin/rules/{made.id}/delete", {}).status_code == 303
    assert post(site, f"/admin/calendars/{found}/delete", {}).status_code == 303
    assert config(site).calendars == ()


# ---------------------------------------------------------------- rules and the tester


def test_a_rule_with_everything(site: Site, worker: FakeWorker) -> None:
    where, known = calendar(site), number_list(site)
    form = {"numbers": ["8000", "8001"], "callers": "139, +86138 139", "lists": [known], "when": "closed"}
    goal = {"calendar": where, "say": "closed", "priority": "3", "target": f"queue:{queue(site)}"}
    made = rule(site, HOSTILE[:60].strip(), **form, **goal)
    target = RouteTarget(TargetKind.QUEUE, queue(site))
    assert made == InboundRule(
        *(made.id, made.name, target, ("8000", "8001"), ("139", "+86138"), When.CLOSED, where, "closed", 3, (known,))
    )
    assert worker.asked[-1] == "publish_config"
    page = body(browser(site, "admin"), f"/admin/rules/{made.id}")
    assert "<script>alert" not in page
    assert page.count(" checked") == 4
    assert "<script>alert" not in body(browser(site, "admin"), "/admin/rules")
    assert post(site, f"/admin/rules/{made.id}", {"name": "Off", **goal, "when": "always"}).status_code == 303
    assert config(site).inbound == ()
    assert "Not in use" in body(browser(site, "admin"), "/admin/rules")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"callers": "139*"}, "Not the beginning of a number: 139*"),
        ({"callers": " ".join(str(n) for n in range(1000, 1101))}, "make a list of them"),
        ({"when": "closed"}, "Choose the calendar"),
        ({"say": "../etc"}, "The name of a prompt"),
        ({"target": "queue:gone"}, "Not a valid choice"),
        ({"numbers": ["9999"]}, "9999"),
        ({"priority": "101"}, "between 0 and 100"),
    ],
)
def test_what_is_no_rule_is_refused(site: Site, worker: FakeWorker, wrong: dict[str, Any], said: str) -> None:
    form = {"name": "x", "active": "y", "when": "always", "calendar": "", "priority": "0", "target": "hangup:"}
    answer = post(site, "/admin/rules/new", {**form, **wrong})
    assert answer.status_code == 422
    assert said in html.unescape(answer.text)
    assert (config(site).inbound, worker.asked) == ((), [])


def test_rules_are_moved_one_place_and_the_ends_stay(site: Site, worker: FakeWorker) -> None:
    made = {name: rule(site, name).id for name in ("a", "b", "c")}

    def moved(name: str, direction: str) -> str:
        answer = post(site, f"/admin/rules/{made[name]}/move", {"direction": direction})
        assert answer.status_code == 303
        return "".join(one.name for one in config(site).inbound)

    assert moved("c", "up") == "acb"
    assert moved("a", "up") == "acb"
    assert moved("b", "down") == "acb"
    assert moved("a", "down") == "cab"
    assert audited(site, "rule.move")[-1].after == {"order": ["c", "a", "b"]}
    page = body(browser(site, "admin"), f"/admin/rules?moved={made['a']}&direction=down")
    assert re.search(r'value="down"[^>]*aria-label="Move down: a"[^>]*autofocus', page)


def test_the_tester_says_of_every_rule_why(site: Site) -> None:
    office, known = calendar(site), number_list(site, "Regulars", "13700000001")
    goal = f"queue:{queue(site)}"
    rule(site, "Other number", numbers=["8001"], target=goal)
    rule(site, "Other caller", callers="139", target=goal)
    rule(site, "Night", when="closed", calendar=office, say="closed")
    rule(site, "Regular", lists=[known], priority="2", target=goal)
    said = tried(site, at="2026-11-23T10:00")
    assert said.startswith("A call from 13700000001 to 8000 at 2026-11-23 10:00 goes to Queue · 2001")
    assert "with priority 2" in said
    assert "The caller is on: Regulars" in said
    assert "Other number not for this number" in said
    assert "Other caller not for this caller" in said
    assert "Night the calendar “Office” says otherwise: within the hours" in said
    assert "Regular takes the call" in said
    night = tried(site, at="2026-11-23T18:00")
    assert "hears “closed” and is hung up." in night
    assert "takes the call; the calendar “Office”: out of hours" in night
    assert "Regular takes" not in night


def test_the_tester_without_a_rule_a_number_or_a_moment(site: Site) -> None:
    assert "No rule takes it" in tried(site)
    assert "it is no service number" in tried(site, number="9999")
    assert "This is no moment" in tried(site, at="soon")
    assert tried(site, number="") == ""
    rule(site, "Unwanted", callers="137")
    assert "is refused without an answer" in tried(site)


def test_the_tester_knows_the_rules_of_the_trunk(site: Site) -> None:
    with site.sessions() as session:
        session.add(
            models.Trunk(
                id="t7",
                name="Far",
                host="192.0.2.7",
                did_rules=[{"prefix": "021", "strip": 7, "add": ""}],
                caller_rules=[{"prefix": "0", "strip": 1, "add": ""}],
            )
        )
        session.commit()
    said = tried(site, number="02151118000", caller="013700000001", trunk="t7")
    assert "arrives as one from 13700000001 to 8000 and goes to" in said


# ---------------------------------------------------------------- lists


def test_numbers_are_pasted_with_notes_in_one_spelling(site: Site, worker: FakeWorker) -> None:
    found = number_list(site, "VIP")
    text = f"13700000001, {HOSTILE[:40]}\n\n+86 138-0000-0002\n013700000001\n8005"
    answer = post(site, f"/admin/lists/{found}/add", {"numbers": text, "until": "2030-05-01"})
    assert answer.status_code == 303
    end = datetime(2030, 5, 2, tzinfo=ZONE).timestamp()
    numbers = {"+8613700000001": end, "+8613800000002": end, "8005": end}
    assert config(site).lists == (NumberList(found, "VIP", numbers),)
    page = body(browser(site, "admin"), f"/admin/lists/{found}")
    assert "<script>alert" not in page
    assert page.count("2030-05-01") == 3
    assert "<strong>VIP</strong>" in body(browser(site, "admin"), "/admin/lists?number=13700000001")
    assert "It is on none" in body(browser(site, "admin"), "/admin/lists?number=13700000009")
    assert (audited(site, "list.add")[-1].after or {})["count"] == 3
    removed = post(site, f"/admin/lists/{found}/remove", {"number": ["8005", "+8613800000002", "77"]})
    assert removed.status_code == 303
    assert set(config(site).lists[0].numbers) == {"+8613700000001"}


def test_one_line_that_is_no_number_keeps_all_off(site: Site) -> None:
    found = number_list(site)
    answer = post(site, f"/admin/lists/{found}/add", {"numbers": "13700000001\nAnna 13700000002"})
    assert answer.status_code == 422
    assert "This line is no phone number: 2: Anna" in answer.text
    assert config(site).lists[0].numbers == {}


def test_lists_have_a_limit_all_together(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "LISTED_MOST", 3)
    number_list(site, "One", "13700000001\n13700000002")
    other = number_list(site, "Other", "13700000001")
    answer = post(site, f"/admin/lists/{other}/add", {"numbers": "13700000001\n13700000002"})
    assert answer.status_code == 422
    assert "may hold 3 numbers; these would be 4" in answer.text
    assert post(site, f"/admin/lists/{other}/add", {"numbers": "13700000001"}).status_code == 303


def test_ten_thousand_numbers_fit_into_one_paste(site: Site) -> None:
    found = number_list(site, "Long", "\n".join(f"137{n:08d}, somebody of whom we know this" for n in range(10_000)))
    assert len(config(site).lists[0].numbers) == 10_000
    assert "10000 of 10000 numbers" in words(body(browser(site, "admin"), "/admin/lists"))
    assert "the first 200 shown" in body(browser(site, "admin"), f"/admin/lists/{found}")


def test_a_list_that_a_rule_uses_stays(site: Site) -> None:
    found = number_list(site, "Bad", "13700000001", do_not_call="y")
    assert config(site).lists[0].do_not_call
    made = rule(site, "Refuse", lists=[found])
    post(site, f"/admin/lists/{found}/delete", {})
    assert "Still used by these rules: Refuse" in body(browser(site, "admin"), f"/admin/lists/{found}")
    post(site, f"/admin/rules/{made.id}/delete", {})
    post(site, f"/admin/lists/{found}/delete", {})
    assert config(site).lists == ()


# ---------------------------------------------------------------- who may


def test_who_may_see_and_change(site: Site) -> None:
    found = calendar(site)
    for path in ("/admin/rules", "/admin/rules/new", "/admin/rules/test", "/admin/lists", f"/admin/calendars/{found}"):
        assert statuses(site, "GET", path) == ADMINS, path
    assert statuses(site, "GET", "/admin/calendars") == ADMINS | {"supervisor": 200}
    force = statuses(site, "POST", f"/admin/calendars/{found}/override", {"state": "hours"})
    assert force == {"nobody": 302, "agent2": 403, "supervisor": 303, "admin": 303}
    for path in ("/admin/calendars/gone", "/admin/rules/gone", "/admin/lists/gone"):
        assert browser(site, "admin").get(path).status_code == 404


# ---------------------------------------------------------------- calls out


def outbound(site: Site, name: str = "Out", **form: Any) -> OutboundRule:
    known = {"name": name, "active": "y", "trunk_order": "sequential", **{f"trunks-{n}": "" for n in range(5)}}
    assert post(site, "/admin/outbound/new", {**known, **form}).status_code == 303
    return next(one for one in config(site).outbound if one.name == name)


def tried_out(site: Site, number: str, who: str = "") -> str:
    return words(body(browser(site, "admin"), f"/admin/outbound/test?number={number}&who={who}"))


def test_an_outbound_rule_with_everything(site: Site, worker: FakeWorker) -> None:
    trunk = config(site).trunks[0].id
    own = agent_id(site, "1002")
    form = {"prefixes": "0, +861", "queues": [queue(site)], "agents": [own], "trunks-1": trunk, "trunks-3": trunk}
    made = outbound(site, HOSTILE[:60].strip(), **form, trunk_order="round_robin", caller_number="02160000001")
    assert made == OutboundRule(
        made.id, made.name, (trunk,), ("0", "+861"), (queue(site),), TrunkOrder.ROUND_ROBIN, "02160000001", (own,)
    )
    assert worker.asked == ["publish_config"]
    page = body(browser(site, "admin"), f"/admin/outbound/{made.id}")
    assert "<script>alert" not in page
    assert f'<option selected value="{trunk}">' in page
    assert "<script>alert" not in body(browser(site, "admin"), "/admin/outbound")
    assert audited(site, "outbound.create")
    assert post(site, f"/admin/outbound/{made.id}/delete", {}).status_code == 303
    assert config(site).outbound == ()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"prefixes": "abc"}, "Not the beginning of a number: abc"),
        ({"trunks-0": "gone"}, "Not a valid choice"),
        ({"agents": ["nobody"]}, "nobody"),
        ({"caller_number": "x"}, "2 to 20 digits"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_what_is_no_outbound_rule_is_refused(site: Site, worker: FakeWorker, wrong: dict[str, str], said: str) -> None:
    form = {"name": "x", "active": "y", "trunk_order": "random", "trunks-0": ""}
    answer = post(site, "/admin/outbound/new", {**form, **wrong})
    assert answer.status_code == 422
    assert said in answer.text
    assert (config(site).outbound, worker.asked) == ((), [])


def test_the_tester_of_calls_out_says_trunks_digits_and_lists(site: Site) -> None:
    with site.sessions() as session:
        long_way = [{"prefix": "0", "strip": 0, "add": "17909"}]
        session.add(models.Trunk(id="t8", name="Cheap", host="192.0.2.8", dial_rules=long_way))
        session.commit()
    first = next(trunk.id for trunk in config(site).trunks if trunk.id not in ("t7", "t8"))
    assert "No rule takes it: any trunk will do" in tried_out(site, "02151118000")
    outbound(site, "Far", prefixes="0", queues=[queue(site)], **{"trunks-0": "t8", "trunks-1": first})
    of_the_queue = f"queue:{queue(site)}"
    said = tried_out(site, "02151118000", of_the_queue)
    assert "02151118000 goes out by t8 · Cheap as 1790902151118000, else by" in said
    assert "Far takes the call" in said
    assert "Far not for this caller" in tried_out(site, "02151118000")
    assert "Far takes the call" in tried_out(site, "02151118000", f"agent:{agent_id(site, '1001')}")
    assert "Far not for this number" in tried_out(site, "13700000001", of_the_queue)
    number_list(site, "Leave alone", "13700000001", do_not_call="y")
    assert "is not called: it is on the list “Leave alone”" in tried_out(site, "013700000001")
    assert tried_out(site, "") == ""


def test_outbound_rules_are_moved_too(site: Site) -> None:
    made = {name: outbound(site, name).id for name in ("a", "b")}
    assert post(site, f"/admin/outbound/{made['b']}/move", {"direction": "up"}).status_code == 303
    assert [one.name for one in config(site).outbound] == ["b", "a"]
    assert statuses(site, "GET", "/admin/outbound") == ADMINS
