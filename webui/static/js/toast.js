// Short messages in the corner of the page.
const SECONDS = { success: 5, info: 5, warning: 10, danger: 12 };

/** Show `message` for a while; a click removes it. */
export function toast(message, kind = "success") {
  const corner = document.getElementById("toasts");
  if (!corner || !message) return;
  const tone = SECONDS[kind] ? kind : "info";
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

/** Toasts that the server sends: by the HX-Trigger header, or swapped into the corner as an error fragment. */
export function listen() {
  document.addEventListener("cy:toast", (event) => toast(event.detail.text, event.detail.kind));
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "toasts") return;
    for (const box of event.detail.target.children) settle(box, "danger");
  });
}
