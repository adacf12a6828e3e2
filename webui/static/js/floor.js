// The live page: draws queue and agent documents as they come, ticks the clocks, tells when the picture may be old.
import { now, span } from "./clock.js";
import { abandonment, alarms, asPercent, asSpan, handling, level, longest, speed, together } from "./figures.js";
import { alive, mount } from "./mount.js";
import { Supervise } from "./supervise.js";

const MINUTES = 30;
const GROUPS = [["ready", "ready"], ["talking", "talking"], ["notReady", "busy"], ["workingAfterCall", "wrapup"], ["loggedOff", "off"]];
const ON_CALL = new Set(["reserved", "alerting", "talking", "hold"]); // as the queues count them
const ORDER = ["alerting", "reserved", "talking", "hold", "workingAfterCall", "ready", "notReady", "loggedOff"];
const history = []; // [epoch seconds, callers waiting], kept while the browser stays on the site

function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  if (text !== "") made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Make `nodes` the children of `box`, in order, touching only those that are not yet in their place.
function arrange(box, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...box.children]) if (!wanted.has(child)) child.remove();
  let at = box.firstElementChild;
  for (const node of nodes) {
    if (node === at) at = at.nextElementSibling;
    else box.insertBefore(node, at);
  }
}

const count = (queue) => queue.waiting_count ?? queue.waiting.length;

class Floor {
  constructor(root) {
    this.root = root;
    const start = JSON.parse(root.querySelector("[data-start]").textContent);
    this.texts = start.texts;
    this.targets = start.targets;
    this.limits = start.limits;
    this.reasons = start.reasons;
    this.reasonLimits = start.reason_limits;
    this.agents = new Map(start.agents.map((agent) => [agent.agent_id, agent]));
    this.queues = new Map(start.queues.map((queue) => [queue.queue_id, queue]));
    this.supervise = new Supervise(root, start, () => ({ agents: this.agents, queues: this.queues }));
    this.drawn = new Map(); // by name: the document and the box that shows it
    this.late = false;
    this.lost = !start.up;
    this.down = !start.up;
    this.draw();
  }

  take(kind, document_) {
    if (kind === "agent") this.agents.set(document_.agent_id, document_);
    else this.queues.set(document_.queue_id, document_);
    this.later();
  }

  // Many events in one moment are one drawing.
  later() {
    if (this.late) return;
    this.late = true;
    setTimeout(() => {
      this.late = false;
      this.draw();
    }, 100);
  }

  state({ lost = this.lost, down = this.down }) {
    this.lost = lost;
    this.down = down;
    this.root.toggleAttribute("data-stale", lost || down);
    this.root.querySelector("[data-stale-note]").hidden = !(lost || down);
  }

  draw() {
    const focused = document.activeElement?.dataset?.open;
    const queues = [...this.queues.values()].sort((a, b) => a.number.localeCompare(b.number));
    arrange(this.root.querySelector("[data-queues]"), queues.map((queue) => this.box(`q:${queue.queue_id}`, queue, () => this.queue(queue))));
    const agents = [...this.agents.values()].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.number.localeCompare(b.number));
    arrange(this.root.querySelector("[data-agents]"), agents.map((agent) => this.box(`a:${agent.agent_id}`, agent, () => this.agent(agent))));
    if (focused && document.activeElement === document.body) this.root.querySelector(`[data-open="${CSS.escape(focused)}"]`)?.focus();
    this.tick();
  }

  // What shows a document is made anew only with a new document.
  box(name, document_, make) {
    const known = this.drawn.get(name);
    if (known?.document_ === document_) return known.node;
    const node = make();
    this.drawn.set(name, { document_, node });
    return node;
  }

  queue(queue) {
    const box = element("article", "", { class: "card card-body cx-queue", "data-queue": queue.number });
    const head = element("header");
    head.append(element("h3", queue.name), element("span", queue.number, { class: "cx-num cx-none" }));
    const today = queue.today;
    const facts = element("dl", "", { class: "cx-queue-facts" });
    const rows = [["waiting", count(queue), "count"], ["longest", "", "longest"], ["offered", today.offered], ["answered", today.answered], ["abandoned", today.abandoned]];
    rows.push(["level", asPercent(level(today)), "level"], ["abandonment", asPercent(abandonment(today))], ["speed", asSpan(speed(today))], ["handling", asSpan(handling(today))], ["most", span(today.wait_max)]);
    rows.push(...GROUPS.map(([group, key]) => [key, queue.agents[group] ?? 0, key === "ready" ? "ready" : ""]));
    for (const [key, value, mark] of rows) {
      const pair = element("div");
      pair.append(element("dt", this.texts[key]), element("dd", String(value), mark ? { [`data-${mark}`]: "" } : {}));
      facts.append(pair);
    }
    box.append(head, facts, this.waiting(queue));
    return box;
  }

  waiting(queue) {
    if (!queue.waiting.length) return element("p", this.texts.nobody, { class: "cx-none" });
    const list = element("ol", "", { class: "cx-waiting" });
    for (const caller of queue.waiting) {
      const row = element("li", "", { "data-call": caller.call_id, "data-target": String(this.targets[queue.queue_id] ?? 20) });
      this.supervise.mark(row, `c:${caller.call_id}`);
      row.append(element("b", String(caller.position)), element("span", caller.shown ?? caller.number));
      for (const why of ["callback", "first", "retried", "switch_lost"]) if (caller[why]) row.append(element("small", this.texts[why], { "data-why": why }));
      if (caller.priority) row.append(element("small", `${this.texts.priority} ${caller.priority}`, { "data-why": "priority" }));
      row.append(element("time", "", { "data-since": String(caller.since) }));
      list.append(row);
    }
    return list;
  }

  agent(agent) {
    const box = element("article", "", { class: "cx-agent", "data-agent": agent.number, "data-state": agent.state });
    this.supervise.mark(box, `a:${agent.agent_id}`);
    box.append(element("span", agent.number, { class: "cx-num" }), element("strong", agent.name), element("time", "", agent.state === "loggedOff" ? {} : { "data-since": String(agent.since) }), element("small", this.what(agent)));
    return box;
  }

  // Busy for a reason for longer than it may be in a day.
  over(agent, at) {
    const limit = this.reasonLimits[agent.reason];
    return Boolean(limit) && agent.state === "notReady" && (agent.used?.[agent.reason] ?? 0) + at - agent.since > limit * 60;
  }

  // State, reason, with whom, and what comes next, in one line.
  what(agent) {
    const parts = [this.texts[`state.${agent.state}`] ?? agent.state];
    if (agent.state === "notReady" && agent.reason) parts.push(this.reasons[agent.reason] ?? agent.reason);
    const call = agent.call;
    if (call && call.state !== "ended") {
      const heard = call.listens && this.agents.get(call.listens.agent_id);
      if (heard) parts.push(`${this.texts.supervisor} ${heard.number} ${heard.name}`);
      else parts.push(`${this.texts[call.direction] ?? ""} ${call.shown ?? call.number}`.trim());
      if (call.queue_name) parts.push(call.queue_name);
      if (call.switch_lost) parts.push(this.texts.switch_lost);
    }
    if (agent.pending) parts.push(`${this.texts.pending} ${this.texts[`state.${agent.pending}`] ?? agent.pending}`);
    if (agent.queues_assigned) parts.push(this.texts.other_queues);
    if (!agent.registered && agent.state !== "loggedOff") parts.push(this.texts.unregistered);
    return parts.join(" · ");
  }

  tick() {
    const at = now();
    for (const time of this.root.querySelectorAll("[data-since]")) {
      const seconds = at - Number(time.dataset.since);
      time.textContent = span(seconds);
      const row = time.closest("li");
      if (row) row.toggleAttribute("data-late", seconds > Number(row.dataset.target));
    }
    const queues = [...this.queues.values()];
    const since = queues.flatMap((queue) => queue.waiting.map((caller) => caller.since));
    for (const queue of queues) {
      const cell = this.root.querySelector(`[data-queue="${CSS.escape(queue.number)}"] [data-longest]`);
      if (cell) cell.textContent = asSpan(longest(queue, at));
    }
    this.warn(queues, at);
    for (const agent of this.agents.values()) {
      const box = this.drawn.get(`a:${agent.agent_id}`)?.node;
      if (box) this.mark(box, this.over(agent, at));
    }
    const states = [...this.agents.values()].map((agent) => agent.state);
    const waiting = queues.reduce((sum, queue) => sum + count(queue), 0);
    this.total("waiting", waiting);
    this.total("longest", since.length ? span(at - Math.min(...since)) : "–");
    this.total("level", asPercent(level(together(queues))));
    this.total("talking", states.filter((state) => ON_CALL.has(state)).length);
    this.total("ready", states.filter((state) => state === "ready").length);
    this.total("on", states.filter((state) => state !== "loggedOff").length);
    remember(at, waiting);
    this.spark(at);
  }

  // What is out of bounds is coloured, and told once when it begins.
  warn(queues, at) {
    const found = [];
    for (const queue of queues) {
      const box = this.root.querySelector(`[data-queue="${CSS.escape(queue.number)}"]`);
      const now_ = alarms(queue, this.limits, at);
      for (const [alarm, mark] of [["wait", "longest"], ["level", "level"], ["ready", "ready"]]) box?.querySelector(`[data-${mark}]`)?.toggleAttribute("data-alarm", now_.includes(alarm));
      found.push(...now_.map((alarm) => `${queue.number} ${queue.name}: ${this.texts[`alarm.${alarm}`]}`));
    }
    const list = this.root.querySelector("[data-alarms]");
    list.hidden = !found.length;
    const told = new Map([...list.children].map((item) => [item.textContent, item]));
    arrange(list, found.map((words) => told.get(words) ?? element("li", words)));
  }

  mark(box, over) {
    if (box.hasAttribute("data-over") === over) return;
    box.toggleAttribute("data-over", over);
    if (over) box.append(element("small", this.texts.over, { "data-over-words": "" }));
    else box.querySelector("[data-over-words]")?.remove();
  }

  total(name, value) {
    const box = this.root.querySelector(`[data-total="${name}"]`);
    box.firstElementChild.textContent = String(value);
    if (name === "waiting") box.dataset.tone = value > 0 ? "bad" : "";
  }

  spark(at) {
    const most = Math.max(3, ...history.map(([, value]) => value));
    const x = (moment) => (300 * (1 - (at - moment) / (MINUTES * 60))).toFixed(1);
    const y = (value) => (33 - (31 * value) / most).toFixed(1);
    const points = [];
    history.forEach(([moment, value], index) => {
      if (index) points.push(`${x(moment)},${y(history[index - 1][1])}`);
      points.push(`${x(moment)},${y(value)}`);
    });
    if (history.length) points.push(`300,${y(history.at(-1)[1])}`);
    const svg = this.root.querySelector("[data-spark]");
    svg.querySelector("polyline").setAttribute("points", points.join(" "));
    svg.querySelector("polygon").setAttribute("points", points.length ? `${x(history[0][0])},34 ${points.join(" ")} 300,34` : "");
  }
}

function remember(at, waiting) {
  if (history.at(-1)?.[1] !== waiting) history.push([at, waiting]);
  while (history.length > 1 && history[1][0] < at - MINUTES * 60) history.shift();
  if (history.length && history[0][0] < at - MINUTES * 60) history[0][0] = at - MINUTES * 60;
}

mount("[data-floor]", (root) => {
  const floor = new Floor(root);
  const listeners = {
    "cy:agent": ({ detail }) => floor.take("agent", detail),
    "cy:queue": ({ detail }) => floor.take("queue", detail),
    "cy:link": ({ detail }) => floor.state({ lost: !detail.up }),
    "cy:centre": ({ detail }) => floor.state({ down: !detail.engine || (detail.switches ?? []).some((one) => !one.up) }),
    "cy:whole": () => floor.state({ lost: false }),
  };
  for (const [name, take] of Object.entries(listeners)) document.addEventListener(name, take);
  const timer = setInterval(() => {
    if (alive(root)) floor.tick();
    else {
      clearInterval(timer);
      for (const [name, take] of Object.entries(listeners)) document.removeEventListener(name, take);
    }
  }, 1000);
});
