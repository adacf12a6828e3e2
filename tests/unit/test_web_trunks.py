"""The pages of trunks: each kind of far side, what is refused, what becomes of numbers, status, test calls in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cti.domain import sip
from cti.domain.switch.terms import TrunkState
from cti.domain.trunks import CallerId, DidFrom
from cti.settings import Settings
from cti.store.models import Did, Trunk
from cti.store.switchdata import load_switch_rows
from dialplan import freeswitch_render, render
from tests.fakes.site import Site
from tests.pages import HOSTILE, FakeWorker, audited, body, browser, form_error, statuses, trunk_form
from webui.admin import sip_words
from webui.admin.trunk_form import KINDS
from webui.common.hub import Reader
from webui.common.viewer import Viewer
from webui.events.blueprint import next_text

ADMINS = {"nobody": 302, "agent2": 403, "supervisor": 403, "admin": 200}
SECRET = "s3cret-in-there"


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


@pytest.fixture(autouse=True)
def only_the_demo_trunks(site: Site) -> Iterator[None]:
    site.app.extensions["callyard_limiter"].reset()
    yield
    with site.sessions() as session:
        for trunk in session.scalars(select(Trunk).where(Trunk.id != "local")):
            session.delete(trunk)
        for did in session.scalars(select(Did).where(Did.number.startswith("77"))):
            session.delete(did)
        session.commit()


def post(site: Site, path: str, form: dict[str, Any]) -> Any:
    return browser(site, "admin").post(path, data=form)


def trunk(site: Site, trunk_id: str = "demo") -> Trunk:
    with site.sessions() as session:
        return session.get_one(Trunk, trunk_id)


def preview(site: Site, **changes: str) -> tuple[str, str]:
    """The two sentences: a call out, a call in."""
    form = trunk_form(try_number="013800138000", try_caller="13912345678", try_did="02151118000") | changes
    page = post(site, "/admin/trunks/preview", form).text
    found = dict(re.findall(r'data-preview="(\w+)">(.*?)</p>', page, re.S))
    assert len(found) == 2, page
    out, back = (" ".join(re.sub(r"<[^>]+>", "", found[name]).split()) for name in ("out", "in"))
    return out, back


# ---------------------------------------------------------------- making and changing


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_far_side_has_its_own_beginning(site: Site, kind: str) -> None:
    page = body(browser(site, "admin"), f"/admin/trunks/new?kind={kind}")
    assert f'value="{kind}"' in page
    checked = re.search(r'<input[^>]*name="register"[^>]*>', page)
    assert checked is not None
    assert ("checked" in checked.group()) == (kind == "carrier")
    assert ('value="5080"' in page) == (kind == "freeswitch")


def test_a_new_trunk_asks_first_what_it_is(site: Site) -> None:
    page = body(browser(site, "admin"), "/admin/trunks/new")
    assert set(re.findall(r'data-kind="(\w+)"', page)) == set(KINDS)
    assert 'name="host"' not in page


def test_a_carriers_trunk_is_saved_with_its_rules_and_numbers(site: Site, worker: FakeWorker) -> None:
    form = trunk_form(
        register="y",
        username="02161238000",
        secret=SECRET,
        sources="203.0.113.0/24, 2001:db8::/48 198.51.100.7",
        codec_1="ulaw",
        codec_2="g722",
        did_from="to",
        caller_id="own",
        caller_number="+862161238000",
        caller_in="pai",
        **{"dial_rules-0-start": "0", "dial_rules-0-strip": "", "dial_rules-0-add": "17909"},
        **{"dial_rules-3-start": "+86", "dial_rules-3-strip": "3", "dial_rules-3-add": ""},
        **{"did_rules-0-start": "", "did_rules-0-strip": "7", "did_rules-0-add": ""},
        **{"numbers-0-number": "7700", "numbers-0-target": "queue:orders"},
        **{"numbers-1-number": "", "numbers-1-target": ""},
    )
    answer = post(site, "/admin/trunks/new", form)
    assert (answer.status_code, answer.location) == (303, "/admin/trunks/demo")
    row = trunk(site)
    assert row.secret == SECRET
    assert row.codecs == ["ulaw", "g722"]
    assert row.sources == ["203.0.113.0/24", "2001:db8::/48", "198.51.100.7"]
    assert row.dial_rules == [{"prefix": "0", "strip": 0, "add": "17909"}, {"prefix": "+86", "strip": 3, "add": ""}]
    assert row.did_rules == [{"prefix": "", "strip": 7, "add": ""}]
    assert row.caller_rules == []
    assert (row.did_from, row.caller_id, row.register) == (DidFrom.TO, CallerId.OWN, True)
    with site.sessions() as session:
        did = session.scalars(select(Did).where(Did.number == "7700")).one()
        assert (did.trunk_id, did.target_id) == ("demo", "orders")
    assert worker.asked == ["publish_config", "apply_switch"]
    page = body(browser(site, "admin"), "/admin/trunks/demo")
    for shown in ('value="17909"', 'value="+86"', "203.0.113.0/24, 2001:db8::/48, 198.51.100.7", "7700"):
        assert shown in page
    assert re.search(r'name="dial_rules-1-strip"[^>]*value="3"', page)


def test_a_password_goes_in_and_never_comes_out(site: Site) -> None:
    form = trunk_form(username="u1")
    assert post(site, "/admin/trunks/new", form | {"secret": SECRET}).status_code == 303
    assert post(site, "/admin/trunks/demo", form | {"name": "Demo 2", "id": "other", "secret": ""}).status_code == 303
    assert (trunk(site).secret, trunk(site).name) == (SECRET, "Demo 2")
    for elsewhere in ({"host": "evil.example.com"}, {"port": "5070"}, {"outbound_proxy": "evil.example.com"}):
        assert form_error(post(site, "/admin/trunks/demo", form | elsewhere).text, "secret")
    assert (trunk(site).host, trunk(site).outbound_proxy) == ("sip.example.com", "")
    wrong = post(site, "/admin/trunks/new", form | {"secret": SECRET, "host": ""}).text
    preview = post(site, "/admin/trunks/preview", form | {"secret": SECRET}).text
    client = browser(site, "admin")
    pages = "".join(body(client, f"/admin/{path}") for path in ("trunks", "trunks/demo", "trunks/status", "audit"))
    assert SECRET not in pages + wrong + preview
    assert SECRET not in str([(e.before, e.after) for e in audited(site, "trunk.")])
    assert audited(site, "trunk.create")[-1].after["secret"] == "changed"  # type: ignore[index]
    assert post(site, "/admin/trunks/demo", trunk_form()).status_code == 303
    assert trunk(site).secret == "", "it would go wherever the trunk leads when it has a user name again"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("id", {"id": "A B"}),
        ("id", {"id": "local"}),
        ("name", {"name": "\u0007 "}),
        ("host", {"host": "a;b"}),
        ("host", {"host": "-v"}),
        ("host", {"host": "sip.example.com\r\n[global]"}),
        ("host", {"host": "300.1.1.1"}),
        ("host", {"host": "sip.example.com/x"}),
        ("port", {"port": "70000"}),
        ("port", {"port": "many"}),
        ("transport", {"transport": "sctp"}),
        ("username", {"register": "y"}),
        ("secret", {"username": "u1"}),
        ("username", {"username": "a:b", "secret": SECRET}),
        ("secret", {"username": "u1", "secret": "a\nb-long-enough"}),
        ("secret", {"username": "u1", "secret": "${system(id)}"}),
        ("secret", {"username": "u1", "secret": "[x]"}),
        ("did_fixed", {"did_from": "fixed", "did_fixed": "+"}),
        ("outbound_proxy", {"outbound_proxy": "proxy.example.org:70000"}),
        ("auth_user", {"auth_user": "<x>"}),
        ("realm", {"realm": "a;b"}),
        ("outbound_proxy", {"outbound_proxy": "sip:x;lr"}),
        ("expiry", {"expiry": "5"}),
        ("sources", {"sources": "0.0.0.0/0"}),
        ("sources", {"sources": "::/0"}),
        ("sources", {"sources": "carrier.example.com"}),
        ("codec_1", {"codec_1": ""}),
        ("codec_3", {"codec_3": "alaw"}),
        ("codec_2", {"codec_2": "opus;x"}),
        ("dtmf", {"dtmf": "loud"}),
        ("max_channels", {"max_channels": "-1"}),
        ("did_fixed", {"did_from": "fixed"}),
        ("did_fixed", {"did_from": "fixed", "did_fixed": "80a"}),
        ("caller_number", {"caller_number": "12;34"}),
        ("switches", {"switches": "elsewhere"}),
        ("dial_rules-0-start", {"dial_rules-0-start": "0;x"}),
        ("dial_rules-0-strip", {"dial_rules-0-strip": "99"}),
        ("did_rules-0-add", {"did_rules-0-add": "${x}"}),
        ("numbers-0-number", {"numbers-0-number": "8000", "numbers-0-target": "hangup:"}),
        ("numbers-0-target", {"numbers-0-number": "7711", "numbers-0-target": ""}),
        ("numbers-0-target", {"numbers-0-number": "7711", "numbers-0-target": "queue:gone"}),
    ],
)
def test_a_wrong_field_is_named_beside_it_and_nothing_is_saved(
    site: Site, worker: FakeWorker, field: str, changes: dict[str, str]
) -> None:
    answer = post(site, "/admin/trunks/new", trunk_form() | changes)
    assert answer.status_code == 422
    assert form_error(answer.text, field) or (f'name="{field}"' in answer.text and "invalid-feedback" in answer.text)
    with site.sessions() as session:
        assert session.get(Trunk, "demo") is None
    assert worker.asked == []


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "[2001:db8::20]", "port": "0", "transport": "tls", "codec_1": "g722"},
        {"host": "2001:db8::20", "transport": "tcp", "outbound_proxy": "[2001:db8::1]:5061"},
        {
            "username": "0216+1238.000_x-1",
            "secret": "1234",
            "register": "y",
            "auth_user": "a.b",
            "realm": "example.org",
        },
        {"username": "u1", "secret": "a;b\\c\"'<>&%|!~^`@#*()=+,.?/:", "expiry": "86400"},
        {"sources": "203.0.113.5/24; 198.51.100.7 2001:db8:1::5/48", "outbound_proxy": "proxy.example.org:59999"},
        {"did_from": "fixed", "did_fixed": "+862161238000", "caller_in": "pai", "dtmf": "inband", "ping": ""},
        {"id": "a-20-characters-long", "name": HOSTILE[:120], "host": "sip-1.example_x.org"},
    ],
)
def test_whatever_the_form_takes_both_switches_take(site: Site, tmp_path: Path, changes: dict[str, str]) -> None:
    assert post(site, "/admin/trunks/new", trunk_form() | changes).status_code == 303
    with site.sessions() as session:
        rows = load_switch_rows(session)
    asterisk = Settings(var=tmp_path, ami_secret="manager-secret").switches()[0]
    render.check(render.render(asterisk, rows))
    freeswitch = Settings(var=tmp_path, switch="freeswitch", esl_password="socket-secret").switches()[0]
    freeswitch_render.check(freeswitch_render.render(freeswitch, rows, resolve=lambda _: ["192.0.2.1"]))


def test_hostile_text_is_inert_on_every_page(site: Site) -> None:
    assert post(site, "/admin/trunks/new", trunk_form(name=HOSTILE[:120])).status_code == 303
    client = browser(site, "admin")
    for path in ("trunks", "trunks/demo", "numbers", "numbers/new", "trunks/status"):
        page = body(client, f"/admin/{path}")
        assert "<script>alert" not in page, path
    refused = post(site, "/admin/trunks/new", trunk_form(id="demo2", host=HOSTILE, **{"dial_rules-0-add": HOSTILE}))
    assert refused.status_code == 422
    assert "<script>alert" not in refused.text
    shown = preview(site, try_number=HOSTILE, try_did=HOSTILE)
    assert "{{7*7}}" not in "".join(shown)
    assert "&lt;script&gt;" in shown[0]


def test_a_trunk_with_numbers_of_its_own_is_not_removed(site: Site) -> None:
    numbers = {"numbers-0-number": "7701", "numbers-0-target": "hangup:"}
    assert post(site, "/admin/trunks/new", trunk_form() | numbers).status_code == 303
    assert post(site, "/admin/trunks/demo/delete", {}).location == "/admin/trunks/demo"
    assert "First remove the service numbers" in body(browser(site, "admin"), "/admin/trunks/demo")
    with site.sessions() as session:
        did = session.scalars(select(Did).where(Did.number == "7701")).one()
    form = {"number": "7701", "name": "", "target": "hangup:", "trunk": ""}
    assert post(site, f"/admin/numbers/{did.id}", form).status_code == 303
    assert post(site, "/admin/trunks/demo/delete", {}).location == "/admin/trunks"
    with site.sessions() as session:
        assert session.get(Trunk, "demo") is None
    assert audited(site, "trunk.delete")[-1].before["host"] == "sip.example.com"  # type: ignore[index]


# ---------------------------------------------------------------- what becomes of numbers


def test_the_preview_says_what_becomes_of_a_call_out(site: Site) -> None:
    rules = {"dial_rules-0-start": "0", "dial_rules-0-strip": "1", "dial_rules-0-add": "17909"}
    assert preview(site, caller_number="02161", **rules)[0] == (
        "A call to 013800138000 goes out as 1790913800138000 from 02161."
    )
    assert preview(site, try_number="110", **rules)[0] == "A call to 110 goes out as 110 without a number."
    own = preview(site, caller_id="own", caller_number="02161")[0]
    assert own.endswith("from the agent's or queue's service number, else from 02161.")
    assert "passed on" in preview(site, caller_id="caller")[0]
    assert preview(site, hide_number="y", caller_number="02161")[0].endswith("with the number hidden.")


def test_the_preview_says_what_a_call_in_reaches(site: Site) -> None:
    rules = {
        "did_rules-0-start": "",
        "did_rules-0-strip": "7",
        "caller_rules-0-start": "1",
        "caller_rules-0-add": "0",
    }
    assert preview(site, **rules)[1] == (
        "A call from 13912345678 to 02151118000 arrives as one from 013912345678 to 8000 and "
        "reaches Menu · 主菜单 Main menu."
    )
    assert preview(site)[1].endswith("is refused: there is no service number 02151118000.")
    new = {"numbers-0-number": "02151118000", "numbers-0-target": "queue:orders"}
    assert "reaches Queue · 2001" in preview(site, **new)[1]
    assert "reaches Menu" in preview(site, did_from="fixed", did_fixed="8000")[1]
    wrong = post(site, "/admin/trunks/preview", trunk_form() | {"dial_rules-0-start": "x"})
    assert "There is a mistake in: Numbers dialled out" in wrong.text


def test_a_number_of_another_trunk_is_not_reached(site: Site) -> None:
    numbers = {"numbers-0-number": "7702", "numbers-0-target": "queue:orders"}
    assert post(site, "/admin/trunks/new", trunk_form() | numbers).status_code == 303
    assert "bound to the trunk demo" in preview(site, id="demo9", try_did="7702")[1]
    client = browser(site, "admin")
    assert "Queue · 2001" in body(client, "/admin/numbers/where?number=7702")
    assert "Queue · 2001" in body(client, "/admin/numbers/where?number=7702&trunk=demo")
    assert "bound to the trunk demo" in body(client, "/admin/numbers/where?number=7702&trunk=local")
    assert "no service number 9" in body(client, "/admin/numbers/where?number=9")
    assert "demo · Demo" in body(client, "/admin/numbers")


# ---------------------------------------------------------------- status and test call


def tell_trunks(site: Site, **states: str) -> None:
    """The engine's word on trunks."""
    switches = [{"name": "fake", "up": True, "trunks": states, "round_trips": {"demo": 0.0214}}]
    site.engine.tell("cy.evt.centre", {"switches": switches, "config_version": 1})
    hub = site.app.extensions["callyard_hub"]
    site.engine.until(lambda: hub.centre()["switches"] == switches, "told")


@pytest.mark.parametrize(
    ("state", "badge", "hint"),
    [
        (TrunkState.UP, ">Up<", "21 ms"),
        (TrunkState.REGISTERING, ">Registering<", "Wait a moment"),
        (TrunkState.REJECTED, ">Refused<", "were refused"),
        (TrunkState.DOWN, ">Does not answer<", "firewalls"),
        (TrunkState.UNKNOWN, ">Not known<", "It is asked twice a minute"),
    ],
)
def test_a_trunks_status_and_what_to_do(site: Site, state: TrunkState, badge: str, hint: str) -> None:
    assert post(site, "/admin/trunks/new", trunk_form()).status_code == 303
    body(browser(site, "admin"), "/admin/trunks")
    tell_trunks(site, demo=state)
    for path in ("/admin/trunks", "/admin/trunks/demo", "/admin/trunks/status"):
        page = body(browser(site, "admin"), path)
        part = page[page.index('id="trunk-status-demo"') :][:700]
        assert badge in part
        assert hint in part


def test_a_trunk_that_nobody_asks_is_not_said_to_be_asked(site: Site) -> None:
    assert post(site, "/admin/trunks/new", trunk_form(ping="")).status_code == 303
    body(browser(site, "admin"), "/admin/trunks")
    tell_trunks(site, demo=TrunkState.UNKNOWN)
    part = body(browser(site, "admin"), "/admin/trunks/demo")
    assert "Nobody asks" in part
    assert "It is asked twice a minute" not in part


def test_the_doors_of_trunks_are_shut_to_others(site: Site) -> None:
    assert post(site, "/admin/trunks/new", trunk_form()).status_code == 303
    for path in ("status", "demo/test"):
        assert statuses(site, "GET", f"/admin/trunks/{path}") == ADMINS
    assert statuses(site, "GET", "/admin/numbers/where?number=8000") == ADMINS
    assert statuses(site, "POST", "/admin/trunks/preview") == ADMINS
    assert statuses(site, "POST", "/admin/trunks/demo/test", {"number": ""}) == ADMINS | {"admin": 422}
    assert statuses(site, "POST", "/admin/trunks/no-such/delete") == ADMINS | {"admin": 404}
    assert statuses(site, "POST", "/admin/trunks/no-such/test", {"number": "1"}) == ADMINS | {"admin": 404}


def test_changes_need_a_token(site: Site) -> None:
    client = site.client("admin", csrf=False)
    site.app.config["WTF_CSRF_ENABLED"] = True
    try:
        for path in ("new", "local", "local/delete", "local/test", "preview"):
            assert client.post(f"/admin/trunks/{path}", data=trunk_form()).status_code == 400, path
    finally:
        site.app.config["WTF_CSRF_ENABLED"] = False


# ---------------------------------------------------------------- test calls


def shown_test(site: Site, state: str) -> str:
    """The page's piece on the last test call, once that is in ``state``."""
    pages = {"": ""}

    def there() -> bool:
        pages[""] = body(browser(site, "admin"), "/admin/trunks/local/test")
        return f'data-test-state="{state}"' in pages[""]

    site.engine.until(there, state)
    return pages[""]


def test_a_test_call_is_followed_to_its_answer(site: Site) -> None:
    page = post(site, "/admin/trunks/local/test", {"number": " 138 0013 8000 "})
    assert page.status_code == 200
    assert "Dialled 13800138000" in page.text
    assert audited(site, "trunk.test")[-1].after == {"number": "13800138000", "switch": ""}
    again = post(site, "/admin/trunks/local/test", {"number": "13800138000"})
    assert (again.status_code, "is running" in again.text) == (409, True)
    site.engine.outside_answers("13800138000")
    assert "It works" in shown_test(site, "done")


def test_a_test_call_that_fails_says_why_and_what_to_do(site: Site) -> None:
    assert post(site, "/admin/trunks/local/test", {"number": "13800138001"}).status_code == 200
    site.engine.outside_is_busy("13800138001")
    page = shown_test(site, "failed")
    assert "The far telephone is engaged" in page
    assert "The trunk works" in page


@pytest.mark.parametrize("number", ["", "1", "12a", "1;2", "x" * 500, "1\r\n2;", "٣٤٥", "+", "'--"])
def test_a_test_call_to_no_number_is_refused(site: Site, number: str) -> None:
    answer = post(site, "/admin/trunks/local/test", {"number": number})
    assert answer.status_code == 422
    assert "data-test-trouble" in answer.text


def test_test_calls_are_limited(site: Site) -> None:
    codes = [post(site, "/admin/trunks/local/test", {"number": ""}).status_code for _ in range(11)]
    assert codes == [422] * 10 + [429]


def test_a_test_call_by_a_trunk_the_engine_does_not_know(site: Site) -> None:
    assert post(site, "/admin/trunks/new", trunk_form()).status_code == 303
    answer = post(site, "/admin/trunks/demo/test", {"number": "110"})
    assert (answer.status_code, "does not know this trunk" in answer.text) == (409, True)
    assert post(site, "/admin/trunks/local/test", {"number": "110", "switch": "nowhere"}).status_code == 422


def test_every_answer_has_words() -> None:
    assert set(sip_words.WORDS) == sip.KEYS
    found = sip_words.explain({"sip": 486, "answer": "busy"})
    assert (found.code, str(found.meaning)) == ("486", "The far telephone is engaged")
    assert sip_words.explain({"sip": 0, "answer": "of a newer engine"}).code == ""


def test_trunks_are_told_to_administrators_only() -> None:
    switch = {"name": "a", "up": True, "trunks": {"c1": "up"}, "round_trips": {"c1": 0.1}}
    document = {"engine": True, "switches": [switch]}
    mailbox = Reader()
    for kind in ("centre", "trunk_test"):
        for trunks in (False, True):
            mailbox.put((kind, document))
            text = next_text(mailbox, Viewer("a1", floor=True, unmasked=True, key=b"k", trunks=trunks), 1.0)
            assert ("c1" in text) == trunks
            assert ('"name":"a"' in text) == (trunks or kind == "centre")
