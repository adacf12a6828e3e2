// Rows of a table form whose order matters: up, down, out, and a new one at the end. Names are numbered anew each time.
import { mount } from "./mount.js";

mount("form[data-rows]", (form) => {
  const all = () => [...form.querySelectorAll("[data-row]")];
  const number = () => all().forEach((row, index) => {
    for (const field of row.querySelectorAll("[name]")) field.name = field.name.replace(/-\d+-/, `-${index}-`);
    for (const field of row.querySelectorAll("[id]")) field.id = field.id.replace(/-\d+-/, `-${index}-`);
  });
  const fresh = () => {
    const row = all().at(-1).cloneNode(true);
    row.querySelectorAll(".invalid-feedback, code").forEach((part) => part.remove());
    for (const field of row.querySelectorAll("input")) {
      field.classList.remove("is-invalid");
      if (field.type === "checkbox") field.checked = field.name.endsWith("-active");
      else field.value = "";
      if (field.type === "hidden") {
        field.type = "text";
        field.className = "form-control form-control-sm";
      }
    }
    for (const shown of row.querySelectorAll("td.cx-text")) shown.textContent = "";
    all().at(-1).after(row);
    return row;
  };
  form.addEventListener("click", ({ target }) => {
    const row = target.closest("[data-row]");
    let focus = target.closest("button");
    if (target.closest("[data-row-up]")) row.previousElementSibling?.before(row);
    else if (target.closest("[data-row-down]")) row.nextElementSibling?.after(row);
    else if (target.closest("[data-row-out]") && all().length > 1) {
      focus = (row.nextElementSibling ?? row.previousElementSibling).querySelector("input:not([type=hidden])");
      row.remove();
    } else if (target.closest("[data-row-new]")) focus = fresh().querySelector("input");
    else return;
    number();
    focus.focus();
  });
});
