"""What only a voice board meets: lines that fail, caller-id of both kinds, the hook, hunting, a host that dies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cards.host.board import BoardError
from cards.host.charts import LineState
from cards.host.commands import LONGEST_RING
from cards.host.floor import Floor
from cards.host.library import Library
from cards.sim.build import Face
from cti.domain.errors import LinkDown
from cti.domain.switch.commands import Answer, Bridge, DeviceTarget, Hangup, Originate, Play, TrunkTarget
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelHungUp,
    ChannelOffered,
    ChannelRinging,
    ChannelUnbridged,
    LinkLost,
    LinkUp,
    PlayEnd,
    PlayFinished,
)
from cti.domain.switch.terms import Cause, TrunkState
from tests.conformance.board_rig import TRUNKS, BoardLeg, BoardWorld
from tests.conformance.conftest import board_library
from tests.conformance.world import (
    LONG,
    SHORT,
    TRUNK,
    agent_is_on,
    customer_calls,
    customer_is_served,
    new_channel,
    phone_rings,
    they_talk,
)


@pytest.fixture(params=list(Face), ids=lambda face: face.value)
async def board(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BoardWorld]:
    async with BoardWorld(request.param, board_library(request.param), tmp_path) as world:
        yield world


async def dials_out(board: BoardWorld, script: str) -> str:
    """A call out on whose line the exchange does this."""
    for number in range(TRUNKS):
        board.sim.line(number).when("dialled", script)
    channel = new_channel()
    await board.switch.execute(Originate(channel, TrunkTarget(TRUNK, "13900139000"), "8000", ring_timeout=60.0))
    return channel


async def ends(board: BoardWorld, channel: str, at_most: float = 70.0) -> ChannelHungUp:
    board.clock.hurry(lambda: bool(board.log.all(ChannelHungUp, channel=channel)), at_most)
    return await board.log.until(ChannelHungUp, channel=channel, deadline=20.0)


@pytest.mark.parametrize(
    ("script", "cause"),
    [("busy", Cause.BUSY), ("ring 5; busy", Cause.BUSY), ("dead", Cause.FAILED), ("ring 600", Cause.NO_ANSWER)],
)
async def test_a_call_out_that_fails_says_how(board: BoardWorld, script: str, cause: Cause) -> None:
    channel = await dials_out(board, script)
    assert (await ends(board, channel)).cause is cause
    assert bool(board.log.all(ChannelRinging, channel=channel)) is script.startswith("ring")
    assert not board.log.all(ChannelAnswered, channel=channel)
    board.clock.hurry(lambda: board.floor.lines[0].state is LineState.IDLE)
    await board.clock.until(lambda: board.floor.lines[0].state is LineState.IDLE, "the line may be used again")


async def test_without_dial_tone_nothing_is_dialled(board: BoardWorld) -> None:
    for number in range(TRUNKS):
        board.sim.line(number).do("nodialtone")
    channel = await dials_out(board, "answer")
    assert (await ends(board, channel)).cause is Cause.CONGESTION
    assert board.sim.line(0).dialled == ""


async def test_an_extension_rings_forty_five_seconds_at_most(board: BoardWorld) -> None:
    began = board.sim.now
    channel, _ = await phone_rings(board, ring_timeout=600.0)
    ended = await ends(board, channel)
    assert (ended.cause, ended.by_far_side) == (Cause.NO_ANSWER, False)
    assert LONGEST_RING <= board.sim.now - began < LONGEST_RING + 2


async def test_the_callers_number_is_read_from_dtmf_too_and_offered_without_one(board: BoardWorld) -> None:
    for way, number in (("dtmf", "02161234567"), ("none", "")):
        since = board.log.mark()
        line = next(n for n in range(TRUNKS) if board._free(n))
        board.sim.line(line).do(f"call 02161234567 {way}; answered 600")
        board.clock.hurry(lambda since=since: bool(board.log.all(ChannelOffered, since=since)))
        offered = await board.log.until(ChannelOffered, since=since)
        assert (offered.caller_number, offered.dialed) == (number, "8000")


async def test_free_lines_are_taken_in_turn_and_a_blocked_or_dead_one_never(board: BoardWorld) -> None:
    board.sim.line(1).do("unplug")
    board.clock.hurry(lambda: board.floor.lines[1].dead)
    await board.clock.until(lambda: board.floor.lines[1].dead, "the dead line is seen")
    taken = []
    for _ in range(3):
        channel = await dials_out(board, "ring 600")
        taken.append(board.floor.channels[channel].line.number)
        await board.switch.execute(Hangup(channel))
        await board.log.until(ChannelHungUp, channel=channel)
    assert taken == [0, 2, 3]
    assert (await board.switch.snapshot()).trunks == {TRUNK: TrunkState.UP}


async def test_no_free_line_is_congestion(board: BoardWorld) -> None:
    for _ in range(TRUNKS):
        await dials_out(board, "ring 600")
    channel = await dials_out(board, "ring 600")
    assert (await board.log.until(ChannelHungUp, channel=channel)).cause is Cause.CONGESTION


async def test_an_unplugged_line_ends_its_call_and_leaves_the_agent(board: BoardWorld) -> None:
    (customer, line), (agent, _) = await they_talk(board)
    line.line.do("unplug")
    ended = await ends(board, customer)
    assert ended.cause in (Cause.MEDIA_LOST, Cause.NORMAL)
    await board.log.until(ChannelUnbridged, channel=agent)


async def test_a_telephone_that_is_off_its_hook_is_busy(board: BoardWorld) -> None:
    channel, leg = await agent_is_on(board)
    await board.switch.execute(Hangup(channel))
    again = new_channel()
    await board.switch.execute(Originate(again, DeviceTarget("1001"), "8000"))
    assert (await board.log.until(ChannelHungUp, channel=again)).cause is Cause.BUSY
    await leg.ended()


async def test_who_is_refused_hears_busy_and_the_line_is_free_again(board: BoardWorld) -> None:
    channel, leg = await customer_calls(board)
    await board.switch.execute(Hangup(channel, Cause.BUSY))
    await leg.hears(450.0)
    await leg.ended()
    await customer_calls(board)


async def test_a_host_that_starts_anew_is_noticed_and_its_calls_are_gone(board: BoardWorld) -> None:
    (customer, _), _ = await they_talk(board)
    since = board.log.mark()
    board.floor.boot = "another"
    board.floor.channels.clear()
    await board.log.until(LinkLost, since=since)
    await board.log.until(LinkUp, since=since)
    assert (await board.switch.snapshot()).channels == ()
    await board.switch.execute(Hangup(customer))


async def test_a_host_that_says_nothing_is_lost_within_five_seconds(board: BoardWorld) -> None:
    since = board.log.mark()
    await board._host_bus.stop(0)
    await board.log.until(LinkLost, since=since, deadline=5.0)
    with pytest.raises(LinkDown):
        await board.switch.snapshot()
    await board._host_bus.start()
    await board.log.until(LinkUp, since=since, deadline=8.0)


async def test_a_prompt_that_ended_while_the_link_was_lost_has_failed(board: BoardWorld) -> None:
    ended, _ = await customer_is_served(board)
    goes_on, _ = await customer_is_served(board)
    await board.switch.execute(Play(goes_on, (LONG,), "long"))
    await board.switch.execute(Play(ended, (SHORT,), "short"))
    since = board.log.mark()
    await board.cut_link()
    await board.log.until(LinkLost, since=since)
    await board.clock.until(lambda: board.floor.channels[ended].playing is None, "the prompt has ended")
    await board.restore_link()
    over = await board.log.until(PlayFinished, since=since)
    assert (over.play_id, over.reason) == ("short", PlayEnd.FAILED)
    assert not board.log.all(PlayFinished, play_id="long")


async def test_a_join_that_the_board_refuses_leaves_both_as_they_were(board: BoardWorld) -> None:
    (customer, _), (agent, _) = await customer_is_served(board), await agent_is_on(board)

    def refuse(_: object) -> None:
        raise BoardError("full")

    connect, board.floor.board.connect = board.floor.board.connect, refuse  # type: ignore[method-assign]
    with pytest.raises(Exception, match="full"):
        await board.switch.execute(Bridge(customer, agent))
    board.floor.board.connect = connect  # type: ignore[method-assign]
    assert {(c.controlled, c.peer) for c in (await board.switch.snapshot()).channels} == {(True, "")}
    await board.switch.execute(Bridge(customer, agent))


async def test_a_test_tone_is_heard_at_the_telephone(board: BoardWorld) -> None:
    await board.register("1001")
    line = board.floor.lines[TRUNKS]
    board.floor.begin_test(line)
    leg = await board.rings("1001")
    leg.line.do("lift")
    await leg.hears(1000.0)
    assert board.floor.channels == {}
    board.clock.hurry(lambda: line.state is LineState.BUSY_TONE)
    await leg.ended()


def test_a_library_that_cannot_be_opened_is_told_by_what_is_missing(tmp_path: Path) -> None:
    nothing, text, other = tmp_path / "no.so", tmp_path / "text.so", tmp_path / "other.so"
    text.write_text("no library")
    other.write_bytes(b"\x7fELF\x01" + bytes(100))
    for path, why in ((nothing, "No such file"), (text, "no library of this system"), (other, "32 bits")):
        with pytest.raises(BoardError, match=why):
            Library("A board", [path], "int Begin(void);")
    with pytest.raises(BoardError, match="lacks the function Begin"):
        Library("A board", [board_library(Face.DONJIN)], "int Begin(void);")


async def test_after_a_restart_of_the_library_every_line_is_there_again(board: BoardWorld) -> None:
    await customer_calls(board)
    floor: Floor = board.floor
    floor.close()
    assert [event.cause for event in board.log.all(ChannelHungUp)] in ([], [Cause.FAILED])
    floor.open()
    assert {line.state for line in floor.lines.values()} == {LineState.IDLE}
    leg = BoardLeg(board, 2)
    leg.line.do("call 13800138000 fsk; answered 600")
    board.clock.hurry(lambda: leg.host.channel is not None)
    await board.clock.until(lambda: leg.host.channel is not None, "a call after it")
    assert leg.host.channel is not None
    await board.switch.execute(Answer(leg.host.channel.id))
    await leg.talking()
