"""Draws the state tables for docs: ``python -m cti.machines.diagrams > docs/states.md``; a test holds them equal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from cti.machines import agent, connection, difference, order
from cti.machines.table import mermaid


def document() -> str:
    return (
        "# State tables\n\nMade from `cti/machines` by `python -m cti.machines.diagrams > docs/states.md`.\n\n"
        f"## Agent\n\n```mermaid\n{mermaid(agent.TABLE)}```\n\n"
        f"## Connection\n\n```mermaid\n{mermaid(connection.TABLE)}```\n\n"
        f"## Order\n\n```mermaid\n{mermaid(order.TABLE)}```\n\n{who(order.WHO)}"
        f"\n## Difference with a carrier\n\n```mermaid\n{mermaid(difference.TABLE)}```\n\n{who(difference.WHO)}"
    )


def who(permissions: Mapping[Any, str]) -> str:
    """Which permission each event needs."""
    rows = "".join(f"| {event} | `{permission}` |\n" for event, permission in permissions.items())
    return f"| event | permission |\n|---|---|\n{rows}"


if __name__ == "__main__":
    sys.stdout.write(document())
