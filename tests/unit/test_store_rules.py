"""Calendars, lists and inbound rules of the database as the engine gets them, on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from cti.domain.calendar import CalendarConfig, DayRange, Hours, Override
from cti.domain.config.centre import CentreConfig
from cti.domain.config.routes import InboundRule, NumberList, RouteTarget, TargetKind, When
from cti.domain.config.ways_out import OutboundRule, TrunkOrder
from cti.store import models
from cti.store.config import build_config
from tests.stores import Store

UNTIL = datetime(2026, 11, 22, 12, 0, 0, 500_000, tzinfo=UTC)
NIGHT = RouteTarget(TargetKind.QUEUE, "q1")


def published(store: Store, *rows: Any) -> CentreConfig:
    """The configuration after a way through JSON, as the engine reads it."""
    with store.sessions() as session:
        session.add(models.Queue(id="q1", number="2001", name="Night"))
        for row in rows:
            session.add(row)
            session.flush()
        session.commit()
    with store.sessions() as session:
        return CentreConfig.from_document(json.loads(json.dumps(build_config(session).to_document())))


def test_a_calendar_with_everything(store: Store) -> None:
    office = models.Calendar(
        id="c1",
        name="Büro 办公",
        hours=[{"days": [1, 2], "begin": "09:00", "end": "18:00"}],
        closed=[{"first": "2026-10-01", "last": "2026-10-07", "name": "国庆节"}],
        worked=[{"first": "2026-10-10", "last": "2026-10-10", "name": "", "like": 5}],
        override_open=False,
        override_until=UNTIL,
    )
    assert published(store, office).calendars == (
        CalendarConfig(
            "c1",
            "Büro 办公",
            hours=(Hours((1, 2), "09:00", "18:00"),),
            closed=(DayRange("2026-10-01", "2026-10-07"),),
            worked=(DayRange("2026-10-10", "2026-10-10", like=5),),
            override=Override(False, UNTIL.timestamp()),
        ),
    )


def test_what_is_no_hour_and_no_day_is_left_out(store: Store) -> None:
    broken = models.Calendar(
        id="c1",
        name="x",
        hours=[{"days": [1], "begin": "9", "end": "18:00"}, {}, "x"],
        closed=[{"first": 1}],
        worked=[],
    )
    assert published(store, broken).calendars == (CalendarConfig("c1", "x"),)


def test_rules_in_order_without_those_not_in_use_and_to_nowhere_as_a_hang_up(store: Store) -> None:
    closed = {"when": When.CLOSED, "calendar_id": "c1", "say": "closed"}

    def rule(name: str, order: int, **values: Any) -> models.InboundRule:
        known = {"target_kind": TargetKind.QUEUE, "target_id": "q1"}
        return models.InboundRule(id=name, name=name, order=order, **{**known, **values})

    config = published(
        store,
        rule("last", 3, target_id="gone"),
        rule("off", 1, active=False),
        rule("all", 2, numbers=["8000"], callers=["139"], lists=["l1"], **closed),
        rule("first", 0, priority=3),
    )
    assert config.inbound == (
        InboundRule("first", "first", NIGHT, priority=3),
        InboundRule("all", "all", NIGHT, ("8000",), ("139",), When.CLOSED, "c1", "closed", lists=("l1",)),
        InboundRule("last", "last", RouteTarget(TargetKind.HANGUP)),
    )


def test_outbound_rules_in_order_without_those_not_in_use(store: Store) -> None:
    full = {"prefixes": ["0"], "queues": ["q1"], "trunks": ["t2", "t1"], "caller_number": "8000"}
    config = published(
        store,
        models.OutboundRule(id="any", name="any", order=2),
        models.OutboundRule(id="off", name="off", order=0, active=False),
        models.OutboundRule(id="all", name="all", order=1, trunk_order=TrunkOrder.RANDOM, **full),
    )
    assert config.outbound == (
        OutboundRule("all", "all", ("t2", "t1"), ("0",), ("q1",), TrunkOrder.RANDOM, "8000"),
        OutboundRule("any", "any"),
    )


def test_lists_with_and_without_an_end(store: Store) -> None:
    config = published(
        store,
        models.NumberList(id="l1", name="VIP"),
        models.ListedNumber(list_id="l1", number="+8613700000001", note="x"),
        models.ListedNumber(list_id="l1", number="+8613700000002", until=UNTIL),
        models.NumberList(id="l2", name="Leave alone", do_not_call=True),
    )
    assert config.lists == (
        NumberList("l1", "VIP", {"+8613700000001": 0.0, "+8613700000002": UNTIL.timestamp()}),
        NumberList("l2", "Leave alone", {}, True),
    )
