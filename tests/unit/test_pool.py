"""The index of free agents and waiting calls gives what the plain choosers say, whatever came before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.domain.config.queues import Strategy
from cti.services.choose import NOBODY, Candidate, Waiting, choose_agent, choose_all, choose_call
from cti.services.pool import FreeAgents, Line

SKILLS = st.dictionaries(st.sampled_from(["en", "vip", "tech"]), st.integers(1, 3), max_size=3)
IDS = st.integers(0, 12)


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    rank = draw(IDS)
    return Candidate(
        f"a{rank}",
        rank,
        draw(st.integers(1, 3)),
        draw(st.sampled_from([0.0, 10.0, 20.0])),
        draw(st.integers(0, 4)),
        draw(st.sampled_from([0.0, 60.0])),
        draw(st.integers(1, 3)),
        draw(st.floats(0, 1)),
        draw(SKILLS),
    )


@st.composite
def calls(draw: st.DrawFn) -> Waiting:
    number = draw(IDS)
    return Waiting(f"c{number}", (draw(st.integers(0, 1)), float(draw(IDS))), draw(SKILLS), draw(st.integers(1, 3)))


@settings(max_examples=40)
@pytest.mark.parametrize("strategy", list(Strategy))
@given(
    steps=st.lists(st.tuples(candidates(), st.booleans()), max_size=30),
    needs=SKILLS,
    level=st.integers(1, 3),
    after=st.integers(NOBODY, 12),
    refused=st.sets(IDS),
)
def test_the_free_agent_is_the_one_that_the_plain_chooser_takes(
    strategy: Strategy,
    steps: list[tuple[Candidate, bool]],
    needs: dict[str, int],
    level: int,
    after: int,
    refused: set[int],
) -> None:
    pool, known = FreeAgents(strategy), dict[str, Candidate]()
    for candidate, comes in steps:
        if comes:
            pool.add(candidate)
            known[candidate.agent_id] = candidate
        else:
            pool.discard(candidate.agent_id)
            known.pop(candidate.agent_id, None)
    no = {f"a{number}" for number in refused}
    free = [c for c in known.values() if c.agent_id not in no]
    chosen = pool.best(needs, level, after, lambda agent_id: agent_id not in no)
    assert chosen == choose_agent(strategy, free, needs, level, after)
    everybody = pool.every(needs, level, lambda agent_id: agent_id not in no)
    assert everybody == choose_all(strategy, free, needs, level)
    assert (chosen is None) is (everybody == [])
    assert len(pool) == len(known)


@given(steps=st.lists(st.tuples(calls(), st.booleans()), max_size=30), skills=SKILLS, level=st.integers(1, 3))
def test_the_waiting_call_is_the_one_that_the_plain_chooser_takes(
    steps: list[tuple[Waiting, bool]], skills: dict[str, int], level: int
) -> None:
    line, known = Line(), dict[str, Waiting]()
    for call, comes in steps:
        if comes:
            line.add(call)
            known[call.call_id] = call
        else:
            assert line.discard(call.call_id) is (known.pop(call.call_id, None) is not None)
    assert line.first(skills, level) == choose_call(known.values(), skills, level)
    ordered = sorted(known.values(), key=lambda w: (w.order, w.call_id))
    assert list(line) == [w.call_id for w in ordered]
    assert [line.position(w.call_id) for w in ordered] == list(range(1, len(ordered) + 1))


def test_each_strategy_does_what_its_name_says() -> None:
    ann = Candidate("ann", 0, idle_since=30.0, calls=5, talk=100.0, weight=5, lot=0.9, skills={"en": 1})
    bob = Candidate("bob", 1, idle_since=20.0, calls=2, talk=200.0, weight=1, lot=0.5, skills={"en": 3})
    cai = Candidate("cai", 2, idle_since=10.0, calls=4, talk=50.0, weight=1, lot=0.1, skills={"en": 2})
    chosen = {s: choose_agent(s, [ann, bob, cai], {"en": 1}, after=0) for s in Strategy}
    assert chosen == {
        Strategy.LONGEST_IDLE: "cai",
        Strategy.FEWEST_CALLS: "bob",
        Strategy.LEAST_TALK: "cai",
        Strategy.RANDOM: "cai",
        Strategy.SEQUENTIAL: "ann",
        Strategy.ROUND_ROBIN: "bob",
        Strategy.WEIGHTED: "ann",
        Strategy.MOST_SKILLED: "bob",
        Strategy.RING_ALL: "cai",
    }
    assert choose_agent(Strategy.ROUND_ROBIN, [ann, bob, cai], after=2) == "ann"
    assert choose_agent(Strategy.LONGEST_IDLE, [ann, bob, cai], {"en": 3}) == "bob"
    assert choose_agent(Strategy.LONGEST_IDLE, [ann, bob, cai], {"de": 1}) is None
