// Callback tickets: noted by a key from the call, the one in hand with its buttons, dialling from the list.
import { boot } from "./boot.js";
import { htmx } from "./libs.js";

const dialog = document.getElementById("cy-ticket");

/** Fill the form from the call, so that Enter alone is enough. */
function fill(call) {
  const { elements } = dialog.querySelector("form");
  const pop = call && document.querySelector(`#pop[data-call-id="${CSS.escape(call.call_id)}"]`);
  const known = pop?.dataset.customerId ? pop.querySelector("[data-customer-name]")?.textContent.trim() : pop?.querySelector("form [name=name]")?.value.trim();
  elements.token.value = call?.number ?? "";
  elements.shown.value = call?.shown ?? "";
  elements.number.value = call?.shown ?? "";
  elements.name.value = known || call?.caller_name || "";
  elements.customer_id.value = pop?.dataset.customerId ?? "";
  elements.call_id.value = call?.call_id ?? "";
  return elements;
}

async function open() {
  if (dialog.open) return;
  const { present } = await import("./agent.js");
  const call = present()?.call;
  const elements = fill(call?.direction === "internal" ? null : call);
  dialog.showModal();
  (elements.number.value ? elements.name : elements.number).focus();
}

function send(urgent) {
  const form = dialog.querySelector("form");
  if (urgent) form.elements.urgent.checked = true;
  form.requestSubmit();
}

function pressed(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.target.matches("button")) return;
  event.preventDefault();
  event.stopPropagation();
  send(event.ctrlKey);
}

/** Enter in the note says nothing of what came of it: it goes to the buttons that do. */
function noted(event) {
  if (event.key !== "Enter" || event.isComposing || !event.target.matches?.(".ct-held [name=note]")) return;
  event.preventDefault();
  event.target.parentElement.querySelector("button").focus();
}

/** Take the first of the list that is free, and call. */
function next() {
  const { next: url } = dialog.dataset;
  htmx.ajax("POST", url, { source: dialog, swap: "none" });
  return true;
}

/** The order form for the ticket in hand, of the customer who stands on the desk. */
async function order(button) {
  const { present } = await import("./agent.js");
  const pop = document.querySelector("#pop[data-customer-id]");
  const query = new URLSearchParams({ customer_id: pop?.dataset.customerId ?? "", call_id: present()?.call?.call_id ?? "" });
  const url = `${button.dataset.ticketOrder}?${query}`;
  const place = document.getElementById("order-panel");
  if (place) htmx.ajax("GET", url, { source: place, target: place, swap: "innerHTML" });
  else location.assign(url);
}

/** The call that the result belongs to: the one of now, or the last one if it is just over. */
function bind(call) {
  const field = document.querySelector(".ct-held [name=call_id]");
  if (field && call && call.direction !== "internal") field.value = call.call_id;
}

export async function start() {
  dialog.addEventListener("keydown", pressed, { capture: true });
  dialog.addEventListener("click", ({ target }) => {
    if (target.closest("[data-close]")) dialog.close();
    if (target.closest("[data-ticket-urgent]")) send(true);
  });
  document.addEventListener("keydown", noted);
  document.addEventListener("cy:ticket-made", () => dialog.close());
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-ticket-order]");
    if (button) order(button);
    if (target.closest("[data-ticket-new]")) open();
  });
  if (!boot.agent) return;
  const [{ onKeys }, { dial }, { onAgent, present }] = await Promise.all([import("./keys.js"), import("./dial.js"), import("./agent.js")]);
  onKeys("ticket", open);
  onKeys("next", next);
  document.addEventListener("cy:dial", ({ detail }) => dial(detail.number, detail.shown).catch(() => {}));
  onAgent(({ call }) => bind(call));
  document.addEventListener("htmx:load", ({ detail }) => { if (detail.elt.matches?.(".ct-held")) bind(present()?.call); });
}
