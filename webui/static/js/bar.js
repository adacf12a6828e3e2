// The phone bar: shows the agent document and offers exactly what its state allows.
import { command, onAgent, present } from "./agent.js";
import { text } from "./boot.js";
import { now, span } from "./clock.js";
import { allowed, canFetch, tone } from "./rules.js";
import { onControl, watches } from "./tabs.js";
import { toast } from "./toast.js";

const bar = document.getElementById("cy-bar");
const slot = (name) => bar.querySelector(`[data-slot="${name}"]`);
const button = (name) => bar.querySelector(`[data-act="${name}"]`);
const actions = new Map();
const limits = JSON.parse(bar.dataset.limits || "{}"); // minutes a day of busy reasons
const SPRITE = slot("call-icon").getAttribute("href").split("#")[0];
let micOff = false;
const SHOWN = "callyard-notice"; // a notice is shown once, also over a reload

/** Give the button (and key) `name` its work. */
export function onAction(name, work) {
  actions.set(name, work);
}

async function run(name) {
  const element = button(name);
  if (!element || element.disabled || element.hidden || element.classList.contains("is-busy")) return;
  element.classList.add("is-busy");
  try {
    await actions.get(name)?.();
  } catch {
    // already shown to the user by `command`
  } finally {
    element.classList.remove("is-busy");
  }
}

/** Press a button of the bar by name, as a key does. False when there is nothing to press. */
export function press(name) {
  const element = button(name);
  if (!element || element.disabled || element.hidden) return false;
  element.click();
  return true;
}

export function setMuted(muted) {
  micOff = muted;
  const element = button("mute");
  element.setAttribute("aria-pressed", String(muted));
  element.querySelector("use").setAttribute("href", `${SPRITE}#${muted ? "microphone-off" : "microphone"}`);
}
export const isMuted = () => micOff;

function reasonName(code) {
  const named = bar.querySelector(`[data-reason="${CSS.escape(code)}"]`)?.firstChild?.textContent.trim();
  return named || text(`reason.${code}`) || code;
}

function stateWord(doc) {
  const own = doc.call?.state === "dialling" && doc.call.role !== "consulted" && doc.state !== "workingAfterCall";
  if (doc.call?.consult?.state === "conference") return text("state.conference");
  return text(own ? "state.dialling" : `state.${doc.state}`);
}

/** Seconds of a reason today and how many it may be, `null` without a limit. */
function usedOf(doc, code) {
  const limit = limits[code];
  if (!limit) return null;
  const running = doc.state === "notReady" && doc.reason === code ? now() - doc.since : 0;
  const used = Math.max(0, (doc.used?.[code] ?? 0) + running);
  return { words: text("reason.used", { used: Math.floor(used / 60), limit }), over: used > limit * 60 };
}

function showUsed(doc) {
  const present_ = doc.state === "notReady" ? usedOf(doc, doc.reason) : null;
  slot("used").textContent = present_?.words ?? "";
  slot("used").toggleAttribute("data-over", Boolean(present_?.over));
  for (const item of bar.querySelectorAll("[data-reason]")) {
    const found = usedOf(doc, item.dataset.reason);
    const place = item.querySelector("[data-used]");
    place.textContent = found?.words ?? "";
    place.toggleAttribute("data-over", Boolean(found?.over));
  }
}

function stateLine(doc) {
  const parts = [];
  if (doc.state === "notReady" && doc.reason) parts.push(reasonName(doc.reason));
  if (doc.pending) parts.push(text(`pending.${doc.pending}`));
  return parts.join(" · ");
}

function showState(doc) {
  bar.dataset.state = doc.state;
  bar.dataset.tone = tone(doc.state);
  slot("state").textContent = stateWord(doc);
  slot("reason").textContent = stateLine(doc);
  button("ready").setAttribute("aria-pressed", String((doc.pending ?? doc.state) === "ready"));
  const away = doc.state === "notReady" && doc.reason === "away";
  button("away").setAttribute("aria-pressed", String(away));
  button("busy").setAttribute("aria-pressed", String(!away && (doc.pending ?? doc.state) === "notReady"));
}

function label(name, words, icon) {
  const element = button(name);
  element.querySelector("[data-label]").textContent = text(words);
  element.querySelector("use").setAttribute("href", `${SPRITE}#${icon}`);
}

function showButtons(doc) {
  const can = allowed(doc);
  for (const element of bar.querySelectorAll("[data-act]")) {
    const name = element.dataset.act;
    if (name !== "history") element.disabled = watches() || !can[name];
  }
  const consult = Boolean(doc.call?.consult) && doc.call.state !== "ended";
  const wrap = doc.state === "workingAfterCall";
  for (const name of ["hangup", "mute"]) button(name).hidden = wrap;
  for (const name of ["answer", "hold", "keypad"]) button(name).hidden = wrap || consult;
  button("transfer").hidden = consult || wrap;
  const conference = consult && doc.call.consult.state === "conference";
  button("complete").hidden = !consult;
  button("conference").hidden = !consult || conference;
  button("take_back").hidden = !consult && !canFetch(doc);
  label("complete", conference ? "act.leave" : "act.complete", conference ? "logout" : "checks");
  label("take_back", conference ? "act.drop" : "act.take_back", conference ? "phone-off" : "arrow-back-up");
  for (const name of ["wrapup_done", "wrapup_extend"]) button(name).hidden = !wrap;
  const held = doc.state === "hold" && !consult;
  button("hold").setAttribute("aria-pressed", String(held));
}

function callLine(call) {
  if (call.consult) {
    const who = call.consult.name || call.consult.shown || call.consult.number;
    return text(`consult.${call.consult.state}`, { who });
  }
  if (call.role === "supervisor") return text(`call.supervisor.${call.listens?.mode}`);
  const asked = call.role === "consulted" && call.direction !== "internal";
  const parts = [text(asked ? "call.consulted" : `call.${call.direction}`)];
  if (call.queue_name) parts.push(call.queue_name);
  if (call.state === "ended") parts[0] = text("call.ended");
  else if (call.waited) parts.push(text("call.waited", { seconds: Math.round(call.waited) }));
  return parts.filter(Boolean).join(" · ");
}

function showCall(doc) {
  const { call } = doc;
  const box = document.getElementById("cy-call");
  box.classList.toggle("is-idle", !call);
  box.dataset.callId = call?.call_id ?? "";
  const icon = !call ? "phone" : call.direction !== "inbound" && call.role !== "consulted" ? "phone-outgoing" : "phone-incoming";
  slot("call-icon").setAttribute("href", `${SPRITE}#${icon}`);
  slot("who").textContent = call ? [call.shown, call.caller_name].filter(Boolean).join("  ") || text("call.unknown") : box.dataset.none;
  const away = canFetch(doc) ? text("transferred", { who: doc.transferred.shown || doc.transferred.number }) : "";
  slot("call-line").textContent = away || (call ? callLine(call) : "");
  box.title = slot("call-line").textContent;
}

/** The running clocks. Display only: no decision hangs on a timer, so a hidden tab may slow it down. */
function tick() {
  const doc = present();
  if (!doc) return;
  showUsed(doc);
  slot("since").textContent = doc.since ? span(now() - doc.since) : "";
  const { call } = doc;
  let line = "";
  if (doc.state === "workingAfterCall") {
    line = doc.wrapup_until ? text("wrapup.left", { seconds: Math.max(0, Math.ceil(doc.wrapup_until - now())) }) : text("wrapup.open");
  } else if (call && call.state !== "ended" && call.answered_at) line = span(now() - call.answered_at);
  slot("call-time").textContent = line;
}

function showNotice(doc) {
  const key = doc.notice ? `${doc.notice}:${doc.since}` : "";
  const words = text(`notice.${doc.notice}`, { who: doc.taken_by }) || text("notice.dial");
  if (!key || sessionStorage.getItem(SHOWN) === key) return;
  sessionStorage.setItem(SHOWN, key);
  toast(words, ["caller_gone", "taken"].includes(doc.notice) ? "info" : "warning");
}

function render(doc) {
  showState(doc);
  showButtons(doc);
  showCall(doc);
  showNotice(doc);
  tick();
}

/** Open or close the menu of busy reasons. */
export function toggleMenu(menu, open = menu.hidden) {
  menu.hidden = !open;
  const opener = menu.parentElement.querySelector("[aria-haspopup]");
  opener.setAttribute("aria-expanded", String(open));
  if (open) menu.querySelector("button")?.focus();
  else if (menu.contains(document.activeElement)) opener.focus();
}

function menuKeys(event) {
  const menu = event.currentTarget;
  const items = [...menu.querySelectorAll("button")];
  const at = items.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) items[(at + step + items.length) % items.length]?.focus();
  else if (event.key === "Escape") toggleMenu(menu, false);
  else if (/^[1-9]$/.test(event.key) && items[event.key - 1]) items[event.key - 1].click();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function wireMenus() {
  for (const menu of bar.querySelectorAll('[role="menu"]')) menu.addEventListener("keydown", menuKeys);
  document.addEventListener("click", (event) => {
    for (const menu of bar.querySelectorAll('[role="menu"]:not([hidden])')) {
      if (!menu.parentElement.contains(event.target)) toggleMenu(menu, false);
    }
  });
}

export function start() {
  document.getElementById("cy-call").dataset.none = slot("who").textContent;
  const busy = document.querySelector("#cy-busy > [role=menu]");
  onAction("ready", () => command("ready"));
  onAction("busy", () => toggleMenu(busy));
  onAction("away", () => command("not_ready", { reason: "away" }));
  onAction("hangup", () => command("hangup"));
  onAction("hold", () => command(present().state === "hold" ? "retrieve" : "hold"));
  onAction("complete", () => command("complete"));
  onAction("conference", () => command("conference"));
  onAction("take_back", () => command("take_back"));
  onAction("wrapup_extend", () => command("wrapup_extend", { seconds: 30 }));
  busy.addEventListener("click", (event) => {
    const reason = event.target.closest("[data-reason]")?.dataset.reason;
    if (!reason) return;
    toggleMenu(busy, false);
    command("not_ready", { reason }).catch(() => {});
  });
  bar.addEventListener("click", (event) => {
    const element = event.target.closest("[data-act]");
    if (element && element.type !== "submit") run(element.dataset.act);
  });
  wireMenus();
  onAgent(render);
  onControl(() => present() && render(present()));
  setInterval(tick, 1000);
}
