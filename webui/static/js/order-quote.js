// What the form costs, asked of the server while it is written. Nothing is added up here.
import { token } from "./api.js";

const WAIT = 180;
const LONGEST = 8000;

export class Quote {
  constructor(form, told) {
    this.form = form;
    this.box = form.querySelector("[data-quote]");
    this.told = told; // told(true) when figures came, told(false) when the server could not be reached
    this.timer = 0;
    this.asked = 0;
    this.running = Promise.resolve();
  }

  /** Something changed: new figures soon. Until they are there the old ones are marked as such. */
  soon() {
    this.box.setAttribute("aria-busy", "true");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), WAIT);
  }

  now() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.running = this.ask();
    return this.running;
  }

  /** Resolves once the figures are those of the form as it stands, or cannot be had. */
  async settled() {
    if (this.timer) await this.now();
    await this.running;
  }

  async ask() {
    const mine = (this.asked += 1);
    this.box.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(this.form.dataset.quoteUrl, {
        method: "POST",
        body: new FormData(this.form),
        headers: { "HX-Request": "true", "X-CSRFToken": token() },
        credentials: "same-origin",
        signal: AbortSignal.timeout(LONGEST),
      });
      if (!response.ok) throw new Error(String(response.status));
      const piece = await response.text();
      if (mine !== this.asked) return;
      this.box.innerHTML = piece;
      this.show();
      this.told(true);
    } catch {
      if (mine !== this.asked) return;
      this.form.querySelector("[data-seen]").value = "";
      this.told(false);
    }
    this.box.removeAttribute("aria-busy");
  }

  /** The figures of the piece at their lines, and the total that the agent reads out. */
  show() {
    const figures = this.box.querySelector("[data-figures]");
    const lines = JSON.parse(figures?.dataset.figures || "{}");
    this.form.querySelector("[data-seen]").value = figures?.dataset.totalPlain ?? "";
    for (const line of this.form.querySelectorAll("[data-line]")) {
      const row = lines[line.querySelector("[data-text]").name.replace(/-text$/, "")];
      line.querySelector("[data-amount]").textContent = row?.points ? `★ ${row.points}` : (row?.amount ?? "");
      line.querySelector("[data-price]").placeholder = row?.usual ?? "";
      const left = line.querySelector("[data-left]");
      left.textContent = row?.left ?? "";
      left.classList.toggle("co-out", (row?.left ?? 1) <= 0);
    }
  }
}
