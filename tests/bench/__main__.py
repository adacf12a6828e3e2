"""Run the benchmarks on the whole product and write ``results.json``: ``python -m tests.bench [name …]``.

What was measured takes its place in the file; the rest of the file stays.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from cti.provision.apt import ProvisionFailed
from cti.provision.freeswitch import require_freeswitch
from cti.settings import Settings, SwitchChoice
from tests.bench import (
    agent_gap,
    boards,
    callcenter,
    customers,
    engine_cost,
    esl_events,
    gateway,
    load,
    media,
    orders,
    people,
    queries,
    screen_pop,
    sim_floor,
    stage,
)
from tests.bench.appqueue import DEFAULT_RETRY
from tests.bench.machine import facts
from tests.bench.quiet import measured
from tests.e2e.rig.centre import Centre

RESULTS = Path(__file__).with_name("results.json")
GAP, POP, TIMES = ("p99", 0.020), ("p95", 0.150), ("times", 2.0)
LATE = ("late_p99_ms", 5.0)
GATEWAYS = ("gateway", "freeswitch_gateway")
CARRIED = (LATE, ("to_sip_p99_ms", 60.0), ("from_sip_p99_ms", 60.0), ("lost_frames", 0))
ASTERISK = ("screen_pop", "agent_gap", "floor_gap", "load")
FREESWITCH = ("freeswitch_gap", "freeswitch_floor_gap", "freeswitch_load")
ALONE = ("esl_events", "engine_cost", "boards", "gateway", "freeswitch_gateway", "sim_floor")
Results = dict[str, Any]
SHOP: dict[str, Callable[[str], Results]] = {
    "customers": customers.measure_on,
    "queries": queries.measure_on,
    "media": media.measure_on,
    "orders": orders.measure_on,
}
NAMES = (*ASTERISK, *FREESWITCH, *ALONE, *SHOP)


async def run(names: Sequence[str]) -> Results:
    """Everything that is asked for, on one product after the other."""
    results: Results = {}
    if wanted := [name for name in names if name in ASTERISK]:
        results |= await _on_asterisk(wanted)
    if wanted := [name for name in names if name in FREESWITCH]:
        results["freeswitch"] = await _on_freeswitch(wanted)
    if "esl_events" in names:
        results["esl_events"] = await one("esl_events", esl_events.measure())
    if "engine_cost" in names:
        results["engine_cost"] = await one("engine_cost", engine_cost.measure())
    if "sim_floor" in names:
        results["sim_floor"] = await one("sim_floor", sim_floor.apart())
    if "boards" in names:
        results["boards"] = await one("boards", boards.measure())
    if "gateway" in names:
        results["gateway"] = await one("gateway", gateway.measure())
    if "freeswitch_gateway" in names:
        results["freeswitch_gateway"] = await one("freeswitch_gateway", gateway.measure("freeswitch"))
    if wanted := [name for name in names if name in SHOP]:
        results |= await _on_a_shop(wanted)
    return results


async def _on_a_shop(names: Sequence[str]) -> Results:
    """On a million customers and three million orders in PostgreSQL, and on fifty thousand customers on SQLite."""
    with people.loaded() as url:
        results = {name: await one(name, asyncio.to_thread(SHOP[name], url)) for name in names}
    with people.small() as url:
        for name in names:
            results[f"{name}_sqlite"] = await one(f"{name}_sqlite", asyncio.to_thread(SHOP[name], url))
    return results


async def _on_asterisk(names: Sequence[str]) -> Results:
    folder = Path(tempfile.mkdtemp(prefix="cyb-"))
    centre = await stage.build(folder / "a")
    results: Results = {"machine": facts(asterisk=centre.switch.rx("core show version").split(" built")[0].strip())}
    try:
        async with stage.pages_open(centre, folder) as desk:
            if "screen_pop" in names:
                results["screen_pop"] = await one("screen_pop", screen_pop.measure(centre, desk))
                await stage.all_off(centre)
            if "agent_gap" in names:
                results["agent_gap"] = await _gap(centre, folder)
            if "floor_gap" in names:
                results["floor_gap"] = await _floor_gap(centre, folder)
            if "load" in names:
                results["load"] = await _load(centre, folder)
    finally:
        await centre.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return results


async def _on_freeswitch(names: Sequence[str]) -> Results:
    """Ours beside mod_callcenter on one FreeSWITCH, where there is one; else why not."""
    folder = Path(tempfile.mkdtemp(prefix="cyb-"))
    try:
        installed = require_freeswitch(Settings(var=folder, switch=SwitchChoice.FREESWITCH).switches()[0])
    except ProvisionFailed as error:
        print(f"NOT RUN on freeswitch: {error}", flush=True)
        return {"not_run": str(error)}
    if not (beside := (installed.module_dir / f"{callcenter.MODULE}.so").exists()):
        print(f"NOT RUN: {callcenter.MODULE}, which this FreeSWITCH does not have", flush=True)
    centre = await stage.build(folder / "a", CALLYARD_SWITCH="freeswitch")
    results: Results = {"machine": facts(freeswitch=centre.switch.rx("version short").strip())}
    try:
        async with stage.pages_open(centre, folder):
            if "freeswitch_gap" in names:
                results["agent_gap"] = await _freeswitch_gap(centre, folder, beside)
            if "freeswitch_floor_gap" in names:
                results["floor_gap"] = await _freeswitch_gap(centre, folder, beside, agent_gap.TEN_QUEUES)
            if "freeswitch_load" in names:
                results["load"] = await _freeswitch_load(centre, folder, beside)
    finally:
        await centre.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return results


async def one(name: str, work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Run one measurement on a machine that is quiet, if it becomes so, and print it."""
    disturbance: dict[str, object] = {}
    async with measured(disturbance):
        numbers = await work
    numbers |= disturbance
    print(f"{name:<28}", "  ".join(f"{key} {value}" for key, value in numbers.items()), flush=True)
    return numbers


async def _gap(centre: Centre, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"ours": await one("agent_gap ours", agent_gap.ours(centre, folder))}
    for name, retry in (("app_queue", DEFAULT_RETRY), ("app_queue_retry_1", 1)):
        found[name] = await one(f"agent_gap {name}", agent_gap.app_queues(centre, folder, retry))
        found[f"{name}_to_ours"] = {
            share: round(found[name][share] / found["ours"][share], 1) for share in ("p50", "p99")
        }
    return found


async def _floor_gap(centre: Centre, folder: Path) -> dict[str, Any]:
    floor = agent_gap.TEN_QUEUES
    ours = await one("floor_gap ours", agent_gap.ours(centre, folder, floor))
    theirs = await one("floor_gap app_queue", agent_gap.app_queues(centre, folder, 1, floor))
    ratio = {share: round(theirs[share] / ours[share], 1) for share in ("p50", "p99")}
    return {"ours": ours, "app_queue_retry_1": theirs, "app_queue_retry_1_to_ours": ratio}


async def _load(centre: Centre, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"ours": await one("load ours", load.ours(centre, folder))}
    found["app_queue"] = await one("load app_queue", load.app_queues(centre, folder))
    ratio = found["ours"]["asterisk_ms_per_call"] / found["app_queue"]["asterisk_ms_per_call"]
    found["asterisk_cpu_ours_to_app_queue"] = round(ratio, 2)
    return found


async def _freeswitch_gap(
    centre: Centre, folder: Path, beside: bool, floor: agent_gap.Floor = agent_gap.ONE_QUEUE
) -> Results:
    name = f"freeswitch {'agent' if floor is agent_gap.ONE_QUEUE else 'floor'}_gap"
    ours = await one(f"{name} ours", agent_gap.ours(centre, folder, floor))
    if not beside:
        return {"ours": ours}
    theirs = await one(f"{name} mod_callcenter", agent_gap.mod_callcenter(centre, folder, floor))
    ratio = {share: round(theirs[share] / ours[share], 1) for share in ("p50", "p99")}
    return {"ours": ours, "mod_callcenter": theirs, "mod_callcenter_to_ours": ratio}


async def _freeswitch_load(centre: Centre, folder: Path, beside: bool) -> Results:
    ours = await one("freeswitch load ours", load.ours(centre, folder))
    if not beside:
        return {"ours": ours}
    theirs = await one("freeswitch load mod_callcenter", load.mod_callcenter(centre, folder))
    ratio = ours["freeswitch_ms_per_call"] / theirs["freeswitch_ms_per_call"]
    return {"ours": ours, "mod_callcenter": theirs, "freeswitch_cpu_ours_to_mod_callcenter": round(ratio, 2)}


def verdict(results: Results) -> bool:
    """Print each target with what was measured; whether all are met."""
    freeswitch = results.get("freeswitch", {})
    met = [
        _at_most("agent_gap", results.get("agent_gap", {}).get("ours"), *GAP),
        _at_most("floor_gap", results.get("floor_gap", {}).get("ours"), *GAP),
        _at_most("screen_pop", results.get("screen_pop"), *POP),
        _at_most("load", results.get("load", {}).get("ours"), "lost", 0),
        _at_most("boards", results.get("boards"), *LATE),
        _at_most("boards", results.get("boards"), "lost_ticks", 0),
        _at_most("boards", results.get("boards"), "false_digits", 0),
        *(_at_most(name, results.get(name), *most) for name in GATEWAYS for most in CARRIED),
        _at_most("sim_floor", results.get("sim_floor", {}).get("floor"), "double_offers", 0),
        _at_most("sim_floor", results.get("sim_floor"), "growth_to_log", 1.0),
        _at_most("sim_floor", results.get("sim_floor"), "outside_erlang_c", 0),
        _at_most("freeswitch agent_gap", freeswitch.get("agent_gap", {}).get("ours"), *GAP),
        _at_most("freeswitch floor_gap", freeswitch.get("floor_gap", {}).get("ours"), *GAP),
        _at_most("freeswitch load", freeswitch.get("load", {}).get("ours"), "lost", 0),
    ]
    for name in ("customers", "customers_sqlite"):
        found = results.get(name, {})
        met.append(_at_most(f"{name} phone", found.get("phone"), "p99", 10))
        met.append(_at_most(f"{name} search", found.get("search", {}).get("all"), "p95", 50))
    for name in ("", "_sqlite"):
        met.append(_at_most(f"orders{name} save", results.get(f"orders{name}", {}).get("save"), "p95", 50))
        met.append(_at_most(f"queries{name}", results.get(f"queries{name}"), "slowest", 1000))
        for report in ("media", "products"):
            of = results.get(f"media{name}", {}).get(report, {})
            met += [_at_most(f"{report}{name} {span}", found, "median", 1000) for span, found in of.items()]
    if (esl := results.get("esl_events")) is not None:
        met.append(_say("esl_events", "times", esl["times"], "≥", TIMES[1], esl["times"] >= TIMES[1]))
    return all(met)


def _at_most(name: str, numbers: Results | None, share: str, limit: float) -> bool:
    if numbers is None or "not_run" in numbers:
        return True
    return _say(name, share, numbers[share], "≤", limit, numbers[share] <= limit)


def _say(name: str, share: str, value: float, sign: str, limit: float, met: bool) -> bool:
    print(f"{name} {share} {value}, target {sign} {limit}: {'met' if met else 'MISSED'}")
    return met


def main() -> int:
    names = [name for name in sys.argv[1:] if name in NAMES] or NAMES
    results = asyncio.run(run(names))
    met = verdict(results)
    before: Results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    freeswitch = before.get("freeswitch", {}) | results.pop("freeswitch", {})
    RESULTS.write_text(
        json.dumps(before | results | {"freeswitch": freeswitch}, indent=2, ensure_ascii=False) + "\n", "utf-8"
    )
    print(f"written: {RESULTS.relative_to(Path.cwd())}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
