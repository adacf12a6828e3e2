// The agent's page: brings the customer before the answer, the call note, the calls of today.
import { command, onAgent, present } from "./agent.js";
import { onAction } from "./bar.js";
import { banner, clear } from "./banners.js";
import { text } from "./boot.js";
import { guard } from "./drafts.js";
import { htmx } from "./libs.js";

const panel = (id) => document.getElementById(id);
const onDesk = () => Boolean(panel("cy-desk"));
let popped = ""; // the call whose customer stands in the page
let before = null; // what stood in its place
let typed = false; // something was typed there
let noted = "";
let touched = false; // something was typed into a form of another page

// Each panel is its own source: htmx lets one request at a time run from an element and drops others.
const load = (url, target) => htmx.ajax("GET", url, { source: target, target, swap: "innerHTML" });

function pop(call) {
  if (popped === call.call_id || !panel("pop-panel")) return;
  popped = call.call_id;
  before = panel("pop-panel").cloneNode(true);
  typed = false;
  panel("order-panel").replaceChildren();
  if (noted !== call.call_id) putAway();
  const query = new URLSearchParams({ call_id: call.call_id, number: call.number });
  load(`/customers/pop?${query}`, "#pop-panel").catch(() => { popped = ""; });
}

/** A colleague has taken the call that rang here too: what stood here before is back. */
function takeAway(call) {
  if (popped !== call.call_id) return;
  popped = "";
  if (typed || !before || !panel("pop-panel")) return;
  panel("pop-panel").replaceChildren(...before.childNodes);
  htmx.process(panel("pop-panel"));
}

/** The note of the call before goes from sight when the next one comes; what was begun in it is saved. */
function putAway() {
  const form = document.querySelector("#note-panel form");
  if (form?.dataset.dirty) form.requestSubmit();
  panel("cy-note").hidden = true;
  noted = "";
}

function note(call) {
  if (noted === call.call_id || !panel("note-panel")) return;
  noted = call.call_id;
  panel("cy-note").hidden = false;
  load(`/calls/${encodeURIComponent(call.call_id)}/note`, "#note-panel").catch(() => { noted = ""; });
}

function today() {
  if (panel("today-panel")) load("/calls/today", "#today-panel").catch(() => {});
}

function toDesk() {
  clear("desk");
  document.querySelector('#cy-menu a[href="/desktop"]')?.click();
}

/** A call on another page: go to the desk, unless that would lose what is being typed there. */
function fetchAgent(call) {
  if (popped === call.call_id) return;
  popped = "";
  if (!touched) toDesk();
  else banner("desk", text("desk.call", { who: call.shown }), "warn", { label: text("desk.open"), work: toDesk });
}

/** A call on the agent's own telephone, whose line is only listened to: its customer, where no call of ours needs the place. */
function watch(doc) {
  const { watched, call } = doc;
  if (!watched?.number) {
    clear("watched");
    return;
  }
  if (onDesk() && !call && !typed) {
    clear("watched");
    pop(watched);
    if (watched.state === "talking") note(watched);
  } else if (popped !== watched.call_id) {
    const show = () => { clear("watched"); typed = false; toDesk(); pop(watched); };
    banner("watched", text("desk.watched", { who: watched.shown }), "warn", call ? null : { label: text("desk.open"), work: show });
  }
}

function follow(doc, earlier) {
  const { call } = doc;
  watch(doc);
  if (earlier?.call && earlier.call.state !== "ended" && (!call || call.state === "ended")) setTimeout(today, 1500);
  if (!call) {
    clear("desk");
    if (doc.notice === "taken" && earlier?.call) takeAway(earlier.call);
    return;
  }
  if (call.direction === "internal" || call.role === "supervisor") return; // not one's own customer
  if (!onDesk()) {
    if (call.state !== "ended" && (earlier?.call?.call_id !== call.call_id || earlier.call.role === "supervisor")) fetchAgent(call);
    return;
  }
  pop(call);
  if (call.state !== "offered") note(call);
}

/** The page came anew into `#main`: fill its panels from the present state. */
function arrive() {
  touched = false;
  if (!onDesk()) return;
  popped = "";
  noted = "";
  const doc = present();
  if (doc) follow(doc, null);
  today();
}

/** Wrap-up is over: a note that was begun is saved first. */
async function finish() {
  const form = document.querySelector("#note-panel form");
  if (form?.dataset.dirty) {
    const saved = new Promise((resolve) => {
      form.addEventListener("htmx:afterRequest", (event) => resolve(event.detail.successful), { once: true });
      setTimeout(resolve, 5000, false);
    });
    form.requestSubmit();
    if (!(await saved)) return;
  }
  await command("wrapup_done");
}

export function start() {
  onAction("wrapup_done", finish);
  onAgent(follow);
  document.addEventListener("htmx:load", ({ detail }) => {
    const form = detail.elt.closest?.("#note-panel")?.querySelector("form");
    if (form && noted) guard(form, `note-${noted}`);
  });
  document.addEventListener("htmx:afterSettle", ({ detail }) => { if (detail.target?.id === "main" || detail.elt?.id === "main") arrive(); });
  document.addEventListener("htmx:historyRestore", arrive);
  document.addEventListener("cy:saved", today);
  document.addEventListener("input", ({ target }) => {
    if (target.closest?.("#pop-panel")) typed = true;
    const form = target.closest?.("#main form");
    if (form && (form.method === "post" || form.hasAttribute("hx-post"))) touched = true;
  });
  arrive();
}
