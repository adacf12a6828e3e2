// Only one tab of this browser is the phone. Holding a lock of the browser's own says which.
import { boot } from "./boot.js";

const NAME = `callyard-phone-${boot.agent?.id}`;

function hold(options, onGot, onLost) {
  return navigator.locks.request(NAME, options, (lock) => {
    if (!lock) return false;
    onGot();
    return new Promise(() => {}); // held until the page goes or another tab takes over
  }).catch((error) => {
    if (error.name === "AbortError") onLost();
    else throw error;
  });
}

/** Become the phone if no other tab is: `onGot`, else `onTaken` now and `onGot` when the other tab closes. */
export async function claim({ onGot, onTaken, onLost }) {
  const result = await Promise.race([hold({ ifAvailable: true }, onGot, onLost), Promise.resolve("held").then(settle)]);
  if (result !== false) return;
  onTaken();
  hold({}, onGot, onLost);
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 300, "held"));

/** Take the phone from the other tab, which is told by its `onLost`. */
export function takeOver({ onGot, onLost }) {
  hold({ steal: true }, onGot, onLost);
}
