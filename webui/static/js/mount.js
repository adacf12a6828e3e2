// Runs `start(element)` once for every element that matches, now and whenever htmx brings new ones.

export function mount(selector, start) {
  const seen = new WeakSet();
  const scan = (root) => {
    const found = root.matches?.(selector) ? [root] : [];
    for (const element of [...found, ...root.querySelectorAll(selector)]) {
      if (!seen.has(element)) {
        seen.add(element);
        start(element);
      }
    }
  };
  document.addEventListener("htmx:load", (event) => scan(event.detail.elt ?? event.target));
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", () => scan(document));
  }
  scan(document);
}

let typedAt = -Infinity;
document.addEventListener("keydown", (event) => {
  if (event.target.matches?.("input, textarea, select, [contenteditable]")) typedAt = performance.now();
}, { capture: true });

// Nobody is writing just now: something new may take the focus.
export function mayTakeFocus() {
  const active = document.activeElement;
  if (!active?.matches("input, textarea, select, [contenteditable]")) return true;
  return performance.now() - typedAt > 1500 && !active.closest("#cy-bar, dialog");
}

// The element is still on the page: for timers and listeners on `document` that outlive it.
export function alive(element) {
  return document.body.contains(element);
}
