"""Run the benchmarks on the whole product and write ``results.json``: ``python -m tests.bench [name …] [--quick]``."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from tests.bench import agent_gap, load, screen_pop, stage
from tests.bench.appqueue import DEFAULT_RETRY
from tests.bench.machine import facts
from tests.bench.quiet import measured
from tests.e2e.rig.centre import Centre

RESULTS = Path(__file__).with_name("results.json")
TARGETS = {"agent_gap": ("p99", 0.020), "screen_pop": ("p95", 0.150)}
NAMES = ("agent_gap", "screen_pop", "load")


async def run(names: list[str]) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="cyb-"))
    centre = await stage.build(folder / "a")
    results: dict[str, Any] = {"machine": facts(centre.switch.rx("core show version").split(" built")[0].strip())}
    try:
        async with stage.pages_open(centre, folder) as desk:
            if "screen_pop" in names:
                results["screen_pop"] = await one("screen_pop", screen_pop.measure(centre, desk))
                await stage.all_off(centre)
            if "agent_gap" in names:
                results["agent_gap"] = await _gap(centre, folder)
            if "load" in names:
                results["load"] = await _load(centre, folder)
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


async def _load(centre: Centre, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"ours": await one("load ours", load.ours(centre, folder))}
    found["app_queue"] = await one("load app_queue", load.app_queues(centre, folder))
    ratio = found["ours"]["asterisk_ms_per_call"] / found["app_queue"]["asterisk_ms_per_call"]
    found["asterisk_cpu_ours_to_app_queue"] = round(ratio, 2)
    return found


def verdict(results: dict[str, Any]) -> bool:
    """Print each target with what was measured; whether all are met."""
    met = True
    for name, (share, limit) in TARGETS.items():
        if name in results:
            numbers = results[name].get("ours", results[name])
            ok = numbers[share] <= limit
            met &= ok
            print(f"{name} {share} {numbers[share]} s, target ≤ {limit} s: {'met' if ok else 'MISSED'}")
    if "load" in results:
        lost = results["load"]["ours"]["lost"]
        met &= lost == 0
        print(f"load lost {lost}, target 0: {'met' if lost == 0 else 'MISSED'}")
    return met


def main() -> int:
    names = [name for name in sys.argv[1:] if name in NAMES] or list(NAMES)
    results = asyncio.run(run(names))
    met = verdict(results)
    if set(names) == set(NAMES):
        RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", "utf-8")
        print(f"written: {RESULTS.relative_to(Path.cwd())}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
