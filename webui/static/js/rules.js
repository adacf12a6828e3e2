// Which buttons make sense now. Pure: from the agent document to a table of booleans; no page, no network.
const IDLE = new Set(["ready", "notReady", "workingAfterCall"]);

/** What may be asked of the engine in the state of `doc`. */
export function allowed(doc) {
  if (!doc) return {};
  const { state, pending, call } = doc;
  const live = Boolean(call) && call.state !== "ended";
  const talking = live && (state === "talking" || state === "hold");
  const consult = live ? call.consult : null;
  const own = live && !["consulted", "supervisor"].includes(call.role);
  const on = state !== "loggedOff";
  return {
    ready: on && !(state === "ready") && !(live && pending === "ready"),
    busy: on,
    away: on && !(state === "notReady" && doc.reason === "away"),
    // the pop may be there before the ring: the browser phone picks up when that comes
    answer: (state === "alerting" && !doc.device?.endsWith("-out")) || (state === "reserved" && live && call.state === "offered" && Boolean(doc.device?.endsWith("-web"))),
    hangup: live && (state !== "reserved" || call.state === "dialling"),
    hold: talking && own && !consult,
    keypad: state === "talking" && call?.role !== "supervisor",
    transfer: talking && own && !consult,
    complete: Boolean(consult) && consult.state !== "failed",
    conference: consult?.state === "talking",
    take_back: Boolean(consult) || canFetch(doc),
    dial: IDLE.has(state) && !live,
    wrapup_done: state === "workingAfterCall",
    wrapup_extend: state === "workingAfterCall" && Boolean(doc.wrapup_until),
    mute: talking && Boolean(doc.device?.endsWith("-web")), // a telephone has a key of its own for that
  };
}

/** The agent's transfer is not answered yet, and the agent is free to have the customer back. */
export function canFetch(doc) {
  return Boolean(doc?.transferred) && IDLE.has(doc.state);
}

/** The colour of a state. */
export function tone(state) {
  return { ready: "ok", notReady: "warn", reserved: "warn", alerting: "warn", talking: "info", hold: "warn",
    workingAfterCall: "info" }[state] ?? "mute";
}
