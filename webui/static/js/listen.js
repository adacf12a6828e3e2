// Listening to a line of a board: samples come as they are and are played one piece after the other, a little behind.
// One line at a time; leaving the page ends it.
const RATE = 8000;
const BEHIND = 0.3; // seconds that are kept in hand
const words = JSON.parse(document.getElementById("listen-words").textContent);
let now = null;

class Player {
  constructor() {
    this.context = new AudioContext();
    this.level = this.context.createAnalyser();
    this.level.connect(this.context.destination);
    this.next = 0;
    this.odd = new Uint8Array(0);
  }

  play(bytes) {
    const all = new Uint8Array(this.odd.length + bytes.length);
    all.set(this.odd);
    all.set(bytes, this.odd.length);
    const count = all.length >> 1;
    this.odd = all.slice(count * 2);
    if (!count) return;
    const view = new DataView(all.buffer);
    const buffer = this.context.createBuffer(1, count, RATE);
    const samples = buffer.getChannelData(0);
    for (let i = 0; i < count; i += 1) samples[i] = view.getInt16(i * 2, true) / 32768;
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.level);
    const time = this.context.currentTime;
    if (this.next < time || this.next > time + 3 * BEHIND) this.next = time + BEHIND;
    source.start(this.next);
    this.next += buffer.duration;
  }
}

function show(button, on) {
  button.setAttribute("aria-pressed", on ? "true" : "false");
  button.classList.toggle("btn-danger", on);
  button.title = on ? words.stop : words.listen;
}

function mark() {
  for (const button of document.querySelectorAll("[data-listen]")) show(button, now?.url === button.dataset.listen);
}

function stop() {
  if (!now) return;
  now.abort.abort();
  now.player.context.close();
  now = null;
  mark();
}

async function listen(url) {
  const mine = { url, abort: new AbortController(), player: new Player() };
  now = mine;
  mark();
  try {
    const answer = await fetch(url, { signal: mine.abort.signal });
    if (!answer.ok) throw new Error(String(answer.status));
    const reader = answer.body.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done || now !== mine) break;
      mine.player.play(value);
    }
  } catch (error) {
    if (error.name !== "AbortError") document.getElementById("listen-said").textContent = words.failed;
  }
  if (now === mine) stop();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-listen]");
  if (!button) return;
  const same = now?.url === button.dataset.listen;
  document.getElementById("listen-said").textContent = "";
  stop();
  if (!same) listen(button.dataset.listen);
});
document.addEventListener("htmx:afterSettle", mark);
addEventListener("pagehide", stop);
