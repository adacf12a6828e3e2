// SharedWorker: holds the one event stream of this browser and hands its events to every open tab.
const ports = new Set();
const kept = new Map(); // newest document of each subject, for tabs that come later
const KINDS = ["centre", "agent", "queue", "whole", "phone", "trunk_test", "reminder", "ticket"];
const PASSING = new Set(["whole", "phone", "trunk_test", "reminder", "ticket"]); // not kept
const SILENCE = 40_000; // the server beats every 15 s
let source = null;
let up = false;
let heard = 0;
let wait = 500;

function tell(message) {
  for (const port of ports) port.postMessage(message);
}

function setLink(state) {
  if (up === state) return;
  up = state;
  tell({ kind: "link", detail: { up } });
}

function keyOf(kind, detail) {
  return `${kind}:${detail.agent_id ?? detail.queue_id ?? ""}`;
}

function take(kind, data) {
  heard = Date.now();
  wait = 500;
  setLink(true);
  const detail = JSON.parse(data);
  if (!PASSING.has(kind)) kept.set(keyOf(kind, detail), { kind, detail });
  tell({ kind, detail });
}

function open() {
  source?.close();
  heard = Date.now();
  source = new EventSource("/events");
  for (const kind of KINDS) source.addEventListener(kind, (event) => take(kind, event.data));
  source.addEventListener("beat", () => { heard = Date.now(); setLink(true); });
  source.addEventListener("error", () => {
    setLink(false);
    if (source.readyState === EventSource.CLOSED) retry();
  });
}

async function retry() {
  source?.close();
  const answer = await fetch("/session", { headers: { Accept: "application/json" } }).catch(() => null);
  if (answer?.status === 401) {
    tell({ kind: "session", detail: { ended: true } });
    return;
  }
  setTimeout(open, wait);
  wait = Math.min(wait * 2, 8000);
}

setInterval(() => {
  if (source && Date.now() - heard > SILENCE) { setLink(false); open(); }
}, 5000);

function join(port) {
  ports.add(port);
  port.onmessage = (event) => {
    if (event.data === "leave") ports.delete(port);
    if (event.data === "end") { source?.close(); source = null; kept.clear(); ports.delete(port); }
  };
  if (!source) open();
  port.postMessage({ kind: "link", detail: { up, first: true } });
  if (up) {
    for (const message of kept.values()) port.postMessage(message);
    port.postMessage({ kind: "whole", detail: {} });
  }
}

if (typeof SharedWorkerGlobalScope !== "undefined") {
  self.onconnect = (event) => join(event.ports[0]);
} else {
  self.cyJoin = join; // loaded as a plain script where there are no shared workers
}
