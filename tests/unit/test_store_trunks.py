"""Trunks in the database: rows of earlier versions, and what the engine and the switches get of them."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import select, text

from cti.domain.config.centre import CentreConfig
from cti.domain.trunks import CallerId, CallerIn, NumberRule, apply_rules
from cti.services.rules import outbound_rule
from cti.store import setup
from cti.store.boards import TrunkTaken, ensure_demo_plan, ensure_gateway_trunk
from cti.store.config import build_config
from cti.store.database import make_engine, make_session_factory
from cti.store.models import Did, OutboundRule, Trunk
from cti.store.switchdata import load_switch_rows
from cti.switch_settings import GATEWAY_HOST
from tests.stores import Store

OLD_ROW = (
    "INSERT INTO trunks (id, name, host, port, username, secret, register, caller_number, active) "
    "VALUES (:id, 'Carrier', '192.0.2.1', 5060, :username, 'secret-1234', :register, '02160000000', :active)"
)


def test_trunks_of_an_earlier_version_keep_working(empty_url: str) -> None:
    command.upgrade(setup._config(empty_url), "0001")
    engine = make_engine(empty_url)
    with engine.begin() as connection:
        for trunk_id, username in (("plain", ""), ("account", "8001")):
            values = {"id": trunk_id, "username": username, "register": bool(username), "active": True}
            connection.execute(text(OLD_ROW), values)
        connection.execute(
            text("INSERT INTO dids (id, number, name, target_kind, target_id) VALUES ('d', '8000', '', 'hangup', '')")
        )
    engine.dispose()
    setup.migrate(empty_url)
    engine = make_engine(empty_url)
    with make_session_factory(engine)() as session:
        rows = {row["id"]: row for row in load_switch_rows(session)["trunks"]}
        config = build_config(session)
    engine.dispose()
    assert (rows["plain"]["caller_in"], rows["account"]["caller_in"]) == (CallerIn.BOTH, CallerIn.PAI)
    assert rows["plain"]["codecs"] == ["alaw", "ulaw"]
    assert rows["account"]["expiry"] == 300
    assert [t.caller_number for t in config.trunks] == ["02160000000", "02160000000"]
    assert config.dids[0].trunk == ""
    command.downgrade(setup._config(empty_url), "0001")


def test_a_trunk_reaches_the_engine_and_the_switches(store: Store) -> None:
    rules = [{"prefix": "0", "strip": 0, "add": "17909"}]
    with store.sessions() as session:
        trunk = Trunk(id="c1", name="Carrier", host="192.0.2.1", dial_rules=rules, max_channels=8, switches=["a"])
        trunk.caller_id, trunk.hide_number, trunk.sources = CallerId.OWN, True, ["192.0.2.0/24"]
        session.add_all([trunk, Did(number="8000", target_kind="hangup", target_id="", trunk_id="c1")])
        session.commit()
        row = load_switch_rows(session)["trunks"][0]
        config = build_config(session)
    assert (row["sources"], row["switches"], row["transport"]) == (["192.0.2.0/24"], ["a"], "udp")
    there = config.trunks[0]
    assert there.dial_rules == (NumberRule("0", 0, "17909"),)
    assert (there.max_channels, there.caller_id, there.hide_number, there.switches) == (8, CallerId.OWN, True, ("a",))
    assert config.dids[0].trunk == "c1"
    assert CentreConfig.from_document(config.to_document()) == config


def test_rules_that_are_no_rules_are_left_out(store: Store) -> None:
    with store.sessions() as session:
        session.add(Trunk(id="c1", name="Carrier", host="192.0.2.1", dial_rules=[{"strip": "many"}, {"prefix": "9"}]))
        session.commit()
        assert build_config(session).trunks[0].dial_rules == (NumberRule("9"),)


def test_the_first_rule_that_fits_is_applied() -> None:
    rules = (NumberRule("00", 2, "+"), NumberRule("0", 0, "17909"), NumberRule("", 0, "9"))
    assert apply_rules(rules, "0044123") == "+44123"
    assert apply_rules(rules, "013800138000") == "17909013800138000"
    assert apply_rules(rules, "13800138000") == "913800138000"
    assert apply_rules(rules, "") == ""
    assert apply_rules((), "123") == "123"
    assert apply_rules((NumberRule("1", 9, ""),), "123") == ""


def test_a_gateways_trunk_is_the_last_way_out_and_never_somebody_elses(store: Store) -> None:
    with store.sessions() as session:
        mine = Trunk(id="board", name="Carrier of ours", host="192.0.2.7", port=5062, sources=["192.0.2.0/24"])
        session.add_all([mine, Trunk(id="zoom", name="Zoom", host="192.0.2.8")])
        session.commit()
        assert ensure_gateway_trunk(session, "board", GATEWAY_HOST, 5090) == "board-2"
        assert (mine.host, mine.port, mine.sources) == ("192.0.2.7", 5062, ["192.0.2.0/24"])
        assert [trunk.id for trunk in build_config(session).trunks] == ["board", "zoom", "board-2"]
        assert ensure_gateway_trunk(session, "board", GATEWAY_HOST, 5091) == "board-2"
        assert session.get_one(Trunk, "board-2").port == 5091
        session.add(Trunk(id="sbc", name="SBC", host="192.0.2.9", sources=[GATEWAY_HOST]))
        session.commit()
        with pytest.raises(TrunkTaken, match=r"trunk sbc is at 127\.0\.0\.2"):
            ensure_gateway_trunk(session, "board", GATEWAY_HOST, 5091)


@pytest.mark.parametrize("others", ["none", "a carrier", "a rule"])
def test_calls_of_the_demo_go_out_over_the_line_of_a_gateway_unless_there_is_another_way(
    store: Store, others: str
) -> None:
    with store.sessions() as session:
        session.add(Trunk(id="local", name="This machine", host="127.0.0.1", port=0))
        if others == "a carrier":
            session.add(Trunk(id="carrier", name="Carrier", host="192.0.2.8"))
        elif others == "a rule":
            session.add(OutboundRule(name="Mine", trunks=["local"]))
        session.commit()
        trunk = ensure_gateway_trunk(session, "board", GATEWAY_HOST, 5090)
        assert ensure_demo_plan(session, "board", 2, 0, trunk=trunk)
        rule = outbound_rule(build_config(session), "13800138000", ())
        assert (rule.trunks if rule else ()) == {"none": ("board",), "a carrier": (), "a rule": ("local",)}[others]
        for mine in session.scalars(select(OutboundRule)):
            session.delete(mine)
        session.commit()
        assert not ensure_demo_plan(session, "board", 2, 0, trunk=trunk)
        assert outbound_rule(build_config(session), "13800138000", ()) is None
