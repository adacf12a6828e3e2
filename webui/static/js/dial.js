// Dialling: the box in the bar, every `[data-dial]` on a page, and the numbers dialled lately.
import { command } from "./agent.js";
import { onAction, toggleMenu } from "./bar.js";
import { boot, text } from "./boot.js";
import { allowed } from "./rules.js";
import { present } from "./agent.js";
import { toast } from "./toast.js";

const KEPT = 15;
const KEY = `callyard-dialled-${boot.user}`;
const form = document.getElementById("cy-dial");
const menu = document.getElementById("cy-history");

function history() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

function remember(number, shown) {
  const list = [{ number, shown }, ...history().filter((entry) => entry.shown !== shown)].slice(0, KEPT);
  localStorage.setItem(KEY, JSON.stringify(list));
}

/** Forget who was called: the user signs out. */
export function forget() {
  localStorage.removeItem(KEY);
}

/** Ask the engine to dial `number` (or its token); `shown` is what people read. */
export async function dial(number, shown = number) {
  if (!allowed(present()).dial) {
    toast(text("dial.busy"), "warning");
    return;
  }
  remember(number, shown);
  await command("dial", { number });
}

function entries() {
  menu.replaceChildren();
  for (const { number, shown } of history()) {
    const item = document.createElement("button");
    item.type = "button";
    item.setAttribute("role", "menuitem");
    item.dataset.dial = number;
    item.textContent = shown;
    menu.append(item);
  }
  if (!menu.childElementCount) menu.append(text("dial.none"));
}

export function start() {
  onAction("history", () => { entries(); toggleMenu(menu); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = form.elements.number.value.trim();
    if (!number) return;
    dial(number).then(() => form.reset(), () => {});
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-dial]");
    if (!link) return;
    event.preventDefault();
    if (menu.contains(link)) toggleMenu(menu, false);
    dial(link.dataset.dial, link.textContent.trim()).catch(() => {});
  });
}
