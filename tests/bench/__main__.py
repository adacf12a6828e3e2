"""Run the benchmarks on the whole product and write ``results.json``: ``python -m tests.bench [name …] [--quick]``."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import agent_gap, load, screen_pop, stage
from tests.bench.machine import facts

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
                results["screen_pop"] = say("screen_pop", await screen_pop.measure(centre, desk))
                await stage.all_off(centre)
            if "agent_gap" in names:
                results["agent_gap"] = await _gap(centre, folder, desk)
            if "load" in names:
                results["load"] = await _load(centre, folder)
    finally:
        await centre.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return results


async def _gap(centre: Any, folder: Path, desk: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"ours": say("agent_gap ours", await agent_gap.ours(centre, folder, desk))}
    found["app_queue"] = say("agent_gap app_queue", await agent_gap.app_queues(centre, folder, retry=5))
    found["app_queue_retry_1"] = say("agent_gap app_queue retry=1", await agent_gap.app_queues(centre, folder, retry=1))
    for name in ("app_queue", "app_queue_retry_1"):
        found[f"{name}_to_ours"] = {
            share: round(found[name][share] / found["ours"][share], 1) for share in ("p50", "p99")
        }
    return found


async def _load(centre: Any, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"ours": say("load ours", await load.ours(centre, folder))}
    found["app_queue"] = say("load app_queue", await load.app_queues(centre, folder))
    ratio = found["ours"]["asterisk_ms_per_call"] / found["app_queue"]["asterisk_ms_per_call"]
    found["asterisk_cpu_ours_to_app_queue"] = round(ratio, 2)
    return found


def say(name: str, numbers: dict[str, Any]) -> dict[str, Any]:
    print(f"{name:<28}", "  ".join(f"{key} {value}" for key, value in numbers.items()), flush=True)
    return numbers


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
