// Keyboard shortcuts. The map itself is the server's (desktop/keys.py), which also writes the help and the buttons' hints.
import { press } from "./bar.js";
import { liveCall, present } from "./agent.js";
import { read } from "./boot.js";

const CODES = { "/": "Slash" };
const codeOf = (key) => CODES[key] ?? (/^[A-Z]$/.test(key) ? `Key${key}` : key);
const nameOf = (keys) => keys.replace(/[^+]+$/, codeOf);
const map = new Map(read("cy-keys").flatMap(({ keys, action }) => keys.map((key) => [key === "?" ? key : nameOf(key), action])));

// What is no button of the bar.
const places = new Map([
  ["number", () => document.querySelector("#cy-dial input")?.focus()],
  ["order", () => document.querySelector("[data-order-new]")?.click()],
  ["note", () => document.querySelector("#note-panel :is(select, textarea, input:not([type=hidden]))")?.focus()],
  ["shortcuts", showShortcuts],
]);

/** Give the keys of `action` their work, where it is no button of the bar. */
export function onKeys(action, work) {
  places.set(action, work);
}

const typing = (element) => element?.closest?.("input, textarea, select, [contenteditable]");

function pressed(event) {
  if (event.key === "?" && !event.ctrlKey && !event.altKey && !event.metaKey) return typing(event.target) ? "" : "?";
  if (event.metaKey || event.shiftKey || (event.ctrlKey && event.altKey)) return "";
  const ringing = present()?.state === "alerting" && liveCall();
  if (event.ctrlKey) return ringing ? `Ctrl+${event.code}` : "";
  return event.altKey ? `Alt+${event.code}` : event.code;
}

export function showShortcuts() {
  const dialog = document.getElementById("cy-shortcuts");
  if (dialog && !dialog.open) dialog.showModal();
}

function down(event) {
  const action = map.get(pressed(event));
  if (!action) return;
  const place = places.get(action);
  const done = place ? place() : press(action);
  if (event.ctrlKey && !done) return;
  event.preventDefault();
  event.stopPropagation();
}

export function start() {
  document.addEventListener("keydown", down, { capture: true });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-shortcuts]")) showShortcuts();
    event.target.closest("[data-close]")?.closest("dialog")?.close();
  });
}
