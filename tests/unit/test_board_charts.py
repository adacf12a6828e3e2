"""The state charts of the board design, the dial plan, and who hears whom: pure tables and functions."""

from __future__ import annotations

import random

import pytest

from cards.host import extension, trunk_in, trunk_out, trunk_pri
from cards.host.charts import Chart, Do, LineState
from cards.host.charts import LineEvent as E
from cards.host.plan import BadPlan, Hunt, choose, read_plan
from cards.host.topology import OneWay, Pair, Room, sorted_out


def walk(chart: Chart, *events: E) -> tuple[LineState, list[Do]]:
    state, done = LineState.IDLE, []
    for event in events:
        state, effects = chart[state, event]
        done += effects
    return state, done


CHARTS = [trunk_in.TABLE, trunk_out.TABLE, extension.TABLE, trunk_pri.INBOUND, trunk_pri.OUTBOUND]


@pytest.mark.parametrize("chart", CHARTS)
def test_every_state_can_be_left_again_until_the_line_is_idle(chart: Chart) -> None:
    steps: dict[LineState, set[LineState]] = {}
    for (state, _), (target, _) in chart.items():
        steps.setdefault(state, set()).add(target)
    for start in {target for target, _ in chart.values()}:
        seen, front = {start}, {start}
        while front:
            front = {t for s in front for t in steps.get(s, set())} - seen
            seen |= front
        assert LineState.IDLE in seen, start


def test_a_caller_is_offered_when_the_number_is_read_or_at_the_second_ring() -> None:
    assert walk(trunk_in.TABLE, E.RING, E.NUMBER)[1] == [Do.CLEAR_NUMBER, Do.OFFER]
    assert walk(trunk_in.TABLE, E.RING, E.RING)[1] == [Do.CLEAR_NUMBER, Do.OFFER]
    assert walk(trunk_in.TABLE, E.NUMBER, E.RING)[1] == [Do.OFFER]  # DTMF, before the first ring
    assert walk(trunk_in.TABLE, E.RING, E.RING_ENDED) == (LineState.IDLE, [Do.CLEAR_NUMBER])


def test_an_inbound_call_from_ring_to_idle() -> None:
    state, done = walk(trunk_in.TABLE, E.RING, E.NUMBER, E.ANSWER, E.PLAY, E.PLAY_ENDED, E.JOIN, E.FAR_GONE, E.TIME)
    assert state is LineState.IDLE
    assert done[2:] == [Do.PICK_UP, Do.TELL_ANSWERED, Do.END_GONE, Do.ON_HOOK]


def test_who_is_refused_hears_busy_before_the_line_is_let_go() -> None:
    state, done = walk(trunk_in.TABLE, E.RING, E.NUMBER, E.HANG_UP, E.TIME)
    assert state is LineState.RELEASING
    assert done[2:] == [Do.PICK_UP, Do.BUSY_TONE, Do.END_ASKED, Do.TONE_OFF, Do.ON_HOOK]


@pytest.mark.parametrize(
    ("event", "end"),
    [
        (E.NO_DIAL_TONE, Do.END_NO_DIAL_TONE),
        (E.BUSY, Do.END_BUSY),
        (E.NO_ANSWER, Do.END_FAR_NO_ANSWER),
        (E.NO_SIGNAL, Do.END_NO_SIGNAL),
        (E.GIVE_UP, Do.END_NO_ANSWER),
        (E.HANG_UP, Do.END_ASKED),
    ],
)
def test_each_way_a_dialled_call_can_fail(event: E, end: Do) -> None:
    state, done = walk(trunk_out.TABLE, E.SEIZE, event)
    assert (state, done[2:]) == (LineState.RELEASING, [end, Do.ON_HOOK])


def test_the_flash_key_holds_and_retrieves() -> None:
    state, done = walk(extension.TABLE, E.CALL, E.LIFTED, E.JOIN, E.FLASH, E.FLASH)
    assert state is LineState.CONNECTED
    assert done[-2:] == [Do.TELL_HELD, Do.TELL_RETRIEVED]


def test_a_phone_whose_call_is_over_hears_busy_until_it_is_replaced() -> None:
    assert walk(extension.TABLE, E.CALL, E.LIFTED, E.HANG_UP)[0] is LineState.BUSY_TONE
    assert walk(extension.TABLE, E.CALL, E.LIFTED, E.HANG_UP, E.REPLACED)[0] is LineState.IDLE


def test_the_plan_is_read_and_what_is_none_is_named() -> None:
    plan = read_plan({"lines": [{"line": 0, "trunk": "t1", "dialed": "8000"}, {"line": 3, "device": "1001"}]})
    assert plan.trunks() == {"t1"}
    assert plan.of_device("1001") == [3]
    for lines in ([{"line": -1}], [{"line": 1}, {"line": 1}], [{"line": 1, "device": "a b"}], ["x"], "x"):
        with pytest.raises(BadPlan):
            read_plan({"lines": lines})


def test_a_free_line_is_looked_for_as_the_plan_says() -> None:
    chance = random.Random(1)
    assert choose(Hunt.FIRST, [0, 1, 2], 1, chance) == 0
    assert [choose(Hunt.ROUND, [0, 1, 2], last, chance) for last in (-1, 0, 2)] == [0, 1, 0]
    assert {choose(Hunt.RANDOM, [0, 1, 2], 0, chance) for _ in range(50)} == {0, 1, 2}
    assert choose(Hunt.ROUND, [], 0, chance) is None


def test_hearing_is_sorted_into_pairs_rooms_and_the_rest() -> None:
    def hear(**lines: set[int]) -> dict[int, frozenset[int]]:
        return {int(name[1:]): frozenset(heard) for name, heard in lines.items()}

    found = sorted_out(hear(l1={2}, l2={1}, l3={4}))
    assert (found.pairs, found.one_way) == ({Pair(1, 2)}, {OneWay(4, 3)})
    assert sorted_out(hear(l1={2, 3}, l2={1, 3}, l3={1, 2})).rooms == (Room(frozenset({1, 2, 3})),)
    listening = sorted_out(hear(l1={2}, l2={1}, l3={1, 2}))
    assert listening.rooms == (Room(frozenset({1, 2}), frozenset({3})),)
    whisper = sorted_out(hear(l1={2}, l2={1, 3}, l3={1, 2}))
    assert whisper.mixed == {OneWay(2, 1), OneWay(1, 2), OneWay(3, 2), OneWay(1, 3), OneWay(2, 3)}
