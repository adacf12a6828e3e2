// Rows of a form that can be added and removed; their numbers in names and ids are kept apart. There from the start on
// every page: a click right after a page's arrival counts. A row that was added tells so: `cy:row`.

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

function add(rows) {
  const all = [...rows.querySelectorAll("[data-row]")];
  const used = all.map((row) => Number(/-(\d+)-/.exec(row.querySelector("[name]")?.name ?? "")?.[1] ?? -1));
  const row = all.at(-1).cloneNode(true);
  clear(row);
  renumber(row, 1 + Math.max(-1, ...used));
  all.at(-1).after(row);
  row.querySelector("input:not([type=hidden])").focus();
  row.dispatchEvent(new CustomEvent("cy:row", { bubbles: true }));
}

function remove(rows, row) {
  if (rows.querySelectorAll("[data-row]").length > 1) row.remove();
  else clear(row);
  rows.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("click", ({ target }) => {
  const rows = target.closest("[data-rows]");
  if (!rows) return;
  if (target.closest("[data-row-add]")) add(rows);
  const removed = target.closest("[data-row-remove]")?.closest("[data-row]");
  if (removed) remove(rows, removed);
});
document.addEventListener("change", ({ target }) => {
  if (!target.matches?.("[data-rows] [data-single]") || !target.checked) return;
  for (const box of target.closest("[data-rows]").querySelectorAll("[data-single]")) box.checked = box === target;
});
