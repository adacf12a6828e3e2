// The queue's form: agents in the order of their rank, moved by buttons or by Alt with the arrow keys.
import { dependent } from "./dependent.js";
import { mount } from "./mount.js";

const chosen = (row) => row.querySelector("[type=checkbox]").checked;
const rank = (row) => row.querySelector("[name$=-order]");

function order(table) {
  let place = 0;
  for (const row of table.querySelectorAll("[data-member]")) rank(row).value = chosen(row) ? (place += 1) : "";
}

function move(table, row, up) {
  const other = up ? row.previousElementSibling : row.nextElementSibling;
  if (!other || !chosen(row) || !chosen(other)) return;
  if (up) other.before(row);
  else other.after(row);
  order(table);
}

function members(table) {
  table.addEventListener("click", (event) => {
    const button = event.target.closest("[data-up], [data-down]");
    if (!button) return;
    move(table, button.closest("[data-member]"), button.matches("[data-up]"));
    button.focus();
  });
  table.addEventListener("keydown", (event) => {
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    move(table, event.target.closest("[data-member]"), event.key === "ArrowUp");
    event.target.focus();
  });
  table.addEventListener("change", (event) => {
    if (!event.target.matches("[type=checkbox]")) return;
    const row = event.target.closest("[data-member]");
    const last = [...table.querySelectorAll("[data-member]")].filter((one) => one !== row && chosen(one)).at(-1);
    if (last) last.after(row);
    else row.parentElement.prepend(row);
    order(table);
    event.target.focus();
  });
}

// What a rule of overflow needs besides: the number outside, or the last words.
function overflow(rows) {
  const look = () => {
    for (const row of rows.querySelectorAll("[data-row]")) {
      const target = row.querySelector("[name$=-target]").value;
      row.querySelector("[data-outside]").hidden = target !== "outside:";
      row.querySelector("[data-goodbye]").hidden = target !== "hangup:";
    }
  };
  rows.addEventListener("change", look);
  rows.addEventListener("cy:row", look);
  look();
}

mount("[data-queue-form]", (form) => {
  dependent(form);
  overflow(form.querySelector("[data-overflow]"));
  members(form.querySelector("[data-members]"));
});
