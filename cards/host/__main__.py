"""The host of a board on a machine that has nothing else of the product: ``python -m cards.host --help``.

The token of the bus is taken from CALLYARD_NATS_TOKEN, not from the command line, which others can read.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from cards.host.process import run_host
from cti.bus.nats import NatsBus
from cti.domain.errors import CallyardError
from cti.switch_settings import SwitchKind, SwitchSettings


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cards.host", description="Runs the voice boards of one library.")
    parser.add_argument("--name", default="board", help="as the centre calls it (default: board)")
    parser.add_argument("--vendor", choices=("donjin", "synway"), required=True)
    parser.add_argument("--library", default="", help="its files, with ; between them; default: a simulated board")
    parser.add_argument("--config", default="", help="the vendor's configuration (ShConfig.ini)")
    parser.add_argument("--nats", default="nats://127.0.0.1:4222", help="the address of the centre's bus")
    parser.add_argument("--prompts", type=Path, required=True, help="the folder of prompts")
    parser.add_argument("--spool", type=Path, required=True, help="where recordings are written; the worker reads it")
    parser.add_argument("--home", type=Path, default=Path("board"), help="a folder of its own")
    given = parser.parse_args()
    switch = SwitchSettings(
        name=given.name,
        kind=SwitchKind.BOARD,
        own=False,
        home=given.home,
        dist_dir=given.home,
        prompts_dir=given.prompts,
        spool_dir=given.spool,
        spool_here=given.spool,
        program=given.library,
        vendor=given.vendor,
        config=given.config,
    )
    bus = NatsBus(given.nats, os.environ.get("CALLYARD_NATS_TOKEN", ""), name=given.name)
    try:
        asyncio.run(run_host(switch, bus))
    except CallyardError as error:
        print(f"{given.name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
