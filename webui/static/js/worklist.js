// A list worked off by keyboard: j and k move, space marks, letters do. What is marked, or else the row one is on, is
// sent in portions, so that the bar moves and a long list can be stopped.
import { post } from "./api.js";
import { htmx } from "./libs.js";
import { mount } from "./mount.js";
import { toast } from "./toast.js";

const PORTION = 10;

mount("[data-worklist]", (list) => {
  const rows = () => [...list.querySelectorAll("tbody tr[data-id]")];
  const box = (row) => row.querySelector("input[type=checkbox]");
  const dialog = list.querySelector("dialog");
  const bar = list.querySelector("progress");
  let at = 0;
  let busy = false;
  let stopped = false;

  function point(to) {
    const all = rows();
    if (!all.length) return;
    at = Math.max(0, Math.min(all.length - 1, to));
    for (const [n, row] of all.entries()) row.toggleAttribute("data-here", n === at);
    all[at].scrollIntoView({ block: "nearest" });
  }

  function marked() {
    const found = rows().filter((row) => box(row).checked);
    return found.length ? found : rows().slice(at, at + 1);
  }

  function count() {
    list.querySelector("[data-slot=marked]").textContent = rows().filter((row) => box(row).checked).length || "";
  }

  const ids = () => marked().map((row) => Number(row.dataset.id));

  function ask(button) {
    dialog.querySelector("[data-slot=title]").textContent = button.dataset.title;
    dialog.querySelector("[data-until]").hidden = !("until" in button.dataset);
    dialog.returnValue = "";
    dialog.querySelector("form").reset();
    dialog.showModal();
    return new Promise((done) => dialog.addEventListener("close", () => {
      const form = new FormData(dialog.querySelector("form"));
      done(dialog.returnValue === "go" ? Object.fromEntries(form) : null);
    }, { once: true }));
  }

  async function send(button) {
    const chosen = ids();
    if (busy || !chosen.length) return;
    const extra = "reason" in button.dataset ? await ask(button) : {};
    if (extra === null) return;
    busy = true;
    stopped = false;
    bar.max = chosen.length;
    bar.value = 0;
    bar.parentElement.hidden = chosen.length <= 1;
    const size = "whole" in button.dataset ? chosen.length : PORTION;
    try {
      for (let from = 0; from < chosen.length && !stopped; from += size) {
        const part = chosen.slice(from, from + size);
        const { results } = await post(list.dataset.worklist, { ...extra, event: button.dataset.event, ids: part }, 60_000);
        for (const one of results) if (!one.ok) toast(`${one.number} ${one.message}`, "warning");
        bar.value = from + part.length;
      }
    } catch (error) {
      toast(error.message || list.dataset.failed, "danger");
    }
    busy = false;
    htmx.ajax("GET", location.href, { target: "#main", select: "#main", swap: "outerHTML" });
  }

  function open(button) {
    const chosen = marked();
    if (!chosen.length) return;
    if (button.dataset.act === "print") window.open(`${button.dataset.href}?ids=${ids().join(",")}`, "_blank", "noopener");
    else chosen[0].querySelector(`a[data-${button.dataset.act}]`).click();
  }

  const press = (button) => ("event" in button.dataset ? send(button) : open(button));
  list.addEventListener("click", (event) => {
    if (event.target.closest("[data-stop]")) stopped = true;
    if (event.target.closest("[data-all]")) {
      const on = rows().some((row) => !box(row).checked);
      for (const row of rows()) box(row).checked = on;
      count();
    }
    const button = event.target.closest("[data-key]");
    if (button) press(button);
    const row = event.target.closest("tr[data-id]");
    if (row) point(rows().indexOf(row));
  });
  list.addEventListener("change", count);

  const keys = (event) => {
    if (!document.body.contains(list)) {
      document.removeEventListener("keydown", keys);
      return;
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    const key = event.key.toLowerCase();
    const button = list.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (key === "j" || key === "arrowdown") point(at + 1);
    else if (key === "k" || key === "arrowup") point(at - 1);
    else if (key === " " && rows()[at]) {
      box(rows()[at]).checked = !box(rows()[at]).checked;
      count();
      point(at + 1);
    } else if (key === "a") list.querySelector("[data-all]")?.click();
    else if (key === "enter" && !event.target.closest("a, button") && rows()[at]) rows()[at].querySelector("a[data-open]").click();
    else if (button) press(button);
    else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", keys);
  point(0);
  list.dataset.ready = "true";
});
