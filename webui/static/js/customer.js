// The customer form (rows of phones and addresses) and choosing among several customers by digit keys.
import { mayTakeFocus, mount } from "./mount.js";

function renumber(row, index) {
  for (const field of row.querySelectorAll("[name], [id]")) {
    for (const attribute of ["name", "id"]) {
      const value = field.getAttribute(attribute);
      if (value) field.setAttribute(attribute, value.replace(/-\d+-/, `-${index}-`));
    }
  }
}

function clear(row) {
  row.querySelectorAll(".invalid-feedback").forEach((error) => error.remove());
  const sealed = row.querySelector("[data-row-value]");
  if (sealed) {
    const shown = row.querySelector("input[disabled]");
    shown.disabled = false;
    shown.name = sealed.name;
    sealed.remove();
  }
  for (const field of row.querySelectorAll("input, select")) {
    field.classList.remove("is-invalid");
    if (field.type === "checkbox") field.checked = false;
    else if (field.tagName === "SELECT") field.selectedIndex = 0;
    else field.value = "";
  }
}

mount("[data-rows]", (rows) => {
  const all = () => [...rows.querySelectorAll("[data-row]")];
  const next = () => 1 + Math.max(-1, ...all().map((row) => Number(/-(\d+)-/.exec(row.querySelector("[name]")?.name ?? "")?.[1] ?? -1)));
  rows.addEventListener("click", (event) => {
    if (event.target.closest("[data-row-add]")) {
      const row = all().at(-1).cloneNode(true);
      clear(row);
      renumber(row, next());
      all().at(-1).after(row);
      row.querySelector("input:not([type=hidden])").focus();
    }
    const remove = event.target.closest("[data-row-remove]");
    if (remove) {
      const row = remove.closest("[data-row]");
      if (all().length > 1) row.remove();
      else clear(row);
    }
  });
  rows.addEventListener("change", (event) => {
    if (!event.target.matches("[data-single]") || !event.target.checked) return;
    for (const box of rows.querySelectorAll("[data-single]")) box.checked = box === event.target;
  });
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
