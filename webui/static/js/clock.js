// The server's clock as seen from here, and how lengths of time are written.
let offset = 0;

/** Take the server's epoch seconds of a message that has just arrived. */
export function setClock(seconds) {
  if (Number.isFinite(seconds)) offset = seconds - Date.now() / 1000;
}

/** Epoch seconds of the server, now. */
export const now = () => Date.now() / 1000 + offset;

/** `75` as `1:15`. */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${String(rest).padStart(2, "0")}`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}
