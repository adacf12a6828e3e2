// The other system's page of a call: opens in a new tab at the answer, once, in one of the agent's tabs.
import { liveCall, onAgent, present } from "./agent.js";
import { get } from "./api.js";
import { banner, clear } from "./banners.js";
import { boot, text } from "./boot.js";

const KEY = `callyard-linked-${boot.agent?.id}`; // the last call whose page was opened, for all tabs and over a reload
const ASIDE = "link-page";
let asked = "";

const answered = () => {
  const call = liveCall();
  return call?.queue_id && call.role !== "consulted" && ["talking", "hold"].includes(present().state) ? call : null;
};

/** Whether this tab is the one to open it; says so to the others. */
function takeTurn(call) {
  const turn = () => {
    if (localStorage.getItem(KEY) === call.call_id) return false;
    localStorage.setItem(KEY, call.call_id);
    return true;
  };
  return navigator.locks ? navigator.locks.request(KEY, turn) : turn();
}

/** False where the browser keeps new tabs from opening without a key or click just before. */
function openTab(url) {
  const tab = window.open("", "_blank");
  if (!tab) return false;
  tab.opener = null;
  tab.location.replace(url);
  return true;
}

function offer(url) {
  const work = () => { clear(ASIDE); openTab(url); };
  banner(ASIDE, text("link.page", { host: new URL(url).host }), "warn", { label: text("link.page.open"), work });
}

async function follow() {
  const call = answered();
  if (!call) {
    if (!liveCall()) { clear(ASIDE); asked = ""; }
    return;
  }
  if (document.hidden || asked === call.call_id || localStorage.getItem(KEY) === call.call_id) return;
  asked = call.call_id;
  try {
    const { url } = await get("/desktop/link");
    if (url && (await takeTurn(call)) && !openTab(url)) offer(url);
  } catch {
    asked = ""; // the next document tries again
  }
}

export function start() {
  onAgent(follow);
  document.addEventListener("visibilitychange", follow);
}
