"""What codes of the store and the engine are called in the user's language. Must not know any page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import partial
from typing import Any

from flask import Flask
from jinja2 import pass_context
from jinja2.runtime import Context
from wtforms.fields.choices import SelectChoice

from webui.common.words import audit, calls, customers, lists, orders, people, routing, shop, trunks

LABELS: dict[str, dict[str, Any]] = {
    **calls.LABELS,
    **routing.LABELS,
    **trunks.LABELS,
    **customers.LABELS,
    **orders.LABELS,
    **shop.LABELS,
    **lists.LABELS,
    **people.LABELS,
    "audit": audit.AUDIT | orders.AUDIT,
}

Offer = Callable[[str], list[tuple[str, str]]]
Word = Callable[[str, str], str]
PROVIDED: dict[str, tuple[Offer, Word]] = {}
"""Kinds that administrators edit: what is offered, and what a code is called."""


def provide(kind: str, offer: Offer, word: Word) -> None:
    PROVIDED[kind] = (offer, word)


def label(code: StrEnum | str | None, kind: str) -> str:
    """The words for ``code``; a code without words (a newer engine's) shows as it is."""
    if code is None or code == "":
        return ""
    value = code.value if isinstance(code, StrEnum) else code
    if kind in PROVIDED:
        return PROVIDED[kind][1](kind, value) or value
    return str(LABELS[kind].get(value, value))


def pairs(kind: str) -> list[tuple[str, Any]]:
    """The codes of a kind that may be chosen, with their words, for a template."""
    return list(PROVIDED[kind][0](kind)) if kind in PROVIDED else list(LABELS[kind].items())


def options(found: Iterable[tuple[str, Any]]) -> list[SelectChoice]:
    """Pairs of value and words as a select field takes them."""
    return [SelectChoice(value, text) for value, text in found]


def choices(kind: str) -> Callable[[], list[SelectChoice]]:
    """The codes of a kind with their words, for a select field: looked up for each form."""
    return partial(_choices, kind)


def _choices(kind: str) -> list[SelectChoice]:
    return options(pairs(kind))


@pass_context
def label_in_page(_context: Context, code: StrEnum | str | None, kind: str) -> str:
    """``label`` for templates. With the context, so that a page keeps no words of who saw it first."""
    return label(code, kind)


def install(app: Flask) -> None:
    app.jinja_env.filters["label"] = label_in_page
    app.jinja_env.globals["label_choices"] = pairs
