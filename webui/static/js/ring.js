// The sound of a call coming in, and a notification when this tab is hidden. Made by the browser; no sound file.
let context = null;
let source = null;
let note = null;

function audio() {
  context ??= new AudioContext();
  return context;
}

/** Two tones, 1 s on, 2 s off, as one looped piece: it goes on in a hidden tab, where timers are slowed down. */
function cadence(to) {
  const piece = to.createBuffer(1, to.sampleRate * 3, to.sampleRate);
  const samples = piece.getChannelData(0);
  for (let i = 0; i < to.sampleRate; i += 1) {
    const at = i / to.sampleRate;
    const edge = Math.min(1, at * 40, (1 - at) * 40);
    samples[i] = 0.12 * edge * (Math.sin(2 * Math.PI * 440 * at) + Math.sin(2 * Math.PI * 554 * at)) * (0.6 + 0.4 * Math.sin(40 * Math.PI * at));
  }
  return piece;
}

export function startRinging(title, body) {
  stopRinging();
  const to = audio();
  to.resume().catch(() => {});
  source = to.createBufferSource();
  source.buffer = cadence(to);
  source.loop = true;
  source.connect(to.destination);
  source.start();
  if (document.hidden && globalThis.Notification?.permission === "granted") {
    note = new Notification(title, { body, tag: "callyard-call", requireInteraction: true });
    note.onclick = () => { window.focus(); note?.close(); };
  }
}

export function stopRinging() {
  source?.stop();
  source?.disconnect();
  source = null;
  note?.close();
  note = null;
}

/** Browsers let a page make sound after a first click or key; get ready for it. */
export function unlock() {
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => audio().resume().catch(() => {}), { once: true });
}
