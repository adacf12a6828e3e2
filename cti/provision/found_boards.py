"""Which voice boards this machine seems to have: PCI and USB ids, spans of the DAHDI driver, vendors' libraries.

Reads files only, needs no root; ``root`` is another folder in tests. What to do about it is said by the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cti.domain.dahdi import E1_CHANNELS, EMPTY, MOST_PORTS, OUTSIDE, TELEPHONE, Span, SpanKind

MAKERS = {
    "d161": "Digium",
    "1923": "Sangoma",
    "1b74": "OpenVox",
    "e159": "Tiger Jet (TDM400P, A400P, X100P)",
    "1397": "Cologne Chip (HFC)",
}
USB_MAKERS = {"e4e4": "Xorcom Astribank", "06e6": "Tiger Jet (USB)"}
LIBRARIES = {"synway": ("libshpa3.so", "SHP_A3.dll"), "donjin": ("Tc08a32.dll", "TC08A32.DLL")}
LIBRARY_FOLDERS = ("usr/lib", "usr/local/lib", "lib", "usr/lib64", "opt/synway/lib", "usr/local/Synway/lib")
_SPAN = re.compile(r'Span [0-9]+: \S+ "([^"]*)"')
_CHANNEL = re.compile(r"\s+[0-9]+ \S+(?: (FXO|FXS)\w*)?")


@dataclass(frozen=True, slots=True)
class Library:
    vendor: str
    path: str


@dataclass(frozen=True, slots=True)
class FoundBoards:
    """``spans`` as the DAHDI driver has them; ``driver``: it is loaded. ``tools``: its programs are there."""

    cards: tuple[str, ...]
    driver: bool
    tools: bool
    spans: tuple[Span, ...]
    libraries: tuple[Library, ...]

    @property
    def anything(self) -> bool:
        return bool(self.cards or self.driver or self.libraries)


def find_boards(root: Path = Path("/")) -> FoundBoards:
    """Raises nothing: what cannot be read is not there."""
    return FoundBoards(
        cards=tuple(sorted({*_pci(root), *_usb(root)})),
        driver=(root / "dev/dahdi").is_dir() or (root / "proc/dahdi").is_dir(),
        tools=any((root / folder / "dahdi_cfg").exists() for folder in ("usr/sbin", "sbin", "usr/local/sbin")),
        spans=tuple(_spans(root)),
        libraries=tuple(_libraries(root)),
    )


def span_of(text: str) -> Span | None:
    """A file of ``/proc/dahdi`` as a span; None for what is no board of voice lines we know."""
    name = _SPAN.match(text)
    ports = [match[1] for line in text.splitlines()[1:] if (match := _CHANNEL.match(line))]
    if name is None or not ports:
        return None
    shown = "".join(c for c in name[1] if c.isprintable())[:60]
    if len(ports) == E1_CHANNELS:
        return Span(SpanKind.PRI, name=shown)
    if len(ports) > MOST_PORTS:
        return None
    signs = {"FXO": TELEPHONE, "FXS": OUTSIDE}  # a telephone is signalled to as an exchange is, and the other way round
    wanted = "".join(signs.get(port or "", EMPTY) for port in ports)
    return Span(SpanKind.ANALOG, name=shown, ports=wanted if wanted.strip(EMPTY) else OUTSIDE * len(ports))


def _spans(root: Path) -> Iterator[Span]:
    folder = root / "proc/dahdi"
    files = [path for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
    for path in sorted(files, key=lambda path: int(path.name)):
        if span := span_of(_read(path)):
            yield span


def _pci(root: Path) -> Iterator[str]:
    for device in sorted(root.glob("sys/bus/pci/devices/*")):
        vendor, number = (_read(device / name).strip().removeprefix("0x") for name in ("vendor", "device"))
        if vendor in MAKERS and (vendor != "e159" or number == "0001"):
            yield f"{MAKERS[vendor]} (PCI {vendor}:{number})"


def _usb(root: Path) -> Iterator[str]:
    for device in sorted(root.glob("sys/bus/usb/devices/*")):
        vendor, number = (_read(device / name).strip() for name in ("idVendor", "idProduct"))
        if vendor in USB_MAKERS:
            yield f"{USB_MAKERS[vendor]} (USB {vendor}:{number})"


def _libraries(root: Path) -> Iterator[Library]:
    for vendor, names in LIBRARIES.items():
        paths = [root / folder / name for folder in LIBRARY_FOLDERS for name in names]
        if found := next((path for path in paths if path.exists()), None):
            yield Library(vendor, str(found))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")[:20_000]
    except OSError:
        return ""
