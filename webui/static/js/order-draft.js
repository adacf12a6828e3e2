// What is being written into an order form is kept: in this tab at once, at the server soon after, so that it survives
// a reload, a hang-up, a lost network and the machine. The newer of the two comes back.
import { post } from "./api.js";

const HOURS = 12;
const WAIT = 800;
const NOT_KEPT = new Set(["csrf_token", "seen_total"]);

export function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

export class Draft {
  constructor(form, told) {
    this.form = form;
    this.key = `cy-${form.dataset.draft}`;
    this.told = told; // told(true) when the server has it, told(false) when it cannot be reached
    this.timer = 0;
    this.sent = Promise.resolve();
    this.over = false;
    this.again = () => this.send();
    addEventListener("online", this.again);
  }

  save() {
    if (this.over) return;
    const values = [...new FormData(this.form)].filter(([name, value]) => !NOT_KEPT.has(name) && typeof value === "string");
    sessionStorage.setItem(this.key, JSON.stringify({ at: Date.now(), values }));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), WAIT);
  }

  send() {
    const kept = read(this.key);
    if (!kept || this.over || !this.form.isConnected) return;
    this.sent = post(this.form.dataset.draftUrl, { key: this.form.dataset.key, values: kept.values })
      .then(() => this.told(true), () => this.told(false));
  }

  /** The order is being sent: what is kept stays, but nothing more goes to the server behind it. */
  hold() {
    clearTimeout(this.timer);
    return this.sent;
  }

  /** Not wanted any more, here and at the server. */
  async drop() {
    this.end();
    sessionStorage.removeItem(this.key);
    await this.sent;
    await post(`${this.form.dataset.draftUrl}/drop`, { key: this.form.dataset.key }).catch(() => {});
  }

  end() {
    this.over = true;
    clearTimeout(this.timer);
    removeEventListener("online", this.again);
  }

  newest() {
    const here = read(this.key);
    const there = JSON.parse(this.form.dataset.kept || "null");
    const fresh = here && Date.now() - here.at < HOURS * 3_600_000 ? here : null;
    return fresh && (!there || fresh.at >= there.at) ? fresh : there;
  }

  restore(lines, add) {
    const kept = this.newest();
    if (!kept) return false;
    const wanted = new Set(kept.values.map(([name]) => /^lines-(\d+)-/.exec(name)?.[1]).filter(Boolean));
    while (lines().length < wanted.size) add();
    const places = new Map([...wanted].map((old, at) => [old, /-(\d+)-/.exec(lines()[at].querySelector("[name]").name)[1]]));
    for (const [name, value] of kept.values) {
      const now = name.replace(/^lines-(\d+)-/, (_all, old) => `lines-${places.get(old)}-`);
      const field = this.form.elements.namedItem(now);
      if (field?.type === "checkbox") field.checked = true;
      else if (field && "value" in field) field.value = value;
    }
    return true;
  }
}
