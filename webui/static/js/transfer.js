// The transfer dialog: whom to, asked first or at once; and the keypad for digits during a call.
import { command, liveCall, onAgent } from "./agent.js";
import { get } from "./api.js";
import { onAction } from "./bar.js";
import { text } from "./boot.js";
import { tone } from "./rules.js";

const dialog = document.getElementById("cy-transfer");
const field = dialog.querySelector("input");
const list = document.getElementById("cy-targets");
const keypad = document.getElementById("cy-keypad");
const sent = keypad.querySelector('[data-slot="sent"]');
let targets = [];
let chosen = 0;
let digitsGo = Promise.resolve();

function matching() {
  const wanted = field.value.trim().toLowerCase();
  const order = (target) => (target.kind === "queue" ? 1 : target.state === "ready" ? 0 : target.state === "loggedOff" ? 3 : 2);
  return targets
    .filter(({ number, name }) => !wanted || String(number).startsWith(wanted) || String(name).toLowerCase().includes(wanted))
    .sort((a, b) => order(a) - order(b));
}

function row(target, index) {
  const item = document.createElement("li");
  item.role = "option";
  item.id = `cy-target-${index}`;
  item.setAttribute("aria-selected", String(index === chosen));
  const dot = document.createElement("span");
  dot.className = "cy-dot";
  dot.dataset.tone = tone(target.state);
  const number = document.createElement("b");
  number.textContent = target.number;
  const name = document.createElement("span");
  name.textContent = target.name;
  const state = document.createElement("small");
  state.textContent = target.kind === "queue" ? text("targets.queue") : text(`state.${target.state}`);
  item.append(dot, number, name, state);
  item.addEventListener("click", () => { chosen = index; show(); field.focus(); });
  item.addEventListener("dblclick", () => go("consult"));
  return item;
}

function show() {
  const found = matching();
  chosen = Math.max(0, Math.min(chosen, found.length - 1));
  list.replaceChildren(...found.map(row));
  if (!found.length) list.append(text("targets.none"));
  else field.setAttribute("aria-activedescendant", `cy-target-${chosen}`);
  list.children[chosen]?.scrollIntoView?.({ block: "nearest" });
}

async function open() {
  field.value = "";
  chosen = 0;
  targets = [];
  list.replaceChildren();
  dialog.showModal();
  field.focus();
  targets = (await get("/desktop/targets")).targets;
  show();
}

/** `transfer` sends the customer there at once; `consult` asks first, the customer hears music. */
async function go(way) {
  const number = matching()[chosen]?.number ?? field.value.trim();
  if (!number) return;
  dialog.close();
  await command(way, { number }).catch(() => {});
}

function keys(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    chosen += step;
    show();
  } else if (event.key === "Enter") go(event.shiftKey ? "transfer" : "consult");
  else return;
  event.preventDefault();
}

function send(digit) {
  sent.textContent = /[0-9*#]/.test(sent.textContent.at(-1)) ? sent.textContent + digit : digit;
  digitsGo = digitsGo.then(() => command("digits", { digits: digit })).catch(() => {});
}

function openKeypad() {
  if (keypad.open) return keypad.close();
  sent.textContent = keypad.getAttribute("aria-label");
  keypad.show();
  keypad.querySelector("[data-digit]").focus();
  return undefined;
}

export function start() {
  onAction("transfer", open);
  onAction("keypad", openKeypad);
  field.addEventListener("input", () => { chosen = 0; show(); });
  field.addEventListener("keydown", keys);
  dialog.addEventListener("submit", (event) => event.preventDefault());
  dialog.addEventListener("click", (event) => {
    const way = event.target.closest("[data-way]")?.dataset.way;
    if (way) go(way);
  });
  keypad.addEventListener("click", (event) => {
    const digit = event.target.closest("[data-digit]")?.dataset.digit;
    if (digit) send(digit);
  });
  keypad.addEventListener("keydown", (event) => {
    if (/^[0-9*#]$/.test(event.key)) send(event.key);
    else if (event.key === "Escape") keypad.close();
    else return;
    event.preventDefault();
  });
  onAgent(() => {
    if (liveCall()) return;
    if (dialog.open) dialog.close();
    if (keypad.open) keypad.close();
  });
}
