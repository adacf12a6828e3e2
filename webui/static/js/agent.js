// The own agent as the engine sees it: the newest document, and commands for it.
import { Refused, post } from "./api.js";
import { boot, text } from "./boot.js";
import { watches } from "./tabs.js";
import { toast } from "./toast.js";

const EVERY_TAB = new Set(["state", "logout"]);
let newest = null;
let linkUp = false;
let arrived = 0;
const listeners = new Set();
const PATIENCE = 1500; // ms that a command waits for the one before
let latest = Promise.resolve();

export const present = () => newest;
export const liveCall = () => (newest?.call && newest.call.state !== "ended" ? newest.call : null);

/** Call `listener(document, earlier)` at every change; returns the undo. */
export function onAgent(listener) {
  listeners.add(listener);
  if (newest) listener(newest, null);
  return () => listeners.delete(listener);
}

function set(fresh) {
  const earlier = newest;
  newest = fresh;
  for (const listener of listeners) listener(fresh, earlier);
}

/**
 * One operation of the engine; resolves to the agent document. A refusal is shown and thrown. A tab that is not in
 * control gives no commands. Commands reach the engine in the order in which they were given.
 * While the stream is up it alone brings the truth in order; a reply counts only when nothing else came since.
 */
export async function command(op, values = {}, { quiet = false } = {}) {
  if (watches() && !EVERY_TAB.has(op)) {
    if (!quiet) toast(text("phone.other"), "warning");
    throw new Refused(text("phone.other"), "tab.watching", 409);
  }
  const turn = Promise.race([latest, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  const sent = turn.then(() => post("/desktop/command", { op, ...values }));
  latest = sent.catch(() => {});
  const before = arrived;
  try {
    const reply = await sent;
    if (!linkUp || (before === arrived && !newest)) set(reply.agent);
    return reply.agent;
  } catch (error) {
    if (!quiet) toast(error.message || text("link.lost"), "danger");
    throw error;
  }
}

document.addEventListener("cy:agent", ({ detail }) => {
  if (detail.agent_id !== boot.agent?.id) return;
  arrived += 1;
  set(detail);
});
document.addEventListener("cy:link", ({ detail }) => { linkUp = detail.up; });
