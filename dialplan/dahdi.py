"""DAHDI boards as the templates of Asterisk want them: blocks of channels that are alike, with what each is for.

What a channel is for travels to the driver as the channel's description (``Block.description``), so the driver asks the
switch and keeps no copy. Must not know the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cti.domain.dahdi import LONGEST_NAME, Span, SpanChannel, SpanKind, board_name, channels, read_spans
from dialplan import escape

MOST_GROUPS = 63


@dataclass(frozen=True, slots=True)
class Block:
    """Channels of one span that are configured alike. ``device``: the telephone there; ``dialed``: what callers on
    an outside line have dialled, where the line itself does not say. ``group`` 0: nothing is dialled out on it, else
    ``hunt`` says how a free line of it is looked for: ``g`` from the first, ``r`` in turn."""

    span: int
    settings: Span
    telephone: bool
    numbers: tuple[int, ...]
    trunk: str = ""
    device: str = ""
    dialed: str = ""
    group: int = 0
    hunt: str = "r"
    blocked: bool = False

    @property
    def spanned(self) -> str:
        return ranges(self.numbers)

    @property
    def context(self) -> str:
        if self.blocked or (self.telephone and not self.device):
            return "callyard-dahdi-blocked"
        return "callyard-agent" if self.telephone else "callyard-dahdi"

    @property
    def account(self) -> str:
        """By which the driver knows whose a channel is."""
        return self.device if self.telephone else f"trunk-{self.trunk}"

    @property
    def description(self) -> str:
        if self.blocked:
            return f"b {self.device or self.trunk}".strip()
        return f"p {self.device}".strip() if self.telephone else f"{self.hunt}{self.group} {self.trunk}"


@dataclass(frozen=True, slots=True)
class Dahdi:
    """The boards of one switch."""

    spans: tuple[Span, ...] = ()
    blocks: tuple[Block, ...] = ()

    @property
    def trunks(self) -> frozenset[str]:
        return frozenset(span.trunk for span in self.spans)

    @property
    def devices(self) -> frozenset[str]:
        return frozenset(block.device for block in self.blocks if block.device)

    @property
    def protocol_files(self) -> bool:
        """Asterisk warns of one that is empty, so without any it is not named."""
        return any(span.protocol_file for span in self.spans)

    def first(self, span: int) -> int:
        return 1 + sum(one.size for one in self.spans[: span - 1])

    def of_span(self, span: int, telephone: bool = False) -> str:
        """The channels of a span that are telephones, or outside lines."""
        wanted = [one for one in channels(self.spans) if one.span == span and one.telephone is telephone]
        return ranges([one.number for one in wanted])


def dahdi_of(switch: str, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Dahdi:
    """Raises ``BadSpan`` or ``UnsafeValue``."""
    row = next((one for one in rows.get("dahdi", ()) if one["board"] == board_name(switch)), None)
    if row is None:
        return Dahdi()
    spans = read_spans(row["spans"])
    lines = {line["line"]: line for line in row["lines"]}
    groups = {trunk: number for number, trunk in enumerate(sorted({span.trunk for span in spans}), 1)}
    if len(groups) > MOST_GROUPS:
        raise escape.UnsafeValue(f"lines of boards: more than {MOST_GROUPS} trunks")
    hunt = "g" if row.get("hunt") == "first" else "r"
    found = [
        replace(_block(channel, spans[channel.span - 1], lines.get(channel.number, {}), groups), hunt=hunt)
        for channel in channels(spans)
    ]
    return Dahdi(spans, tuple(_joined(found)))


def carried_by_boards(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> frozenset[str]:
    """Trunks that are lines of boards: no switch reaches them by SIP."""
    return frozenset(str(span.get("trunk", "")) for row in rows.get("dahdi", ()) for span in row["spans"])


def ranges(numbers: Sequence[int]) -> str:
    """``1-15,17-31``."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in found)


def _block(channel: SpanChannel, span: Span, line: Mapping[str, Any], groups: Mapping[str, int]) -> Block:
    device = str(line.get("device") or "") if channel.telephone else ""
    dialed = "" if channel.telephone else str(line.get("dialed") or "")
    blocked = bool(line.get("blocked"))
    what = f"line {channel.number}"
    if len(device) > LONGEST_NAME:
        raise escape.UnsafeValue(f"{what}: the telephone's name is longer than {LONGEST_NAME} characters")
    return Block(
        span=channel.span,
        settings=span,
        telephone=channel.telephone,
        numbers=(channel.number,),
        trunk="" if channel.telephone else span.trunk,
        device=escape.token(device, what) if device else "",
        dialed=escape.token(dialed, what) if dialed else "",
        group=0 if channel.telephone or blocked else groups[span.trunk],
        blocked=blocked,
    )


def _joined(blocks: Sequence[Block]) -> list[Block]:
    """Neighbours that differ in their numbers only become one."""
    found: list[Block] = []
    for block in blocks:
        last = found[-1] if found else None
        if last is not None and _alike(last) == _alike(block) and _may_join(last, block):
            found[-1] = replace(last, numbers=(*last.numbers, *block.numbers))
        else:
            found.append(block)
    return found


def _may_join(last: Block, block: Block) -> bool:
    """SS7 counts circuits by channels, so a block ends at the signalling slot."""
    counted = block.settings.kind is SpanKind.SS7
    return not block.device and not (counted and block.numbers[0] != last.numbers[-1] + 1)


def _alike(block: Block) -> tuple[object, ...]:
    return block.span, block.telephone, block.trunk, block.device, block.dialed, block.group, block.blocked
