// The customer form (its rows are those of rows.js; Enter goes on as in the order form) and choosing among several
// customers by digit keys.
import { attachPlaces } from "./combobox.js";
import { mayTakeFocus, mount } from "./mount.js";

// Rows are added later, also as copies of others, so a city gets its list when it is first gone to.
const known = new WeakSet();
document.addEventListener("focusin", ({ target }) => {
  if (!target.matches?.("[data-row] [data-places]") || known.has(target)) return;
  known.add(target);
  target.parentElement.querySelectorAll(".cx-suggest").forEach((list) => list.remove());
  const part = (name) => target.closest("[data-row]").querySelector(`[name$="-${name}"]`);
  attachPlaces(target, target.dataset.places, part("postcode"), () => part("line").focus());
});

const FIELDS = "input:not([type=hidden], [type=checkbox], :disabled), select, textarea";
document.addEventListener("keydown", (event) => {
  const form = event.key === "Enter" && event.target.closest?.("form[data-by-enter]");
  if (!form || event.defaultPrevented || event.isComposing || event.shiftKey || event.altKey) return;
  const fields = [...form.querySelectorAll(FIELDS)].filter((field) => field.checkVisibility());
  const next = fields[fields.indexOf(event.target) + 1];
  if (!event.ctrlKey && !event.target.matches("input, select")) return;
  event.preventDefault();
  if (event.ctrlKey || !next) form.requestSubmit();
  else next.focus();
});

mount("[data-choose]", (list) => {
  const buttons = () => [...list.querySelectorAll("button.cx-choice")];
  if (list.matches("[role=listbox]") && mayTakeFocus()) buttons()[0]?.focus();
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const at = buttons().indexOf(document.activeElement);
    buttons()[(at + step + buttons().length) % buttons().length]?.focus();
    event.preventDefault();
  });
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches?.("input, textarea, select, [contenteditable]")) return;
  const list = document.querySelector("#pop[data-match=many] [data-choose]");
  if (!list || !/^[0-9]$/.test(event.key)) return;
  const button = event.key === "0" ? document.querySelector("#pop[data-match=many] > button") : list.querySelectorAll("button.cx-choice")[Number(event.key) - 1];
  if (button) {
    event.preventDefault();
    button.click();
  }
});
