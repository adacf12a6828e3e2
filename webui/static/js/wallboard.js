// The wallboard: nobody touches it. Follows the event stream, asks for the lines in use, turns the pages of many queues.
import { now, span } from "./clock.js";
import { alarms, asPercent, asSpan, level, longest, together } from "./figures.js";
import * as live from "./live.js";

const ROWS = 8; // queues on the screen at once
const TURN = 10; // seconds
const ASK = 5000; // ms between questions for the lines
const root = document.querySelector("[data-wallboard]");
const start = JSON.parse(root.querySelector("[data-start]").textContent);
const { texts, limits } = start;
const part = (name) => root.querySelector(`[data-${name}]`);
const agents = new Map(start.agents.map((agent) => [agent.agent_id, agent]));
const queues = new Map(start.queues.map((queue) => [queue.queue_id, queue]));
const bad = new Set(start.up ? [] : ["engine"]); // why the picture may be old
let oldSince = start.up ? 0 : Date.now() / 1000;
let ended = false;
let lines = [];

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) if (value) made.setAttribute(key, "");
  return made;
}

const waiting = (queue) => queue.waiting_count ?? queue.waiting.length;
const among = (...states) => [...agents.values()].filter((agent) => states.includes(agent.state)).length;

function totals(at) {
  const all = [...queues.values()];
  const today = together(all);
  const waits = all.map((queue) => longest(queue, at)).filter((value) => value !== null);
  const most = waits.length ? Math.max(...waits) : null;
  const taken = lines.reduce((sum, line) => sum + line.in_use, 0);
  const ready = among("ready");
  const reached = level(today);
  const tiles = [
    ["waiting", all.reduce((sum, queue) => sum + waiting(queue), 0)],
    ["longest", asSpan(most), (most ?? 0) > limits.wait],
    ["level", asPercent(reached), reached !== null && reached < limits.level],
    ["ready", ready, ready < limits.ready && agents.size > among("loggedOff")],
    ["talking", among("talking", "hold", "alerting", "reserved")],
    ["busy", among("notReady")],
    ["wrapup", among("workingAfterCall")],
    ["lines", taken],
  ];
  part("totals").replaceChildren(...tiles.map(([name, value, alarm]) => {
    const tile = element("div", "", { "data-alarm": alarm });
    tile.dataset.total = name;
    tile.append(element("b", String(value)), element("small", texts[name]));
    return tile;
  }));
}

function row(queue, at) {
  const made = element("tr", "");
  made.dataset.queue = queue.number;
  const found = alarms(queue, limits, at);
  const { today } = queue;
  const { ready = 0, talking = 0 } = queue.agents;
  made.append(
    element("td", `${queue.number} ${queue.name}`), element("td", String(waiting(queue))),
    element("td", asSpan(longest(queue, at)), { "data-alarm": found.includes("wait") }),
    element("td", asPercent(level(today)), { "data-alarm": found.includes("level") }),
    element("td", String(today.answered)), element("td", String(today.abandoned)),
    element("td", String(ready), { "data-alarm": found.includes("ready") }),
    element("td", String(talking)));
  return made;
}

function rows(at) {
  const all = [...queues.values()].sort((a, b) => a.number.localeCompare(b.number));
  const pages = Math.max(1, Math.ceil(all.length / ROWS));
  const page = Math.floor(at / TURN) % pages;
  part("rows").replaceChildren(...all.slice(page * ROWS, (page + 1) * ROWS).map((queue) => row(queue, at)));
}

function footer() {
  part("lines").replaceChildren(...lines.map((line) => {
    const made = element("span", `${line.name} `);
    made.append(element("b", line.max ? `${line.in_use}/${line.max}` : String(line.in_use)));
    return made;
  }));
}

const timeOf = (seconds) => new Date(seconds * 1000).toLocaleTimeString(start.language, { timeZone: start.timezone, hour12: false });

function draw() {
  const at = now();
  if (bad.size === 0) oldSince = 0;
  else oldSince ||= at;
  root.toggleAttribute("data-old", bad.size > 0 || ended);
  part("stale").hidden = bad.size === 0 && !ended;
  const words = ended ? texts.session : `${texts.stale} ${timeOf(oldSince || at)}`;
  if (part("stale").textContent !== words) part("stale").textContent = words;
  part("clock").textContent = timeOf(at);
  totals(at);
  rows(at);
  footer();
}

function say(reason, is) {
  if (is) bad.add(reason);
  else bad.delete(reason);
}

async function askLines() {
  try {
    const answer = await fetch("/wallboard/lines", { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(4000) });
    ended = answer.status === 401;
    if (answer.ok) lines = (await answer.json()).lines;
    say("lines", !answer.ok);
  } catch {
    say("lines", true);
  }
  setTimeout(askLines, ASK);
}

const listeners = {
  agent: (detail) => agents.set(detail.agent_id, detail),
  queue: (detail) => queues.set(detail.queue_id, detail),
  link: (detail) => { if (!detail.first) say("link", !detail.up); },
  centre: (detail) => {
    say("engine", !detail.engine);
    say("switch", (detail.switches ?? []).some((one) => !one.up));
  },
  whole: () => say("link", false),
  session: () => { ended = true; },
};
for (const [kind, take] of Object.entries(listeners)) document.addEventListener(`cy:${kind}`, ({ detail }) => take(detail));
live.start();
askLines();
draw();
setInterval(draw, 1000);
document.documentElement.dataset.ready = "";
