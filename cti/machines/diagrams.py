"""Draws the state tables for docs: ``python -m cti.machines.diagrams > docs/states.md``; a test holds them equal."""

from __future__ import annotations

import sys

from cti.machines import agent, connection
from cti.machines.table import mermaid


def document() -> str:
    return (
        "# State tables\n\nMade from `cti/machines` by `python -m cti.machines.diagrams > docs/states.md`.\n\n"
        f"## Agent\n\n```mermaid\n{mermaid(agent.TABLE)}```\n\n"
        f"## Connection\n\n```mermaid\n{mermaid(connection.TABLE)}```\n"
    )


if __name__ == "__main__":
    sys.stdout.write(document())
