// Rows of a form that can be added and removed; their numbers in names and ids are kept apart.
import { mount } from "./mount.js";

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
      rows.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
  rows.addEventListener("change", (event) => {
    if (!event.target.matches("[data-single]") || !event.target.checked) return;
    for (const box of rows.querySelectorAll("[data-single]")) box.checked = box === event.target;
  });
});
