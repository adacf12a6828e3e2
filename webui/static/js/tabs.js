// Only one tab is in control: it is the phone, and gives the commands; the others watch. In one browser a lock of the
// browser's own says which. Where there are none (plain http), and between browsers, the page that came last is the one.
import { boot } from "./boot.js";

const NAME = `callyard-phone-${boot.agent?.id}`;
const listeners = new Set();
let watching = false; // until it is known that another one is in control
let waiting = null; // for the other tab to close
let turns = 0;
let holding = 0; // which of our requests holds the lock; taking it from ourselves is no loss

/** Another tab is in control. */
export const watches = () => watching;

/** Call `listener` whenever control comes or goes. */
export const onControl = (listener) => listeners.add(listener);

function set(value) {
  if (watching === value) return;
  watching = value;
  for (const listener of listeners) listener();
}

/** A page of another browser has taken control. */
export const letGo = () => set(true);

function got(onGot) {
  set(false);
  onGot();
}

function hold(options, onGot, onLost) {
  turns += 1;
  const turn = turns;
  return navigator.locks.request(NAME, options, (lock) => {
    if (!lock) return false;
    holding = turn;
    got(onGot);
    return new Promise(() => {}); // held until the page goes or another tab takes over
  }).catch((error) => {
    if (error.name !== "AbortError") throw error;
    if (holding !== turn) return;
    set(true);
    onLost();
    wait(onGot, onLost);
  });
}

/** Control comes back when the tab that has it closes. */
function wait(onGot, onLost) {
  waiting = new AbortController();
  hold({ signal: waiting.signal }, onGot, onLost);
}

/** Take control if no other tab has it: `onGot`, else `onTaken` now and `onGot` when the other tab closes. */
export function claim({ onGot, onTaken, onLost }) {
  if (!navigator.locks) {
    got(onGot);
    return;
  }
  hold({ ifAvailable: true }, onGot, onLost).then((result) => {
    if (result !== false) return;
    set(true);
    onTaken();
    wait(onGot, onLost);
  });
}

/** Take control from the other tab, which is told by its `onLost`. */
export function takeOver({ onGot, onLost }) {
  waiting?.abort();
  if (navigator.locks) hold({ steal: true }, onGot, onLost);
  else got(onGot);
}
