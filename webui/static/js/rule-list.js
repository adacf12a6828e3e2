// Inbound rules: Alt with the arrow keys moves the rule whose row has the focus.
import { mount } from "./mount.js";

mount("[data-rules]", (table) => {
  table.addEventListener("keydown", (event) => {
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const direction = event.key === "ArrowUp" ? "up" : "down";
    const button = event.target.closest("[data-rule]")?.querySelector(`[value=${direction}]`);
    if (!button) return;
    event.preventDefault();
    if (button.getAttribute("aria-disabled") !== "true") button.click();
  });
});
