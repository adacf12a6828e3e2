// Rules in an order: Alt with the arrow keys moves the rule whose row has the focus. One listener for all pages that
// come, so that a key right after a page's arrival counts.
document.addEventListener("keydown", (event) => {
  const row = event.altKey && event.target.closest?.("[data-rules] [data-rule]");
  const direction = { ArrowUp: "up", ArrowDown: "down" }[event.key];
  if (!row || !direction) return;
  event.preventDefault();
  const button = row.querySelector(`[value=${direction}]`);
  if (button && button.getAttribute("aria-disabled") !== "true") button.click();
});
