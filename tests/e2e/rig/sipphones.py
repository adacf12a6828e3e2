"""sipp as registered phones and as callers: the usual arrangements, one function each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.rig import scenarios
from tests.e2e.rig.sipp import Sipp
from tests.e2e.rig.switch import Switch
from tests.ports import free_port


def set_registration(folder: Path, server: str, accounts: Sequence[tuple[str, str]], port: int, expires: int) -> None:
    """Register (or with ``expires`` 0 unregister) ``(number, secret)`` accounts at ``port``; each answered with 200."""
    rows = [(number, f"[authentication username={number} password={secret}]") for number, secret in accounts]
    args = ("-m", str(len(rows)), "-l", "10", "-r", "100")
    with Sipp(folder, "register", scenarios.register(expires), server, args, rows=rows, port=port) as register:
        if register.wait(20) != 0:
            raise AssertionError(f"registration of {[a for a, _ in accounts]} failed: {register.errors()}")


def registered_phones(
    folder: Path,
    switch: Switch,
    accounts: Sequence[tuple[str, str]],
    *,
    tone: Path | None = None,
    ring_ms: int = 0,
    talk_ms: tuple[int, int] | None = None,
) -> Sipp:
    """One sipp that is the phone of all ``accounts``: registered and reachable when this returns.

    The port changes hands from the sipp that registers to the one that answers; the switch may ask (OPTIONS) just
    between and find nobody: ``phones_at`` sees to it that it asks again.
    """
    port = free_port()
    set_registration(folder, switch.sip, accounts, port, 7200)
    scenario = scenarios.phone(tone=tone, ring_ms=ring_ms, talk_ms=talk_ms)
    phones = Sipp(folder, "phones", scenario, switch.sip, port=port)
    numbers, found = [number for number, _ in accounts], 0
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if (found := switch.phones_at(port, numbers)) == len(numbers):
            return phones
        time.sleep(0.1)
    phones.stop()
    raise AssertionError(f"of {len(numbers)} phones only {found} are reachable within 10 s")


def callers(
    folder: Path,
    server: str,
    dialled: str | Sequence[str],
    numbers: Sequence[str],
    *,
    rate: float = 20,
    tone: Path | None = None,
    pcap: Path | None = None,
    talk_ms: int | None = None,
    name: str = "Demo Caller",
    together: int | None = None,
    trace: bool = True,
) -> Sipp:
    """One sipp that calls once from each of ``numbers`` and stays until BYE or for ``talk_ms``; of several ``dialled``
    each in turn."""
    each = [dialled] if isinstance(dialled, str) else dialled
    rows = [("-", each[n % len(each)], number, name) for n, number in enumerate(numbers)]
    args = ["-m", str(len(rows)), "-l", str(together or len(rows)), "-r", str(max(int(rate), 1))]
    scenario = scenarios.caller(tone=tone, pcap=pcap, talk_ms=talk_ms)
    return Sipp(folder, "callers", scenario, server, args, rows=rows, trace=trace)
