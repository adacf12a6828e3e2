"""Calendars and inbound rules: open or closed, and where a call goes, with the reasons."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from cti.domain.calendar import CalendarConfig, DayRange, Hours, OpenBecause, Override, is_open, minutes, next_change
from cti.domain.config.centre import CentreConfig
from cti.domain.config.routes import DidConfig, InboundRule, NumberList, RouteTarget, TargetKind, When
from cti.services.rules import decide, not_to_be_called

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
OFFICE = CalendarConfig(
    "c1",
    "office",
    hours=(Hours((1, 2, 3, 4, 5), "09:00", "18:00"),),
    closed=(DayRange("2026-10-01", "2026-10-07"),),
    worked=(DayRange("2026-10-10", "2026-10-10", like=5),),  # a Saturday worked for a Friday of the holidays
)
SALES, NIGHT, VIP = (RouteTarget(TargetKind.QUEUE, q) for q in ("sales", "night", "vip"))


def at(text: str, zone: ZoneInfo = SHANGHAI) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("moment", "is_it", "because"),
    [
        ("2026-09-30T08:59", False, OpenBecause.OUT_OF_HOURS),
        ("2026-09-30T09:00", True, OpenBecause.HOURS),
        ("2026-09-30T17:59", True, OpenBecause.HOURS),
        ("2026-09-30T18:00", False, OpenBecause.OUT_OF_HOURS),
        ("2026-10-03T10:00", False, OpenBecause.CLOSED_DAY),
        ("2026-10-05T10:00", False, OpenBecause.CLOSED_DAY),
        ("2026-10-10T10:00", True, OpenBecause.HOURS),
        ("2026-10-11T10:00", False, OpenBecause.OUT_OF_HOURS),
    ],
)
def test_hours_holidays_and_days_worked_in_exchange(moment: str, is_it: bool, because: OpenBecause) -> None:
    assert is_open(OFFICE, at(moment), SHANGHAI) == (is_it, because)


def test_a_night_shift_ends_the_next_morning_also_when_that_day_is_closed() -> None:
    night = CalendarConfig(
        "n", "night", hours=(Hours((3,), "22:00", "06:00"),), closed=(DayRange(*["2026-10-01"] * 2),)
    )
    assert is_open(night, at("2026-09-30T23:00"), SHANGHAI)[0]
    assert is_open(night, at("2026-10-01T05:59"), SHANGHAI)[0]
    assert not is_open(night, at("2026-10-01T06:00"), SHANGHAI)[0]
    assert not is_open(night, at("2026-10-01T22:30"), SHANGHAI)[0]


def test_round_the_clock_is_midnight_to_midnight() -> None:
    always = CalendarConfig("a", "always", hours=(Hours((1, 2, 3, 4, 5, 6, 7), "00:00", "24:00"),))
    assert all(is_open(always, at(f"2026-10-03T{hour:02d}:30"), SHANGHAI)[0] for hour in range(24))


def test_the_clocks_change_and_the_hours_stay_those_on_the_wall() -> None:
    sunday = CalendarConfig("s", "sunday", hours=(Hours((7,), "09:00", "12:00"),))
    for day in ("2026-03-29", "2026-10-25"):
        assert not is_open(sunday, at(f"{day}T08:59", BERLIN), BERLIN)[0]
        assert is_open(sunday, at(f"{day}T09:00", BERLIN), BERLIN)[0]


def test_an_override_holds_until_its_end() -> None:
    until = at("2026-09-30T12:00")
    shut = CalendarConfig("o", "office", OFFICE.hours, override=Override(False, until))
    assert is_open(shut, until - 1, SHANGHAI) == (False, OpenBecause.OVERRIDE)
    assert is_open(shut, until, SHANGHAI) == (True, OpenBecause.HOURS)


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-09-30T10:00", "2026-09-30T18:00"),
        ("2026-09-30T18:00", "2026-10-08T09:00"),
        ("2026-10-09T18:00", "2026-10-10T09:00"),
        ("2026-10-10T18:00", "2026-10-12T09:00"),
    ],
)
def test_the_next_change(moment: str, until: str) -> None:
    assert next_change(OFFICE, at(moment), SHANGHAI) == at(until)


def test_the_next_change_after_an_override_and_over_a_change_of_the_clocks() -> None:
    shut = CalendarConfig("o", "office", OFFICE.hours, override=Override(False, at("2026-09-30T12:30")))
    assert next_change(shut, at("2026-09-30T10:00"), SHANGHAI) == at("2026-09-30T12:30")
    sunday = CalendarConfig("s", "sunday", hours=(Hours((7,), "09:00", "12:00"),))
    assert next_change(sunday, at("2026-03-28T09:00", BERLIN), BERLIN) == at("2026-03-29T09:00", BERLIN)
    assert next_change(CalendarConfig("n", "never"), at("2026-03-28T09:00"), SHANGHAI) is None


@pytest.mark.parametrize("text", ["9:00", "09:60", "24:01", "ab:cd", "", "09:00:00", "٠٩:٠٠"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        minutes(text)


CENTRE = CentreConfig(
    dids=(DidConfig("8000", SALES), DidConfig("8001", SALES, trunk="t2")),
    calendars=(OFFICE,),
    inbound=(
        InboundRule("r1", "important", VIP, callers=("139", "138001"), priority=2),
        InboundRule("r2", "night", NIGHT, numbers=("8000",), when=When.CLOSED, calendar="c1", say="closed"),
    ),
)
NOON = at("2026-09-30T12:00")
CLOSED_DOOR = RouteTarget(TargetKind.HANGUP)
KNOWN = NumberList("l1", "regulars", {"+8613700000001": 0.0, "+8613700000002": NOON, "4001": 0.0})
LISTED = CentreConfig(
    dids=CENTRE.dids, lists=(KNOWN,), inbound=(InboundRule("r", "regulars", VIP, callers=("139",), lists=("l1",)),)
)


def test_the_first_rule_that_fits_decides_and_says_why() -> None:
    night = decide(CENTRE, "8000", "13700000000", at("2026-09-30T20:00"), SHANGHAI)
    assert (night.target, night.say, night.priority) == (NIGHT, "closed", 0)
    assert [(s.rule_id, s.took, s.missed, s.because) for s in night.steps] == [
        ("r1", False, "caller", None),
        ("r2", True, "", OpenBecause.OUT_OF_HOURS),
    ]
    important = decide(CENTRE, "8000", "13900000000", at("2026-09-30T20:00"), SHANGHAI)
    assert (important.target, important.priority) == (VIP, 2)
    day = decide(CENTRE, "8000", "13700000000", at("2026-09-30T10:00"), SHANGHAI)
    assert (day.target, day.steps[-1].missed) == (SALES, "closed")


def test_rules_do_not_make_numbers_that_are_not_ours() -> None:
    assert decide(CENTRE, "9999", "13900000000", at("2026-09-30T10:00"), SHANGHAI).target is None
    assert decide(CENTRE, "8001", "13700000000", at("2026-09-30T10:00"), SHANGHAI, "t1").target is None
    assert decide(CENTRE, "8001", "13700000000", at("2026-09-30T10:00"), SHANGHAI, "t2").target == SALES


def test_a_rule_whose_calendar_is_gone_takes_nothing() -> None:
    lost = CentreConfig(dids=CENTRE.dids, inbound=(InboundRule("r", "lost", NIGHT, when=When.CLOSED, calendar="x"),))
    assert decide(lost, "8000", "1", at("2026-09-30T20:00"), SHANGHAI).target == SALES


@pytest.mark.parametrize(
    ("caller", "moment", "target"),
    [
        ("13700000001", NOON, VIP),
        ("+8613700000001", NOON, VIP),
        ("008613700000001", NOON, VIP),
        ("13700000002", NOON - 1, VIP),
        ("13700000002", NOON, SALES),
        ("4001", NOON, VIP),
        ("13700000003", NOON, SALES),
        ("13900000003", NOON, VIP),
        ("+8613900000003", NOON, SALES),
        ("", NOON, SALES),
    ],
)
def test_a_rule_for_callers_of_a_list_or_with_a_prefix(caller: str, moment: float, target: RouteTarget) -> None:
    assert decide(LISTED, "8000", caller, moment, SHANGHAI).target == target


@pytest.mark.parametrize(
    ("caller", "target"), [("13700000001", SALES), ("13900000003", CLOSED_DOOR), ("", CLOSED_DOOR)]
)
def test_a_whitelist_lets_in_who_is_on_it_and_nobody_else(caller: str, target: RouteTarget) -> None:
    door = (InboundRule("r1", "known", SALES, lists=("l1",)), InboundRule("r2", "all others", CLOSED_DOOR))
    assert decide(replace(LISTED, inbound=door), "8000", caller, NOON, SHANGHAI).target == target


def test_a_prefix_with_the_countrys_code_fits_a_number_that_came_without() -> None:
    rule = InboundRule("r", "mobile", VIP, callers=("+86139",))
    assert decide(replace(CENTRE, inbound=(rule,)), "8000", "13900000003", NOON, SHANGHAI).target == VIP


def test_a_rule_whose_list_is_gone_takes_nothing() -> None:
    assert decide(replace(LISTED, lists=()), "8000", "13700000001", NOON, SHANGHAI).target == SALES


def test_only_do_not_call_lists_keep_a_number_from_being_called() -> None:
    assert not_to_be_called(LISTED, "13700000001", NOON) == ""
    listed = replace(LISTED, lists=(replace(KNOWN, do_not_call=True),))
    assert not_to_be_called(listed, "+8613700000001", NOON) == "regulars"
    assert not_to_be_called(listed, "13700000002", NOON) == ""


@pytest.mark.parametrize("config", [CENTRE, LISTED])
def test_the_configuration_comes_back_from_its_document(config: CentreConfig) -> None:
    assert CentreConfig.from_document(json.loads(json.dumps(config.to_document()))) == config
