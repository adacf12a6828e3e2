// Keyboard shortcuts: function keys and Alt+letter, which work inside input fields and which Chrome leaves free.
import { press } from "./bar.js";
import { liveCall, present } from "./agent.js";

const ACTIONS = {
  F2: "answer", F4: "hangup", F8: "hold", F9: "transfer",
  "Alt+KeyC": "complete", "Alt+KeyQ": "take_back", "Alt+KeyK": "keypad", "Alt+KeyU": "mute",
  "Alt+KeyR": "ready", "Alt+KeyB": "busy", "Alt+KeyW": "away", "Alt+KeyN": "wrapup_done", "Alt+KeyM": "wrapup_extend",
  "Alt+KeyJ": "history",
};

const PLACES = {
  "Alt+KeyL": () => document.querySelector("#cy-dial input")?.focus(),
  "Alt+KeyO": () => document.querySelector("[data-order-new]")?.click(),
  "Alt+KeyS": () => document.querySelector("#note-panel :is(select, textarea, input:not([type=hidden]))")?.focus(),
  "Alt+Slash": () => showShortcuts(),
};

function nameOf(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return "";
  return event.altKey ? `Alt+${event.code}` : event.code;
}

const typing = (element) => element?.closest?.("input, textarea, select, [contenteditable]");

export function showShortcuts() {
  const dialog = document.getElementById("cy-shortcuts");
  if (dialog && !dialog.open) dialog.showModal();
}

function down(event) {
  if (event.key === "Enter" && event.ctrlKey && present()?.state === "alerting" && liveCall()) {
    if (press("answer")) event.preventDefault();
    return;
  }
  if (event.key === "?" && !typing(event.target)) {
    showShortcuts();
    return;
  }
  const name = nameOf(event);
  if (ACTIONS[name]) press(ACTIONS[name]);
  else if (PLACES[name]) PLACES[name]();
  else return;
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
