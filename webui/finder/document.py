"""A query as a tree of plain values, out of JSON or a form. Must not know fields, tables or pages.

A leaf is a field, an operator and up to two values as text. A group joins its items: ``all``, ``any``; ``orders`` holds
for who has at least ``least`` orders that fulfil all of its items, ``no_orders`` for who has none; so do ``tickets``
and ``no_tickets``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

THINGS = ("orders", "tickets")
"""What a customer has several of."""
GROUPS = ("all", "any", *THINGS, *(f"no_{thing}" for thing in THINGS))
LEAF = "leaf"
DEEPEST = 5
MOST = 60
LONGEST = 100
PATH = re.compile(rf"0(-[0-9]{{1,2}}){{0,{DEEPEST}}}")


@dataclass
class Node:
    kind: str = LEAF
    items: list[Node] = field(default_factory=list)
    name: str = ""
    operator: str = ""
    value: str = ""
    second: str = ""
    least: int = 1

    @property
    def is_group(self) -> bool:
        return self.kind in GROUPS

    @property
    def things(self) -> str:
        """Of which of ``THINGS`` the items of this group speak; empty for another kind."""
        thing = self.kind.removeprefix("no_")
        return thing if thing in THINGS else ""

    def json(self) -> dict[str, Any]:
        if self.is_group:
            return {"kind": self.kind, "least": self.least, "items": [item.json() for item in self.items]}
        return {"field": self.name, "operator": self.operator, "value": self.value, "second": self.second}


def from_json(document: Any, depth: int = 0, count: list[int] | None = None) -> Node:
    """What cannot be is left out: a stored document may be of another version."""
    count = count if count is not None else [0]
    count[0] += 1
    if not isinstance(document, Mapping):
        return Node("all")
    if document.get("kind") in GROUPS:
        items = document.get("items")
        rows = items if isinstance(items, list) and depth < DEEPEST else []
        nodes = [from_json(item, depth + 1, count) for item in rows if isinstance(item, Mapping) and count[0] < MOST]
        return Node(str(document["kind"]), nodes, least=_least(document.get("least")))
    texts = {key: str(document.get(key, ""))[:LONGEST] for key in ("field", "operator", "value", "second")}
    return Node(LEAF, [], texts["field"], texts["operator"], texts["value"], texts["second"])


def from_form(form: Mapping[str, str]) -> Node:
    """Fields are ``k:<path>`` for the kind, ``f:`` ``o:`` ``v:`` ``w:`` of a leaf, ``n:`` the least; root is ``0``."""
    paths = sorted(
        {key[2:] for key in form if key.startswith("k:") and PATH.fullmatch(key[2:])},
        key=lambda path: [int(part) for part in path.split("-")],
    )
    nodes: dict[str, Node] = {}
    for path in paths[:MOST]:
        node = _node(form, path)
        parent = nodes.get(path.rpartition("-")[0])
        if parent is not None and parent.is_group:
            parent.items.append(node)
        elif path != "0":
            continue
        nodes[path] = node
    return nodes.get("0") or Node("all", [Node()])


def _node(form: Mapping[str, str], path: str) -> Node:
    def text(letter: str) -> str:
        return "".join(c for c in form.get(f"{letter}:{path}", "") if c.isprintable()).strip()[:LONGEST]

    kind = text("k")
    if kind in GROUPS:
        return Node(kind, least=_least(text("n")))
    return Node(LEAF, [], text("f"), text("o"), text("v"), text("w"))


def _least(value: Any) -> int:
    text = str(value)
    return min(9999, max(1, int(text))) if text.isascii() and text.isdecimal() and len(text) < 6 else 1


def find(root: Node, path: str) -> Node | None:
    """The node at ``path``, whose numbers are places among the items that there are."""
    if not PATH.fullmatch(path):
        return None
    node = root
    for part in path.split("-")[1:]:
        if int(part) >= len(node.items):
            return None
        node = node.items[int(part)]
    return node


def act(root: Node, what: str, path: str) -> str:
    """Add a ``leaf``, ``group`` or one of ``THINGS`` below the node at ``path``, or ``drop`` it; the path to focus."""
    node = find(root, path)
    if node is None:
        return ""
    if what == "drop":
        parent = find(root, path.rpartition("-")[0])
        if parent is not None and path != "0":
            del parent.items[int(path.rpartition("-")[2])]
        return ""
    groups = {"group": "any"} | {thing: thing for thing in THINGS}
    fresh = Node() if what == "leaf" else Node(groups[what], [Node()]) if what in groups else None
    if fresh is None or not node.is_group or size(root) >= MOST or path.count("-") + 1 >= DEEPEST:
        return ""
    node.items.append(fresh)
    return f"{path}-{len(node.items) - 1}" + ("-0" if fresh.is_group else "")


def size(node: Node) -> int:
    return 1 + sum(size(item) for item in node.items)
