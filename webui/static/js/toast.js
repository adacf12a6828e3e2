// Short messages in the corner of the page.
import { text } from "./boot.js";

const SECONDS = { success: 5, info: 5, warning: 10, danger: 12 };

/** Show `message` for a while; a click removes it. */
export function toast(message, kind = "success") {
  const corner = document.getElementById("toasts");
  if (!corner || !message) return;
  const tone = SECONDS[kind] ? kind : "info";
  if (tone !== "success" && [...corner.children].some((shown) => shown.textContent === message)) return;
  const box = document.createElement("div");
  box.className = `alert alert-${tone}`;
  box.textContent = message;
  corner.append(box);
  settle(box, tone);
}

function settle(box, tone) {
  box.addEventListener("click", () => box.remove());
  setTimeout(() => box.remove(), SECONDS[tone] * 1000);
}

/** Toasts that the server sends (HX-Trigger header, error fragment), and the one when it could not be reached. */
export function listen() {
  for (const event of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(event, () => toast(text("send.failed"), "danger"));
  document.addEventListener("cy:toast", (event) => toast(event.detail.text, event.detail.kind));
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "toasts") return;
    for (const box of event.detail.target.children) settle(box, "danger");
  });
}
