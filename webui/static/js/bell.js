// The bell: how much is due and what it is; a task noted by a key, from a call with its customer. Nothing opens by itself.
import { boot } from "./boot.js";
import { htmx } from "./libs.js";

const bell = document.getElementById("cy-bell");
const list = document.getElementById("cy-bell-list");
const dialog = document.getElementById("cy-task");
const slot = (name) => bell.querySelector(`[data-slot="${name}"]`);
let count = 0;
let asked = 0;

function refresh() {
  clearTimeout(asked);
  asked = setTimeout(() => htmx.ajax("GET", "/own/bell", { source: list, target: list, swap: "innerHTML" }).catch(() => {}), 50);
}

function show() {
  const found = list.firstElementChild?.dataset;
  if (!found) return;
  const now = Number(found.count);
  slot("count").textContent = String(now);
  slot("count").hidden = now === 0;
  slot("born").hidden = found.born === "0";
  bell.dataset.count = String(now);
  if (now > count) slot("say").textContent = found.say;
  count = now;
}

/** The dialog for a new task; from a call it names the customer, so that Enter is enough. */
export function newTask({ number = "", customer = "", call = "", who = "" } = {}) {
  if (dialog.open) return;
  const { elements } = dialog.querySelector("form");
  elements.number.value = number;
  elements.customer_id.value = customer;
  elements.call_id.value = call;
  elements.text.value = who ? dialog.dataset.callBack.replace("{who}", who) : "";
  dialog.showModal();
  elements.text.focus();
  elements.text.select();
}

function fromButton({ dataset }) {
  newTask({ number: dataset.number, customer: dataset.customer, call: dataset.call, who: dataset.who });
}

async function fromCall() {
  const { present } = await import("./agent.js");
  const call = present()?.call;
  if (!call) {
    newTask();
    return;
  }
  const pop = document.querySelector(`#pop[data-customer-id][data-call-id="${CSS.escape(call.call_id)}"]`);
  const who = pop?.querySelector("[data-customer-name]")?.textContent.trim() || call.shown;
  newTask({ number: call.number, customer: pop?.dataset.customerId, call: call.call_id, who });
}

function clicked({ target }) {
  const button = target.closest("[data-task-new]");
  if (button) {
    bell.open = false;
    fromButton(button);
  } else if (target.closest("[data-close]") && dialog.contains(target)) dialog.close();
  else if (!bell.contains(target)) bell.open = false;
}

async function keys() {
  const { onKeys } = await import("./keys.js");
  onKeys("task", fromCall);
  onKeys("bell", () => { bell.open = !bell.open; if (bell.open) bell.querySelector("summary").focus(); });
}

export async function start() {
  if (boot.agent) await keys();
  document.addEventListener("cy:reminder", refresh);
  document.addEventListener("cy:whole", refresh);
  document.addEventListener("cy:ticket", ({ detail }) => { if (detail.urgent) refresh(); });
  bell.addEventListener("toggle", () => { if (bell.open) refresh(); });
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target === list) show();
  });
  document.addEventListener("cy:noted", () => dialog.close());
  document.addEventListener("click", clicked);
  dialog.addEventListener("input", ({ target }) => { if (target.name === "at") target.form.elements.when.value = "at"; });
  refresh();
}
