"""The state tables, and numbers as they are spoken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.domain.agents import ON_CALL, AgentState
from cti.domain.errors import IllegalTransition
from cti.domain.legs import LegState
from cti.machines import agent, connection
from cti.machines.agent import AgentEvent
from cti.machines.connection import LegEvent
from cti.machines.diagrams import document
from cti.machines.table import mermaid, step
from cti.services.numbers import number_prompts


@given(st.sampled_from(list(AgentState)), st.sampled_from(list(AgentEvent)))
def test_a_pair_that_is_not_in_the_agent_table_is_refused(state: AgentState, event: AgentEvent) -> None:
    if (state, event) in agent.TABLE:
        assert step(agent.TABLE, state, event)[0] in AgentState
    else:
        with pytest.raises(IllegalTransition):
            step(agent.TABLE, state, event)


@pytest.mark.parametrize("state", sorted(ON_CALL))
@pytest.mark.parametrize("wish", [AgentEvent.READY, AgentEvent.NOT_READY, AgentEvent.LOGOUT])
def test_no_wish_of_an_agent_ends_a_call(state: AgentState, wish: AgentEvent) -> None:
    assert step(agent.TABLE, state, wish)[0] is state


def test_every_agent_state_can_be_left_and_every_leg_can_end() -> None:
    for state in AgentState:
        assert any(s is state and target is not state for (s, _), (target, _) in agent.TABLE.items()), state
    for leg_state in set(LegState) - {LegState.NULL, LegState.FAIL}:
        assert (leg_state, LegEvent.CLEAR) in connection.TABLE


def test_the_tables_draw_themselves() -> None:
    assert "ready --> reserved: reserve" in mermaid(agent.TABLE)


@pytest.mark.parametrize(
    ("number", "language", "said"),
    [
        (3, "zh_CN", "3"),
        (12, "zh_CN", "12"),
        (21, "zh_CN", "20 1"),
        (101, "zh_CN", "1 100 0 1"),
        (115, "zh_CN", "1 100 1 10 5"),
        (110, "zh_CN", "1 100 1 10"),
        (1005, "zh_CN", "1 1000 0 5"),
        (2010, "zh_CN", "2 1000 0 1 10"),
        (3120, "zh_CN", "3 1000 1 100 20"),
        (21, "en", "20 1"),
        (115, "en", "1 100 15"),
        (2010, "en", "2 1000 10"),
        (99999, "en", "9 1000 9 100 90 9"),
    ],
)
def test_numbers_are_spoken_properly(number: int, language: str, said: str) -> None:
    assert " ".join(p.removeprefix("n_") for p in number_prompts(number, language)) == said


def test_the_drawn_diagrams_are_those_of_the_tables() -> None:
    assert Path("docs/states.md").read_text(encoding="utf-8") == document()
