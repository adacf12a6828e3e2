// Today's figures of queues by the book, and what is out of bounds. Pure: from queue documents; no page, no network.
import { span } from "./clock.js";

const percent = (part, whole) => (whole > 0 ? (100 * part) / whole : null);
const mean = (sum, count) => (count > 0 ? sum / count : null);

/** Who hung up at once counts neither as served nor as lost. */
export function level(today) {
  return percent(today.answered_in_target, today.answered + today.abandoned - (today.short_abandoned ?? 0));
}

export const abandonment = (today) => percent(today.abandoned, today.offered);
export const speed = (today) => mean(today.wait_total, today.answered);
export const handling = (today) => mean(today.handling ?? 0, today.handled ?? 0);

export const asPercent = (value) => (value === null ? "–" : `${Math.round(value)} %`);
export const asSpan = (value) => (value === null ? "–" : span(value));

/** The counters of several queues as those of one. */
export function together(queues) {
  const sum = {};
  for (const { today } of queues) for (const [name, value] of Object.entries(today)) sum[name] = (sum[name] ?? 0) + value;
  for (const name of ["answered", "abandoned", "answered_in_target"]) sum[name] ??= 0;
  return sum;
}

export const longest = (queue, at) => (queue.waiting.length ? at - Math.min(...queue.waiting.map((caller) => caller.since)) : null);

/** Which of `wait`, `level`, `ready` are out of bounds. Nobody ready matters where somebody is on or waits. */
export function alarms(queue, limits, at) {
  const found = [];
  const { ready = 0, talking = 0, notReady = 0, workingAfterCall = 0 } = queue.agents;
  const on = ready + talking + notReady + workingAfterCall;
  const reached = level(queue.today);
  if ((longest(queue, at) ?? 0) > limits.wait) found.push("wait");
  if (reached !== null && reached < limits.level) found.push("level");
  if (ready < limits.ready && (on > 0 || queue.waiting.length)) found.push("ready");
  return found;
}
