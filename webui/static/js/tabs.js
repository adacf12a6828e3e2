// Only one tab of this browser is the phone. Holding a lock of the browser's own says which.
import { boot } from "./boot.js";

const NAME = `callyard-phone-${boot.agent?.id}`;
let turns = 0;
let holding = 0; // which of our requests holds the lock; taking it from ourselves is no loss

function hold(options, onGot, onLost) {
  turns += 1;
  const turn = turns;
  return navigator.locks.request(NAME, options, (lock) => {
    if (!lock) return false;
    holding = turn;
    onGot();
    return new Promise(() => {}); // held until the page goes or another tab takes over
  }).catch((error) => {
    if (error.name !== "AbortError") throw error;
    if (holding === turn) onLost();
  });
}

/** Become the phone if no other tab is: `onGot`, else `onTaken` now and `onGot` when the other tab closes. */
export function claim({ onGot, onTaken, onLost }) {
  hold({ ifAvailable: true }, onGot, onLost).then((result) => {
    if (result !== false) return;
    onTaken();
    hold({}, onGot, onLost);
  });
}

/** Take the phone from the other tab, which is told by its `onLost`. */
export function takeOver({ onGot, onLost }) {
  hold({ steal: true }, onGot, onLost);
}
