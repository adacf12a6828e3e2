"""An agent who puts down the phone is free when the switch has heard it, not when it has ended the leg."""

from __future__ import annotations

from cti.domain.switch.events import ChannelLeaving
from cti.domain.switch.terms import Cause
from tests.floor import Floor
from tests.unit.conftest import OpenFloor


def puts_down(floor: Floor, agent_id: str) -> str:
    """What a switch says of it at once; the channel, whose end is still to come."""
    channel = str(floor.phone(agent_id).channel.id)
    floor.sim.emit(ChannelLeaving(floor.sim.clock(), channel))
    return channel


async def test_the_next_call_rings_before_the_last_ones_leg_has_ended(open_floor: OpenFloor) -> None:
    floor = await open_floor(agents=1, wrapup=0.0)
    await floor.on_duty("a1")
    first = await floor.talking_to("a1")
    call, phone = floor.call(first), floor.phone("a1")
    leg = phone.channel
    second = await floor.call_in(number="13800000002")
    puts_down(floor, "a1")
    await floor.rings("a1")
    assert floor.call_of("a1") is floor.call(second)
    assert call.alive
    floor.sim.end(leg, Cause.NORMAL, True)
    await floor.until(lambda: not call.alive, "the first call over")
    document = await floor.ledger(call.call_id)
    assert (document["ended_by"], document["cause"]) == ("agent", "normal")
    assert floor.agent("a1").state == "alerting"
    phone.answer()
    await floor.talks("a1")
    assert floor.talks_with(second, "a1")
    assert not floor.illegal()


async def test_wrap_up_begins_at_once_and_once(open_floor: OpenFloor) -> None:
    floor = await open_floor(agents=1, wrapup=30.0)
    await floor.on_duty("a1")
    call = floor.call(await floor.talking_to("a1"))
    leg = floor.phone("a1").channel
    for _ in range(2):
        puts_down(floor, "a1")
    await floor.until_agent("a1", "workingAfterCall")
    floor.sim.end(leg, Cause.NORMAL, True)
    await floor.until(lambda: not call.alive, "the call over")
    assert floor.agent("a1").state == "workingAfterCall"
    states = [stretch["state"] for stretch in await floor.stretches("a1")]
    assert states.count("talking") == 1
    assert not floor.illegal()


async def test_a_phone_that_is_busy_because_it_was_rung_too_soon_is_not_the_agents_doing(open_floor: OpenFloor) -> None:
    """And it is not rung so soon again."""
    floor = await open_floor(agents=1, wrapup=0.0)
    await floor.on_duty("a1")
    first = floor.call(await floor.talking_to("a1"))
    phone, leg = floor.phone("a1"), floor.phone("a1").channel
    second = await floor.call_in(number="13800000002")
    puts_down(floor, "a1")
    await floor.rings("a1")
    floor.sim.end(leg, Cause.NORMAL, True)
    phone.busy()
    await floor.until(lambda: phone.ringing and phone.channel is not leg, "rung again")
    assert floor.agent("a1").state in ("reserved", "alerting")
    phone.answer()
    await floor.talks("a1")
    assert floor.talks_with(second, "a1")
    assert not first.alive
    puts_down(floor, "a1")
    await floor.sim.settle()
    assert floor.agent("a1").state == "talking"


async def test_a_customer_who_leaves_and_an_agent_on_hold_are_as_always(open_floor: OpenFloor) -> None:
    floor = await open_floor(agents=2, wrapup=0.0)
    await floor.on_duty("a1")
    customer = await floor.talking_to("a1")
    floor.sim.emit(ChannelLeaving(floor.sim.clock(), customer))
    floor.sim.emit(ChannelLeaving(floor.sim.clock(), "nobody"))
    await floor.sim.settle()
    assert floor.agent("a1").state == "talking"
    await floor.do("a1", "hold")
    leg = floor.phone("a1").channel
    puts_down(floor, "a1")
    await floor.until_agent("a1", "ready")
    floor.sim.end(leg, Cause.NORMAL, True)
    await floor.until(lambda: customer not in floor.sim.channels, "the customer let go")
    assert not floor.illegal()
