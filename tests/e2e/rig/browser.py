"""Debian's Chromium, headless, with a tone for a microphone; and the agent's desktop in it as a person drives it."""

from __future__ import annotations

import asyncio
import shutil
import wave
from pathlib import Path
from typing import Any, Self

import numpy as np
from playwright.async_api import Browser, BrowserContext, Page, Playwright, expect

from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.tones import sine
from tests.e2e.rig.visitor import signed_in

CHROMIUM = shutil.which("chromium") or ""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",  # two fifths less work a page
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)

# In every page: when each SIP message arrived over the websocket, and when the pop of each call was first painted.
WATCH = """
(() => {
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  window.cyTimes = { invites: [], pops: {} };
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", (event) => {
        if (typeof event.data === "string" && event.data.startsWith("INVITE")) window.cyTimes.invites.push(now());
      });
    }
  };
  const look = () => {
    const pop = document.querySelector("#pop[data-call-id]");
    if (!pop) return;
    const id = pop.dataset.callId;
    if (!id || id in window.cyTimes.pops) return;
    const name = pop.querySelector("[data-customer-name]");
    if (!name || !name.textContent.trim() || !name.checkVisibility()) return;
    window.cyTimes.pops[id] = 0;
    requestAnimationFrame(() => { window.cyTimes.pops[id] = now(); });
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
})();
"""


def microphone(path: Path, frequency: float) -> Path:
    """A WAV that Chromium repeats as microphone: pulses, because a steady tone is taken for noise and suppressed."""
    tone = np.concatenate([sine(frequency, 0.5, 0.5), np.zeros(1200, np.int16)])
    loud = np.repeat(tone, 6)  # 48 kHz
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(loud.tobytes())
    return path


async def launch(playwright: Playwright, folder: Path, frequency: float = 0.0) -> Browser:
    """A browser whose microphone says ``frequency``."""
    args = list(FLAGS)
    if frequency:
        wav = microphone(folder / f"microphone-{frequency:.0f}.wav", frequency)
        args.append(f"--use-file-for-fake-audio-capture={wav}")
    return await playwright.chromium.launch(executable_path=CHROMIUM, args=args)


class Person:
    """Somebody signed in, in a browser context of their own. ``errors`` are what the page's scripts failed with."""

    def __init__(self, centre: Centre, context: BrowserContext, page: Page, username: str) -> None:
        self.centre, self.context, self.page, self.username = centre, context, page, username
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)

    @classmethod
    async def sign_in(
        cls, centre: Centre, browser: Browser, username: str, locale: str = "zh_CN", *, by_hand: bool = False
    ) -> Self:
        """``by_hand`` at the login page, up to the page it leads to; else the first page is the test's choice."""
        context = await browser.new_context(
            viewport={"width": 1366, "height": 768},
            locale="zh-CN" if locale == "zh_CN" else "en-GB",
            permissions=["microphone", "notifications"],
            base_url=centre.url,
        )
        await context.add_init_script(WATCH)
        page = await context.new_page()
        person = cls(centre, context, page, username)
        centre.set_locale(username, locale)
        if by_hand:
            await person._fill_in_login()
        else:
            kept = await asyncio.to_thread(signed_in, centre, username)
            await context.add_cookies([{"name": c.name, "value": c.value or "", "url": centre.url} for c in kept])
        return person

    async def _fill_in_login(self) -> None:
        await self.page.goto("/login")
        await self.page.fill("input[name=username]", self.username)
        await self.page.fill("input[name=password]", self.centre.logins[self.username])
        await self.page.keyboard.press("Enter")
        await expect(self.page.locator("#cy-menu")).to_be_visible(timeout=10_000)

    async def close(self) -> None:
        await self.context.close()


class Desk(Person):
    """An agent at the desktop page, by keyboard."""

    async def open(self, deadline: float = 15.0) -> Desk:
        """Go to the desktop and wait until the phone is registered and the agent logged in."""
        await self.page.goto("/desktop")
        await self.shows("notReady", "ready", "talking", "hold", "alerting", "workingAfterCall", deadline=deadline)
        number, device = self.centre.device_of(self.username)

        async def there() -> bool:
            agent = await self.centre.agent(number)
            return bool(agent["registered"]) and agent["device"] == device

        await until(f"{self.username} is logged in at {device}", there, deadline)
        return self

    async def choose_phone(self, kind: str) -> None:
        """``web`` or ``sip``, by the menu of the bar, which loads the page anew."""
        await expect(self.page.locator("#cy-phone[data-state]")).to_be_attached()
        await self.page.locator("#cy-phone summary").click()
        async with self.page.expect_navigation():
            await self.page.locator(f"[data-phone-kind={kind}]").click()

    async def press(self, keys: str) -> None:
        await self.page.keyboard.press(keys)

    async def state(self) -> str:
        return await self.page.locator("#cy-bar").get_attribute("data-state") or ""

    async def shows(self, *states: str, deadline: float = 5.0) -> str:
        """Wait until the bar shows one of ``states``."""

        async def check() -> str:
            state = await self.state()
            return state if state in states else ""

        try:
            return await until(f"{self.username}'s bar shows {states}", check, deadline)
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows {await self.state()}; {self.errors[-5:]}") from None

    async def ready(self) -> None:
        await self.press("Alt+r")
        await self.shows("ready")

    async def pop(self, name: str, deadline: float = 5.0) -> str:
        """Wait for the pop of a customer called ``name``; the call's id."""
        shown = self.page.locator("#pop[data-call-id] [data-customer-name]", has_text=name)
        await expect(shown).to_be_visible(timeout=deadline * 1000)
        return await self.page.locator("#pop").get_attribute("data-call-id") or ""

    async def peak(self) -> float | None:
        """The strongest frequency that the page plays now; None in silence."""
        found: float | None = await self.page.evaluate(_PEAK)
        return found

    async def hears(self, frequency: float, deadline: float = 5.0) -> None:
        """What the page plays is mainly this tone, by the browser's own analyser."""

        async def check() -> bool:
            peak = await self.peak()
            return peak is not None and abs(peak - frequency) < 50

        await until(f"{self.username} hears {frequency} Hz", check, deadline)

    async def hears_nothing(self, deadline: float = 5.0) -> None:
        """Nothing is played for the agent, as while the customer waits."""

        async def check() -> bool:
            return await self.peak() is None

        await until(f"{self.username} hears nothing", check, deadline)

    async def hold_the_phone(self) -> None:
        """From the next call on, ``put_down`` can be used."""
        await self.page.evaluate(_HOLD_PHONE)

    async def put_down(self) -> None:
        """The browser's phone itself says BYE; the engine is told by the switch alone."""
        await self.page.evaluate("window.cyHeld.terminate()")

    async def save_order(self, product: str, quantity: int) -> None:
        """Alt+O, product code, quantity, Ctrl+Enter: never the mouse."""
        await self.press("Alt+o")
        text = self.page.locator("#order-form [data-text]").first
        await expect(text).to_be_focused(timeout=5000)
        await self.page.keyboard.type(product, delay=10)
        await expect(self.page.locator("#order-form [role=option]").first).to_be_visible(timeout=5000)
        await self.press("Enter")
        quantities = self.page.locator("#order-form [data-quantity]").first
        if not await quantities.evaluate("e => e === document.activeElement"):
            await self.press("Enter")
        await expect(quantities).to_be_focused(timeout=2000)
        await self.press("Control+a")
        await self.page.keyboard.type(str(quantity))
        await self.press("Control+Enter")
        await expect(self.page.locator("[data-order-form]")).to_have_count(0, timeout=5000)

    async def consult(self, number: str) -> None:
        """F9, number, Enter."""
        await self.press("F9")
        field = self.page.locator("#cy-transfer input[name=target]")
        await expect(field).to_be_focused(timeout=3000)
        await self.page.keyboard.type(number, delay=10)
        await self.press("Enter")

    async def times(self) -> dict[str, Any]:
        return dict(await self.page.evaluate("window.cyTimes"))


# The phone's module is loaded already: this gets the same one, and keeps the session of each call that comes.
_HOLD_PHONE = """async () => {
  const phone = performance.getEntriesByType("resource").find((entry) => entry.name.endsWith("/softphone.js"));
  const { UA } = (await import(new URL("../vendor/jssip.js", phone.name).href)).default;
  const made = UA.prototype.newRTCSession;
  UA.prototype.newRTCSession = function (session, data) {
    window.cyHeld = session;
    return made.call(this, session, data);
  };
}"""

# The strongest frequency of the remote audio, or null in silence. The analyser is made anew for each new stream.
_PEAK = """() => {
  const audio = document.querySelector("#cy-audio");
  const stream = audio && !audio.paused ? audio.srcObject : null;
  if (!stream || !stream.getAudioTracks().length) return null;
  if (window.cyHeard?.stream !== stream) {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 4096;
    context.createMediaStreamSource(stream).connect(analyser);
    window.cyHeard = { stream, context, analyser };
  }
  const { context, analyser } = window.cyHeard;
  const bins = new Uint8Array(analyser.frequencyBinCount);
  analyser.getByteFrequencyData(bins);
  const top = bins.indexOf(Math.max(...bins));
  return bins[top] < 60 ? null : (top * context.sampleRate) / analyser.fftSize;
}"""
