"""Lines of DAHDI boards: what is written for Asterisk and for the driver, and what Asterisk tells of them.

No board is here: the events have the shapes of chan_dahdi 22.10, and ``test_dialplan_asterisk`` has a real one read
the file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cti.domain.dahdi import BadSpan, channels, read_spans
from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import AnswerDevice, DeviceTarget, Originate, TrunkTarget
from cti.domain.switch.events import ChannelOffered, ChannelRinging, DeviceRegistered, LinkUp, TrunkChanged
from cti.domain.switch.terms import TrunkState
from cti.provision.found_boards import find_boards
from cti.settings import Settings
from cti.switches.asterisk import AsteriskSwitch, lines_page
from dialplan import freeswitch_render, render
from dialplan.deploy import boards_anew
from dialplan.escape import UnsafeValue
from tests.fakes.ami import KNOWN_ACTIONS, ActionFields, FakeAmi, frame
from tests.fakes.events import EventLog
from tests.unit.test_asterisk_link import driver

E1 = {"kind": "pri", "trunk": "e1"}
SPANS: list[dict[str, Any]] = [
    {"kind": "analog", "ports": "oot-", "trunk": "pstn"},
    E1,
    {"kind": "r2", "trunk": "e1", "timing": 2, "protocol_file": "/etc/openr2/cn.conf"},
    {"kind": "ss7", "trunk": "ss7", "point_code": 100, "adjacent": 200, "destination": 300},
]
LINES = [{"line": 1, "dialed": "8000"}, {"line": 3, "device": "1001"}, {"line": 7, "blocked": True}]
AGENTS = [{"number": n, "name": n, "sip_secret": "sip-secret", "web_secret": "web-secret"} for n in ("1001", "1002")]
TRUNKS = [{"id": "local", "host": "127.0.0.1"}, {"id": "pstn", "host": "dahdi"}, {"id": "e1", "host": "dahdi"}]


def rows(*spans: dict[str, Any], lines: list[dict[str, Any]] | None = None) -> dict[str, list[dict[str, Any]]]:
    board = {
        "board": "dahdi-asterisk",
        "hunt": "first",
        "spans": list(spans),
        "lines": LINES if lines is None else lines,
    }
    return {"agents": AGENTS, "trunks": TRUNKS, "dahdi": [board] if spans else []}


def rendered(tmp_path: Path, *spans: dict[str, Any], **more: Any) -> dict[str, str]:
    switch = Settings(var=tmp_path, ami_secret="manager-secret").switches()[0]
    files = render.render(switch, rows(*spans, **more))
    render.check(files)
    return files


def blocks(text: str) -> dict[str, dict[str, str]]:
    """By channels: the settings in force there."""
    found: dict[str, dict[str, str]] = {}
    now: dict[str, str] = {}
    for key, _, value in (line.partition(" = ") for line in text.splitlines() if "=" in line and line[0] != ";"):
        if key.startswith("channel =>"):
            found[key.removeprefix("channel => ")] = dict(now)
        else:
            now[f"{key} {value.partition('=')[0]}" if key == "setvar" else key] = value
    return found


def test_channels_are_counted_as_dahdi_does() -> None:
    found = channels(read_spans(SPANS))
    assert [one.number for one in found[:5]] == [1, 2, 3, 5, 6]
    assert [one.telephone for one in found[:4]] == [False, False, True, False]
    assert {20, 51, 82}.isdisjoint(one.number for one in found)
    assert (len(found), found[-1].number) == (3 + 3 * 30, 97)


def test_each_kind_of_signalling_is_written_with_what_its_channels_are_for(tmp_path: Path) -> None:
    files = rendered(tmp_path, *SPANS)
    found = blocks(files["chan_dahdi.conf"])
    said = {at: (one["signalling"], one["description"], one["context"], one["group"]) for at, one in found.items()}
    assert said == {
        "1": ("fxs_ks", "g2 pstn", "callyard-dahdi", "2"),
        "2": ("fxs_ks", "g2 pstn", "callyard-dahdi", "2"),
        "3": ("fxo_ks", "p 1001", "callyard-agent", ""),
        "5-6": ("pri_cpe", "g1 e1", "callyard-dahdi", "1"),
        "7": ("pri_cpe", "b e1", "callyard-dahdi-blocked", ""),
        "8-19,21-35": ("pri_cpe", "g1 e1", "callyard-dahdi", "1"),
        "36-50,52-66": ("mfcr2", "g1 e1", "callyard-dahdi", "1"),
        "67-81": ("ss7", "g3 ss7", "callyard-dahdi", "3"),
        "83-97": ("ss7", "g3 ss7", "callyard-dahdi", "3"),
    }
    assert (found["1"]["setvar CY_DID_FIXED"], found["2"]["setvar CY_DID_FIXED"]) == (
        "CY_DID_FIXED=8000",
        "CY_DID_FIXED=",
    )
    assert (found["1"]["accountcode"], found["3"]["accountcode"]) == ("trunk-pstn", "1001")
    assert (found["67-81"]["cicbeginswith"], found["83-97"]["cicbeginswith"]) == ("1", "17")
    assert files["chan_dahdi.conf"].count("sigchan = 82") == 1
    assert "load = chan_dahdi.so" in files["modules.conf"]
    assert files["dahdi_system.conf"].splitlines() == [
        "fxsks=1-2",
        "fxoks=3",
        "echocanceller=mg2,1-2",
        "echocanceller=mg2,3",
        "span=2,1,0,ccs,hdb3,crc4",
        "bchan=5-19,21-35",
        "dchan=20",
        "echocanceller=mg2,5-19,21-35",
        "span=3,2,0,cas,hdb3,crc4",
        "cas=36-50,52-66:1101",
        "dchan=51",
        "echocanceller=mg2,36-50,52-66",
        "span=4,1,0,ccs,hdb3,crc4",
        "bchan=67-81,83-97",
        "mtp2=82",
        "echocanceller=mg2,67-81,83-97",
        "loadzone=cn",
        "defaultzone=cn",
    ]


def test_lines_are_no_sip_trunks_nor_phones_and_nothing_is_written_without_boards(tmp_path: Path) -> None:
    files = rendered(tmp_path, *SPANS)
    assert "trunk-pstn" not in files["pjsip_trunks.conf"]
    assert "[1001-web]" in files["pjsip_agents.conf"]
    assert "[1001]" not in files["pjsip_agents.conf"]
    assert "[1002]" in files["pjsip_agents.conf"]
    other = Settings(var=tmp_path, switch="freeswitch", esl_password="socket-secret").switches()[0]
    assert "trunk-pstn" not in "".join(freeswitch_render.render(other, rows(*SPANS)).values())
    without = rendered(tmp_path)
    assert not {"chan_dahdi.conf", "dahdi_system.conf"} & without.keys()
    assert "dahdi" not in without["extensions.conf"] + without["modules.conf"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "isdn"},
        {"kind": "pri", "trunk": "e1\nload = app_system.so"},
        {"kind": "pri", "trunk": "x" * 25},
        {"kind": "analog", "ports": "--"},
        {"kind": "analog", "ports": "o" * 33},
        {"kind": "r2", "protocol_file": "/etc/x;y"},
        {"kind": "ss7", "point_code": 16_384},
        {"kind": "ss7", "point_code": True},
        {"kind": "pri", "echo": "rm"},
        {"kind": "pri", "other": 1},
        "pri",
    ],
)
def test_a_span_that_is_not_right_is_refused_by_name(wrong: Any) -> None:
    with pytest.raises(BadSpan, match="span 2"):
        read_spans([E1, wrong])
    with pytest.raises(BadSpan):
        read_spans([E1] * 17)


def test_a_line_plan_that_would_break_out_is_refused(tmp_path: Path) -> None:
    for line in ({"line": 1, "dialed": "8000\n"}, {"line": 3, "device": "1001]"}, {"line": 3, "device": "x" * 25}):
        with pytest.raises(UnsafeValue, match="line"):
            rendered(tmp_path, SPANS[0], lines=[line])


def test_calls_go_on_when_a_plan_changes_and_channels_come_and_go_by_loading(tmp_path: Path) -> None:
    one, planned = rendered(tmp_path, *SPANS), rendered(tmp_path, *SPANS, lines=[])
    fewer, none = rendered(tmp_path, *SPANS[:2]), rendered(tmp_path)
    assert boards_anew(one, one) == boards_anew(none, none) == []
    assert boards_anew(one, planned) == ["module reload chan_dahdi.so"]
    assert boards_anew(one, fewer) == ["module unload chan_dahdi.so", "module load chan_dahdi.so"]
    assert (boards_anew(none, one), boards_anew(one, none)) == (
        ["module load chan_dahdi.so"],
        ["module unload chan_dahdi.so"],
    )


# ---------------------------------------------------------------- what Asterisk tells


def shown(number: int, description: str, signalling: str, alarm: str = "No Alarm", **call: str) -> bytes:
    return frame(
        Event="DAHDIShowChannels",
        DAHDIChannel=str(number),
        **call,
        Signalling=signalling,
        SignallingCode="8192",
        Context="callyard-dahdi",
        DND="Disabled",
        Alarm=alarm,
        Description=description,
    )


class Board:
    """The channels of a fake Asterisk that has chan_dahdi."""

    def __init__(self, ami: FakeAmi) -> None:
        self.channels = [
            shown(1, "g1 pstn", "FXS Kewlstart"),
            shown(2, "g1 pstn", "FXS Kewlstart", "Red Alarm"),
            shown(3, "p 1001", "FXO Kewlstart"),
            shown(4, "b pstn", "FXS Kewlstart"),
            shown(5, "somebody else's", "ISDN PRI"),
        ]
        ami.answers["ListCommands"] = self._answer(list, KNOWN_ACTIONS + "\r\nDAHDIShowChannels: x\r\n")
        ami.answers["DAHDIShowChannels"] = self._answer(lambda: self.channels, "EventList: start\r\n")

    @staticmethod
    def _answer(listed: Callable[[], list[bytes]], extra: str) -> Callable[[ActionFields], bytes]:
        def answer(fields: ActionFields) -> bytes:
            ident = f"ActionID: {fields.get('ActionID', '')}\r\n".encode()
            head = b"Response: Success\r\n" + ident + extra.encode() + b"\r\n"
            if "EventList" not in extra:
                return head
            end = b"Event: DAHDIShowChannelsComplete\r\n" + ident + b"EventList: Complete\r\n\r\n"
            return head + b"".join(one[:-2] + ident + b"\r\n" for one in listed()) + end

        return answer


@pytest.fixture
async def ami() -> AsyncIterator[FakeAmi]:
    async with FakeAmi() as server:
        yield server


@pytest.fixture
def board(ami: FakeAmi) -> Board:
    return Board(ami)


@pytest.fixture
async def log() -> EventLog:
    return EventLog()


@pytest.fixture
async def switch(ami: FakeAmi, board: Board, log: EventLog) -> AsyncIterator[AsteriskSwitch]:
    made = driver(ami.port)
    await made.start(log)
    await log.until(LinkUp)
    yield made
    await made.stop()


async def test_telephones_and_trunks_on_lines_are_in_the_snapshot(switch: AsteriskSwitch) -> None:
    snapshot = await switch.snapshot()
    assert snapshot.devices == {"1001": True}
    assert snapshot.trunks == {"pstn": TrunkState.UP}


async def test_alarms_come_and_go(ami: FakeAmi, switch: AsteriskSwitch, log: EventLog) -> None:
    ami.send(frame(Event="Alarm", Privilege="system,all", DAHDIChannel="3", Alarm="Red Alarm"))
    assert not (await log.until(DeviceRegistered, device="1001")).registered
    ami.send(frame(Event="Alarm", Privilege="system,all", DAHDIChannel="1", Alarm="Yellow Alarm"))
    await log.until(TrunkChanged, trunk="pstn", state=TrunkState.DOWN)
    ami.send(frame(Event="Alarm", DAHDIChannel="99", Alarm="Red Alarm") + frame(Event="AlarmClear", DAHDIChannel="²"))
    ami.send(frame(Event="AlarmClear", Privilege="system,all", DAHDIChannel="1"))
    await log.until(TrunkChanged, trunk="pstn", state=TrunkState.UP)


async def test_alarms_of_spans_are_on_the_page_until_they_are_cleared(ami: FakeAmi, switch: AsteriskSwitch) -> None:
    async def alarms() -> list[dict[str, Any]]:
        """After all that was sent: events and answers come by one connection."""
        return list((await lines_page.answer(switch, {"op": "lines"}))["alarms"])

    assert await alarms() == []
    ami.send(frame(Event="SpanAlarm", Privilege="system,all", Span="2", Alarm="Red Alarm"))
    ami.send(frame(Event="SpanAlarm", Privilege="system,all", Span="1", Alarm="Blue Alarm"))
    ami.send(frame(Event="SpanAlarm", Span="²", Alarm="Red Alarm") + frame(Event="SpanAlarm", Span="9999", Alarm="x"))
    assert await alarms() == [{"span": 1, "alarm": "Blue Alarm"}, {"span": 2, "alarm": "Red Alarm"}]
    ami.send(frame(Event="SpanAlarmClear", Privilege="system,all", Span="2"))
    assert await alarms() == [{"span": 1, "alarm": "Blue Alarm"}]
    ami.send(frame(Event="Unload", Module="chan_dahdi.so", Status="Success"))
    ami.send(frame(Event="Load", Module="chan_dahdi.so", Status="Success"))
    assert await alarms() == []


async def test_dialling_goes_by_line_and_not_where_all_are_out_of_order(
    ami: FakeAmi, board: Board, switch: AsteriskSwitch
) -> None:
    await switch.execute(Originate("c1", TrunkTarget("pstn", "13800138000"), "8000", "", 30.0, "", False))
    await switch.execute(Originate("c2", DeviceTarget("1001"), "13800138000", "", 30.0, "", True))
    await switch.execute(Originate("c3", DeviceTarget("1002"), "13800138000", "", 30.0, "", True))
    dialled = await ami.received("Originate", 3)
    channels = ["DAHDI/g1/13800138000", "DAHDI/3", "PJSIP/1002/sip:1002@127.0.0.1:5062"]
    assert [one["Channel"] for one in dialled] == channels
    ami.send(frame(Event="Newchannel", Channel="DAHDI/3-1", Uniqueid="c2"))
    board.channels[0] = shown(1, "g1 pstn", "FXS Kewlstart", "Red Alarm")
    await switch.show_lines(2.0)
    with pytest.raises(CommandRefused, match="out of order"):
        await switch.execute(Originate("c4", TrunkTarget("pstn", "13800138000"), "8000", "", 30.0, "", False))
    with pytest.raises(CommandRefused, match="by hand"):
        await switch.execute(AnswerDevice("c2"))


async def test_a_call_on_a_line_is_its_trunks_or_its_telephones(
    ami: FakeAmi, switch: AsteriskSwitch, log: EventLog
) -> None:
    call = {
        "Event": "AsyncAGIStart",
        "ChannelState": "4",
        "CallerIDNum": "13800138000",
        "CallerIDName": "",
        "Exten": "8000",
    }
    ami.send(
        frame(
            **call, Channel="DAHDI/i2/13800138000-1", Context="callyard-dahdi", AccountCode="trunk-pstn", Uniqueid="1.1"
        )
    )
    offered = await log.until(ChannelOffered, channel="1.1")
    assert (offered.trunk, offered.device, offered.dialed) == ("pstn", "", "8000")
    ami.send(frame(**call, Channel="DAHDI/3-1", Context="callyard-agent", AccountCode="1001", Uniqueid="1.2"))
    offered = await log.until(ChannelOffered, channel="1.2")
    assert (offered.trunk, offered.device) == ("", "1001")


async def test_the_page_is_told_the_lines_and_rings_a_telephone(
    ami: FakeAmi, board: Board, switch: AsteriskSwitch, log: EventLog
) -> None:
    await switch.execute(Originate("c1", TrunkTarget("pstn", "13800138000"), "8000", "", 30.0, "", False))
    board.channels[0] = shown(
        1, "g1 pstn", "FXS Kewlstart", Channel="DAHDI/1-1", Uniqueid="c1", AccountCode="trunk-pstn"
    )
    ami.send(frame(Event="Newchannel", Channel="DAHDI/1-1", Uniqueid="c1"))
    ami.send(frame(Event="Newstate", ChannelState="5", Uniqueid="c1"))
    await log.until(ChannelRinging, channel="c1")
    lines = (await lines_page.answer(switch, {"op": "lines"}))["lines"]
    assert [(one["line"], one["kind"], one["state"], one["dead"], one["blocked"]) for one in lines] == [
        (1, "trunk", "ringing", False, False),
        (2, "trunk", "idle", True, False),
        (3, "extension", "idle", False, False),
        (4, "trunk", "idle", False, True),
    ]
    await lines_page.answer(switch, {"op": "test", "line": 3})
    assert (await ami.received("Originate", 2))[-1]["Channel"] == "DAHDI/3"
    for line in (1, 4, 99, "3"):
        with pytest.raises(CommandRefused):
            await lines_page.answer(switch, {"op": "test", "line": line})


async def test_lines_appear_when_asterisk_loads_their_driver(ami: FakeAmi, board: Board, log: EventLog) -> None:
    del ami.answers["ListCommands"]
    switch = driver(ami.port)
    await switch.start(log)
    try:
        await log.until(LinkUp)
        assert (await switch.snapshot()).devices == {}
        ami.send(frame(Event="Load", Module="chan_dahdi.so", Status="Success"))
        async with asyncio.timeout(5):
            while not (await switch.snapshot()).devices:
                pass
        ami.send(frame(Event="Unload", Module="chan_dahdi.so", Status="Success"))
        await log.until(DeviceRegistered, device="1001", registered=False)
    finally:
        await switch.stop()


# ---------------------------------------------------------------- what this machine has


SPAN_FILES = {
    "1": 'Span 1: WCTDM/0 "Wildcard TDM410P" (MASTER)\n\n\t   1 WCTDM/0/0 FXSKS (In use)\n\t   2 WCTDM/0/1 FXSKS\n'
    "\t   3 WCTDM/0/2 FXOKS\n\t   4 WCTDM/0/3\n",
    "2": 'Span 2: TE2/0/1 "T2XXP (PCI) Card 0 Span 1" HDB3/CCS/CRC4 RED\n\n'
    + "".join(f"\t  {n} TE2/0/1/{n} Clear (In use)\n" for n in range(5, 36)),
    "10": "nothing of ours\n",
    "x": 'Span 3: X/0 "X"\n\t 1 X/0/0 FXSKS\n',
}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_boards_are_found_by_their_ids_their_driver_and_their_libraries(tmp_path: Path) -> None:
    assert not find_boards(tmp_path).anything
    pci = {"d161:8005": "a", "e159:0002": "b", "8086:1234": "c"}
    ids = {
        f"sys/bus/pci/devices/{at}/{n}": f"0x{v}\n"
        for key, at in pci.items()
        for n, v in zip(("vendor", "device"), key.split(":"), strict=True)
    }
    write(tmp_path, ids | {f"proc/dahdi/{name}": text for name, text in SPAN_FILES.items()})
    write(tmp_path, {"usr/local/lib/libshpa3.so": ""})
    found = find_boards(tmp_path)
    assert found.cards == ("Digium (PCI d161:8005)",)
    assert (found.driver, found.tools) == (True, False)
    assert [(one.kind, one.name, one.ports) for one in found.spans] == [
        ("analog", "Wildcard TDM410P", "oot-"),
        ("pri", "T2XXP (PCI) Card 0 Span 1", ""),
    ]
    assert [one.vendor for one in found.libraries] == ["synway"]
    assert read_spans([one.document() for one in found.spans]) == found.spans
