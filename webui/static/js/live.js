// Live events in this tab: `cy:agent`, `cy:queue`, `cy:centre`, `cy:whole`, `cy:link`, `cy:session` on the document.
import { boot } from "./boot.js";
import { setClock } from "./clock.js";

const WORKER = new URL("./live-worker.js", import.meta.url);
let port = null;

function take(event) {
  const { kind, detail } = event.data;
  if (kind === "whole") setClock(detail.now);
  document.dispatchEvent(new CustomEvent(`cy:${kind}`, { detail }));
}

async function connect() {
  if (typeof SharedWorker !== "undefined") {
    const worker = new SharedWorker(WORKER, { name: `callyard-${boot.user}` });
    return worker.port;
  }
  await import(WORKER.href);
  const channel = new MessageChannel();
  self.cyJoin(channel.port2);
  return channel.port1;
}

/** Join the browser's one stream, and leave it with the page. */
export async function start() {
  port = await connect();
  port.onmessage = take;
  addEventListener("pagehide", () => port.postMessage("leave"));
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

/** End the stream of the whole browser: the user signs out. */
export function end() {
  port?.postMessage("end");
}
