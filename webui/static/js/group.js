// The form of a ring group: its phones in their order, moved by buttons or by Alt with the arrow keys.
import { mount } from "./mount.js";

const who = (row) => row.querySelector("select");
const number = (row) => row.querySelector("input");

/** Two rows change what they say; their places in the form stay. */
function swap(row, other) {
  for (const field of [who, number]) [field(row).value, field(other).value] = [field(other).value, field(row).value];
}

mount("[data-group-form]", (form) => {
  const rows = form.querySelector("[data-members]");
  const all = () => [...rows.querySelectorAll("[data-row]")];
  const look = () => all().forEach((row, at) => {
    row.querySelector("[data-outside]").hidden = who(row).value !== "outside:";
    row.querySelector("[data-place]").textContent = `${at + 1}.`;
  });
  const move = (row, by) => {
    const other = all()[all().indexOf(row) + by];
    if (!other) return;
    swap(row, other);
    look();
    who(other).focus();
  };
  rows.addEventListener("change", look);
  rows.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (event.target.closest("[data-up]")) move(row, -1);
    else if (event.target.closest("[data-down]")) move(row, 1);
  });
  rows.addEventListener("cy:row", ({ target }) => {
    look();
    who(target).focus();
  });
  rows.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!event.altKey || !by) return;
    event.preventDefault();
    move(event.target.closest("[data-row]"), by);
  });
  look();
});
