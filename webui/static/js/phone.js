// The agent's phone in this page: which one, signing on to the engine, ringing, coming back after a reload in a call.
import { command, liveCall, onAgent, present } from "./agent.js";
import { get, post } from "./api.js";
import { banner, clear } from "./banners.js";
import { isMuted, onAction, setMuted } from "./bar.js";
import { boot, text } from "./boot.js";
import { startRinging, stopRinging, unlock } from "./ring.js";
import { Softphone } from "./softphone.js";
import { claim, letGo, takeOver, watches } from "./tabs.js";
import { toast } from "./toast.js";

const place = document.getElementById("cy-phone");
const dot = place.querySelector('[data-slot="phone-dot"]');
const words = place.querySelector('[data-slot="phone-text"]');
const TONES = { registered: "ok", starting: "warn", lost: "bad", rejected: "bad", other: "warn", sip: "ok", simulated: "ok", outside: "ok" };
const LOST_FOR = 5000; // ms: a link that comes back at once is no reason to move
const PAGE = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
let kind = "";
let device = "";
let softphone = null;
let losing = 0;

function show(state, cause = "") {
  dot.dataset.tone = TONES[state] ?? "bad";
  words.textContent = text(`phone.${state}`, { cause });
  place.dataset.state = state;
  if (state === "lost" || state === "rejected") banner("phone", text(`phone.${state}`));
  else clear("phone");
}

/** On duty with this phone; back into the call if the page was reloaded in one. */
async function signOn() {
  const doc = await command("state", {}, { quiet: true });
  const live = doc.call && doc.call.state !== "ended";
  if (kind === "web" && live && !softphone?.busy) await command("rejoin");
  else if (doc.state === "loggedOff" || doc.device !== device) await command("login");
}

async function keepSigningOn(delay = 1000) {
  if (watches()) return;
  try {
    await signOn();
  } catch (error) {
    const worthIt = error.status === 0 || error.status >= 500;
    if (worthIt && (kind !== "web" || softphone?.state === "registered")) setTimeout(keepSigningOn, delay, Math.min(delay * 2, 10_000));
  }
}

function follow(phone) {
  phone.addEventListener("state", ({ detail }) => {
    show(detail.state, detail.cause);
    place.dataset.switch = detail.at;
    if (detail.state === "registered") keepSigningOn();
  });
  phone.addEventListener("ringing", ({ detail }) => {
    const { call } = present() ?? {};
    const who = [call?.shown, call?.caller_name].filter(Boolean).join(" ") || detail.name;
    startRinging(text("phone.ringing", { who }), who);
  });
  phone.addEventListener("answered", () => { stopRinging(); clear("mic"); phone.mute(isMuted()); });
  phone.addEventListener("ended", ({ detail }) => {
    stopRinging();
    if (detail.failed) banner("mic", text("phone.failed", { cause: detail.cause }), "warn");
  });
  phone.addEventListener("trouble", ({ detail }) => {
    const key = detail.kind === "failed" ? "phone.failed" : `phone.mic.${detail.kind}`;
    banner("mic", text(key, { cause: detail.cause }));
  });
}

function begin(info) {
  clear("tab");
  show("starting");
  softphone = new Softphone(info, document.getElementById("cy-audio"));
  follow(softphone);
  softphone.start();
  tellOthers();
}

function drop() {
  stopRinging();
  softphone?.abandon();
  softphone = null;
}

/** Pages on other machines let go. */
function tellOthers() {
  post("/desktop/phone/claim", { page: PAGE }).catch(() => {});
}

function elsewhere(here) {
  show("other");
  banner("tab", text("phone.other"), "warn", { label: text("phone.take"), work: () => takeOver(here) });
}

/** One tab is in control, whatever the phone is; `here` says what that means in this one. */
function control(here) {
  document.addEventListener("cy:phone", ({ detail }) => {
    if (detail.page === PAGE || watches()) return;
    letGo();
    here.onLost();
  });
  claim({ ...here, onTaken: () => elsewhere(here) });
}

function useBrowser(info) {
  if (!navigator.mediaDevices || !navigator.locks) {
    show("insecure");
    banner("phone", text("phone.insecure"));
    return;
  }
  unlock();
  const here = { onGot: () => begin(info), onLost: () => { drop(); elsewhere(here); } };
  control(here);
}

function useDesk(name, cause) {
  const look = (doc, earlier) => {
    if (watches() || !doc) return;
    if (doc.state === "loggedOff") {
      if (earlier && !earlier.registered && doc.registered) keepSigningOn(); // it was away for so long that its agent was off
      return;
    }
    place.dataset.state = doc.registered ? name : "lost";
    dot.dataset.tone = doc.registered ? "ok" : "bad";
    if (doc.registered) clear("phone");
    else banner("phone", text("phone.sip.lost"), "warn");
  };
  const begins = () => {
    clear("tab");
    show(name, cause);
    keepSigningOn();
    tellOthers();
    look(present());
  };
  const here = { onGot: begins, onLost: () => elsewhere(here) };
  onAgent(look);
  control(here);
}

async function choose(wanted) {
  if (wanted === kind) return;
  if (liveCall()) {
    toast(text("dial.busy"), "warning");
    return;
  }
  await post("/desktop/phone", { kind: wanted });
  location.reload();
}

async function answer() {
  if (kind !== "web") {
    await command("answer");
    return;
  }
  stopRinging();
  await softphone?.answer(liveCall()?.channel);
}

const talkOf = (doc) => (doc?.call && doc.call.state !== "ended" ? doc.call.call_id : "");

/** Of this call: the next customer hears the agent. */
function mute(on) {
  softphone?.mute(on);
  setMuted(on);
}

function wire() {
  onAction("answer", answer);
  onAction("mute", () => mute(!isMuted()));
  place.addEventListener("click", (event) => {
    const wanted = event.target.closest("[data-phone-kind]")?.dataset.phoneKind;
    if (wanted) choose(wanted);
  });
  const notify = place.querySelector("[data-phone-notify]");
  notify.hidden = globalThis.Notification?.permission !== "default";
  notify.addEventListener("click", async () => { await Notification.requestPermission(); notify.hidden = true; });
  onAgent((doc) => { if (doc.state !== "alerting") stopRinging(); });
  onAgent((doc, earlier) => { if (talkOf(doc) !== talkOf(earlier)) mute(false); });
  document.addEventListener("cy:centre", followSwitches);
}

/** A phone at a switch that the centre has lost can get no call: it goes to one that the centre has. */
function followSwitches({ detail }) {
  clearTimeout(losing);
  const up = (name) => detail.switches?.find((one) => one.name === name)?.up;
  const others = detail.switches?.some((one) => one.up);
  if (!softphone || !detail.engine || !others || up(softphone.at) !== false) return;
  losing = setTimeout(() => softphone?.leave(), LOST_FOR);
}

/** Sign the phone off; the user leaves. */
export function stop() {
  softphone?.stop();
}

export async function start() {
  wire();
  let info = null;
  for (let wait = 500; !info; wait = Math.min(wait * 2, 8000)) {
    info = await get("/desktop/phone").catch(() => null);
    if (!info) await new Promise((resolve) => setTimeout(resolve, wait));
  }
  ({ kind, device } = info);
  for (const button of place.querySelectorAll("[data-phone-kind]")) {
    button.hidden = button.dataset.phoneKind === kind || (button.dataset.phoneKind === "outside" && !info.outside);
  }
  place.querySelector('[data-slot="outside"]').textContent = text("phone.outside.use", { cause: info.outside });
  if (kind === "web") useBrowser(info);
  else if (kind === "outside") useDesk("outside", info.outside);
  else useDesk(info.simulated ? "simulated" : "sip");
}
