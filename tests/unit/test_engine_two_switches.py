"""Two switches as one call centre, on two simulators: agents on one, callers on the other; one of them goes away."""

from __future__ import annotations

import pytest

from cti.domain.switch.commands import Originate, RecordStart
from cti.domain.switch.events import LinkLost, LinkUp
from cti.domain.switch.terms import Cause
from cti.services import endings, reconcile
from cti.switches.sim import SimSwitch
from tests.floor import Floor
from tests.unit.conftest import OpenFloor


@pytest.fixture
async def centre(open_floor: OpenFloor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """Agents a1 and a2 on the first switch, a3 on the other one, all on duty, nobody ready."""
    monkeypatch.setattr(reconcile, "NEWS_GRACE", 0.0)
    monkeypatch.setattr(endings, "REJOIN_GRACE", 0.1)
    floor = await open_floor(switches=2)
    floor.move("a3")
    await floor.until(lambda: floor.runner.engine.centre.device_home("1003") == "other", "a3 at the other switch")
    return floor


def dialled(sim: SimSwitch) -> list[Originate]:
    return [c for c in sim.commands if isinstance(c, Originate)]


async def look(floor: Floor, *switches: str) -> None:
    for switch in switches:
        await floor.runner._reconcile(switch, until_done=False)


# ---------------------------------------------------------------- one centre


@pytest.mark.parametrize("came_in", ["sim", "other"])
async def test_a_caller_of_either_switch_reaches_the_agent_of_either(centre: Floor, came_in: str) -> None:
    at = centre.sim if came_in == "sim" else centre.other
    for agent_id, local in (("a1", came_in == "sim"), ("a3", came_in == "other")):
        await centre.on_duty(agent_id)
        caller = await centre.talking_to(agent_id, at=at)
        assert centre.talks_with(caller, agent_id)
        home = centre.runner.engine.centre.device_home(centre.agent(agent_id).number)
        assert dialled(at)[-1].target.switch == ("" if local else home)
        call_id = centre.call(caller).call_id
        at.hangup_by_caller(caller)
        await centre.until_agent(agent_id, "ready")
        ledger = await centre.ledger(call_id)
        assert (ledger["switch"], ledger["state"], ledger["ended_by"]) == (came_in, "ended", "customer")
        assert [leg["via"] for leg in ledger["legs"]] == ["", "" if local else home]
        await centre.do(agent_id, "logout")
    assert not centre.sim.relayed
    assert not centre.other.relayed
    assert centre.illegal() == {}


async def test_a_switch_apart_rings_its_own_telephones_only(centre: Floor) -> None:
    """As a voice board does, which has no line to the others."""
    centre.runner.engine.centre.apart = frozenset({"other"})
    await centre.on_duty("a1")
    there = await centre.call_in(at=centre.other)
    here = await centre.call_in()
    await centre.rings("a1")
    assert centre.agent("a1").call_id == centre.call(here).call_id
    centre.phone("a1").answer()
    await centre.talks("a1")
    await centre.on_duty("a3")
    await centre.rings("a3")
    assert centre.agent("a3").call_id == centre.call(there).call_id
    centre.other.hangup_by_caller(there)
    await centre.until_agent("a3", "ready")
    refused = await centre.ask("a1", "transfer", number="1003")
    assert (refused["ok"], "cannot ring" in str(refused)) == (False, True)
    assert centre.talks_with(here, "a1")
    assert centre.illegal() == {}


async def test_one_call_one_recording_with_a_consult_transfer_across(centre: Floor) -> None:
    await centre.on_duty("a1")
    caller = await centre.talking_to("a1")
    await centre.on_duty("a3")
    await centre.do("a1", "consult", number="1003")
    await centre.rings("a3")
    centre.phone("a3").answer()
    await centre.talks("a3")
    assert centre.hears_music(caller)
    await centre.do("a1", "complete")
    await centre.until(lambda: centre.talks_with(caller, "a3"), "transferred across")
    await centre.until_agent("a1", "ready")
    call = centre.call(caller)
    assert [t.result for t in call.transfers] == ["completed"]
    assert call.switch == "sim"
    assert not [c for c in centre.other.commands if isinstance(c, RecordStart)]
    centre.phone("a3").hangup()
    await centre.until_agent("a3", "ready")
    assert len(centre.runner.engine.centre.calls) == 0
    ledger = await centre.ledger(call.call_id)
    assert [r["agent_id"] for r in ledger["recordings"]][-1] == "a3"


async def test_a_colleague_on_the_other_switch_is_dialled_and_the_call_starts_at_home(centre: Floor) -> None:
    await centre.on_duty("a1", "a3")
    await centre.do("a3", "dial", number="1001")
    await centre.rings("a1")
    assert [c.target.switch for c in dialled(centre.other)] == ["", "sim"]
    centre.phone("a1").answer()
    await centre.talks("a1")
    centre.phone("a1").hangup()
    await centre.until_agent("a3", "ready")


@pytest.mark.parametrize(
    ("cause", "reason"), [(Cause.BUSY, "rejected"), (Cause.REJECTED, "rejected"), (Cause.NO_ANSWER, "no_answer")]
)
async def test_a_refusal_across_counts_as_at_home(centre: Floor, cause: Cause, reason: str) -> None:
    await centre.on_duty("a3")
    centre.phone("a3").will_end(cause)
    caller = await centre.call_in()
    await centre.until_agent("a3", "notReady")
    assert centre.agent("a3").reason == reason
    assert centre.waiting() == ["13800000001"]
    assert centre.hears_music(caller)


async def test_hold_pressed_on_the_far_phone_is_seen(centre: Floor) -> None:
    await centre.on_duty("a3")
    await centre.talking_to("a3")
    centre.phone("a3").hold()
    await centre.until_agent("a3", "hold")
    centre.phone("a3").hold(held=False)
    await centre.talks("a3")


async def test_the_carrier_may_tell_of_hold_itself(centre: Floor) -> None:
    await centre.on_duty("a3")
    caller = await centre.talking_to("a3")
    channel = centre.call(caller).legs[1].channel
    for held, state in ((True, "hold"), (False, "talking")):
        carried = centre.other.relayed[channel]
        centre.other.far_hold(carried, held)
        await centre.until_agent("a3", state)


async def test_nobody_else_tells_of_a_channel(centre: Floor) -> None:
    await centre.on_duty("a1")
    caller = await centre.talking_to("a1")
    forged = centre.other.incoming("8001", "13800000009", channel=caller)
    await centre.other.settle()
    centre.other.hangup_by_caller(forged)
    await centre.other.settle()
    assert centre.talks_with(caller, "a1")
    assert centre.agent("a1").state == "talking"


async def test_the_page_makes_the_far_phone_pick_up(centre: Floor) -> None:
    await centre.on_duty("a3")
    caller = await centre.call_in()
    await centre.rings("a3")
    await centre.do("a3", "answer")
    await centre.until(lambda: centre.talks_with(caller, "a3"), "joined")


async def test_a_phone_on_both_is_rung_where_the_call_is(centre: Floor) -> None:
    centre.sim.phone("1003").register()
    await centre.on_duty("a3")
    await centre.call_in(at=centre.other)
    await centre.rings("a3")
    assert dialled(centre.other)[-1].target.switch == ""


async def test_the_latest_registration_counts(centre: Floor) -> None:
    centre.sim.phone("1003").register()
    await centre.sim.settle()
    known = centre.runner.engine.centre
    assert known.device_home("1003") == "sim"
    assert known.device_home("1003", "other") == "other"


async def test_a_phone_that_has_moved_is_not_rung_where_it_was(centre: Floor) -> None:
    """It went away without a word: its registration there has not expired yet."""
    centre.sim.phone("1003").register()
    await centre.sim.settle()
    known = centre.runner.engine.centre
    known.switches["other"].registered_at["1003"] -= 2.0
    assert known.device_home("1003", "other") == "sim"


async def test_a_test_call_through_the_switch_that_was_named(centre: Floor) -> None:
    request = {"op": "test_call", "dialed": "8001", "caller_number": "13900000000", "switch": "other"}
    assert (await centre.bus.request("cy.cmd.centre", request))["ok"]
    await centre.until(lambda: [c.switch for c in centre.runner.engine.centre.calls.values()] == ["other"], "there")
    assert not (await centre.bus.request("cy.cmd.centre", {**request, "switch": "third"}))["ok"]


# ---------------------------------------------------------------- one goes away


async def test_a_lost_switch_keeps_its_calls_and_its_agents_are_not_offered(centre: Floor) -> None:
    await centre.on_duty("a3")
    there = await centre.talking_to("a3", at=centre.other)
    await centre.on_duty("a1")
    centre.move("a2")
    await centre.until(lambda: centre.runner.engine.centre.device_home("1002") == "other", "a2 moved")
    await centre.on_duty("a2")
    call = centre.call(there)
    centre.other.cut_link()
    await centre.until(lambda: call.switch_lost_at, "marked")
    assert centre.agent("a3").state == "talking"
    assert (await centre.ledger(call.call_id))["switch_lost_at"] is not None
    floor = await centre.bus.request("cy.cmd.centre", {"op": "floor"})
    shown = {a["agent_id"]: a for a in floor["agents"]}
    assert shown["a3"]["call"]["switch_lost"]
    assert (shown["a2"]["registered"], shown["a2"]["switch"]) == (False, "")
    await centre.do("a1", "not_ready", reason="break")
    await centre.call_in(number="13800000005")
    await centre.until(lambda: centre.waiting() == ["13800000005"], "waits")
    assert centre.agent("a2").state == "ready"
    assert not dialled(centre.sim)
    centre.other.restore_link()
    await centre.rings("a2")
    assert call.switch_lost_at is None
    assert centre.talks_with(there, "a3")
    assert (await centre.ledger(call.call_id))["switch_lost_at"] is None


async def test_a_phone_that_moves_from_a_lost_switch_is_offered_at_once(centre: Floor) -> None:
    await centre.on_duty("a3")
    centre.other.cut_link()
    await centre.until(lambda: not centre.runner.engine.centre.switches["other"].up, "down")
    await centre.call_in()
    await centre.until(lambda: centre.waiting() == ["13800000001"], "waits")
    assert not dialled(centre.sim)
    centre.sim.phone("1003").register()
    await centre.rings("a3")
    assert dialled(centre.sim)[-1].target.switch == ""


async def test_the_carrier_dies_and_the_customer_goes_first_in_line(centre: Floor) -> None:
    await centre.on_duty("a3")
    caller = await centre.talking_to("a3", "13800000001")
    await centre.on_duty("a1")
    busy = await centre.talking_to("a1", "13800000002")
    await centre.call_in(number="13800000003")
    await centre.until(lambda: centre.waiting() == ["13800000003"], "one waits")
    centre.other.crash()
    await centre.until(lambda: not centre.runner.engine.centre.switches["other"].up, "down")
    assert centre.agent("a3").state == "talking"
    centre.other.restore_link()
    await centre.until(lambda: centre.hears_music(caller), "music until the agent is back")
    await centre.until(lambda: centre.waiting() == ["13800000001", "13800000003"], "first in line")
    assert centre.agent("a3").notice == "device_lost"
    centre.sim.hangup_by_caller(busy)
    await centre.rings("a1")
    centre.phone("a1").answer()
    await centre.until(lambda: centre.talks_with(caller, "a1"), "served first")
    assert centre.illegal() == {}


async def test_the_carrier_dies_while_the_far_phone_rings(centre: Floor) -> None:
    await centre.on_duty("a3")
    await centre.call_in()
    await centre.rings("a3")
    centre.other.crash()
    centre.other.restore_link()
    await centre.until(lambda: centre.waiting() == ["13800000001"], "still in line")
    await centre.until_agent("a3", "notReady")
    assert centre.agent("a3").reason == "device_lost"


async def test_the_home_of_the_call_dies_and_the_agent_elsewhere_is_free(centre: Floor) -> None:
    """The phone's own switch says that the call is over long before the other one is back."""
    await centre.on_duty("a1")
    caller = await centre.talking_to("a1", at=centre.other)
    call = centre.call(caller)
    centre.other.crash()
    await centre.until(lambda: call.switch_lost_at, "lost")
    await look(centre, "sim")
    assert centre.agent("a1").state == "talking"  # the phone has not noticed yet
    centre.sim.end_relayed(call.legs[1].channel)
    await look(centre, "sim")
    await centre.until_agent("a1", "ready")
    here = await centre.talking_to("a1", "13800000002")
    centre.other.restore_link()
    await centre.until(lambda: caller not in centre.runner.engine.centre.channels, "over")
    assert (await centre.ledger(call.call_id))["state"] == "ended"
    assert centre.talks_with(here, "a1")


async def test_the_home_of_the_call_comes_back_empty_and_the_far_phone_is_hung_up(centre: Floor) -> None:
    await centre.on_duty("a1")
    await centre.talking_to("a1", at=centre.other)
    centre.other.crash()
    assert centre.sim.relayed
    centre.other.restore_link()
    await centre.until_agent("a1", "ready")
    await centre.until(lambda: not centre.sim.relayed, "the phone is out of the dead call")
    assert not centre.phone("a1").channels


async def test_an_agent_hangs_up_a_call_whose_switch_is_lost(centre: Floor) -> None:
    await centre.on_duty("a1")
    caller = await centre.talking_to("a1", at=centre.other)
    centre.other.cut_link()
    await centre.until(lambda: not centre.runner.engine.centre.switches["other"].up, "down")
    await centre.do("a1", "hangup")
    await centre.until_agent("a1", "ready")
    await centre.until(lambda: not centre.phone("a1").channels, "the phone is free")
    centre.other.restore_link()
    await centre.until(lambda: caller not in centre.other.channels, "hung up when the switch is back")


async def test_a_restarted_engine_knows_both_halves(centre: Floor) -> None:
    await centre.on_duty("a1", "a3")
    first = await centre.talking_to("a1", "13800000001", at=centre.other)
    second = await centre.talking_to("a3", "13800000002", at=centre.sim)
    await centre.told()
    await centre.kill_engine()
    await centre.restart_engine()
    assert centre.agent("a1").state == centre.agent("a3").state == "talking"
    await look(centre, "sim", "other", "sim", "other")
    assert centre.talks_with(first, "a1")
    assert centre.talks_with(second, "a3")
    assert [leg.via for leg in centre.call(first).legs] == ["", "sim"]


async def test_an_engine_that_starts_waits_for_both_before_it_frees_an_agent(
    centre: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await centre.on_duty("a1")
    await centre.talking_to("a1", at=centre.other)
    await centre.told()
    await centre.kill_engine()
    waiting = centre.sim.incoming("8001", "13800000009")
    connect = centre.other.restore_link
    monkeypatch.setattr(centre.other, "restore_link", lambda: None)
    await centre.restart_engine(wait=False)
    await centre.until(lambda: waiting in centre.runner.engine.centre.channels, "the caller is known")
    assert centre.agent("a1").state == "talking"
    connect()
    await centre.reconciled()
    assert centre.agent("a1").state == "talking"


async def test_a_relayed_leg_nobody_knows_is_ended(centre: Floor) -> None:
    await centre.on_duty("a3")
    caller = await centre.talking_to("a3")
    channel = centre.call(caller).legs[1].channel
    carried = centre.other.relayed[channel]
    centre.sim.crash()
    assert channel in centre.other.relayed
    await centre.kill_engine()
    await centre.restart_engine()
    await look(centre, "sim", "other")
    await centre.until(lambda: not centre.other.relayed, "freed")
    assert carried.far is None


async def test_a_switch_is_lost_since_it_was_lost_not_since_the_last_attempt(centre: Floor) -> None:
    engine, now = centre.runner.engine, centre.runner.engine.centre.now
    engine.on_event(now + 1.0, "other", LinkLost(now + 1.0, "cut"))
    engine.on_event(now + 6.0, "other", LinkLost(now + 6.0, "refused"))
    assert engine.centre.switches["other"].since == now + 1.0
    engine.on_event(now + 9.0, "other", LinkUp(now + 9.0))
    assert engine.centre.switches["other"].since == now + 9.0
