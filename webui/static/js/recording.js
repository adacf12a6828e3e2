// One recording: waveform of both sides on a canvas, play, seek, speed, by mouse and keys. The sound is asked for at
// the first play: that is the moment the server notes who listens.
import { mount } from "./mount.js";

const STEP = 5;

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

mount("[data-player]", (box) => {
  const audio = new Audio();
  audio.preload = "auto";
  const wave = box.querySelector("[data-wave]");
  const canvas = wave.querySelector("canvas");
  const speed = box.querySelector("[data-speed]");
  const button = box.querySelector("[data-play]");
  const error = box.querySelector("[data-error]");
  const icon = button.querySelector("use");
  let peaks = null;
  let wanted = 0;
  let opening = null;

  const duration = () => (Number.isFinite(audio.duration) && audio.duration) || Number(box.dataset.duration) || 1;
  const position = () => (audio.src ? audio.currentTime : wanted);

  function fail(text) {
    error.textContent = text;
    error.hidden = !text;
  }

  async function open() {
    const response = await fetch(box.dataset.listen, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content },
    });
    const body = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(body.message || String(response.status));
    audio.src = body.url;
    audio.currentTime = wanted;
    audio.playbackRate = Number(speed.value);
  }

  async function toggle() {
    try {
      fail("");
      if (!audio.src) await (opening ??= open());
      if (audio.paused) await audio.play();
      else audio.pause();
    } catch (problem) {
      opening = null;
      if (problem.name !== "AbortError") fail(problem.message);
    }
  }

  function seek(seconds) {
    wanted = Math.min(duration(), Math.max(0, seconds));
    if (audio.src) audio.currentTime = wanted;
    show();
  }

  function show() {
    const now = position();
    box.querySelector("[data-clock]").textContent = `${clock(now)} / ${clock(duration())}`;
    wave.setAttribute("aria-valuenow", String(Math.round(now)));
    wave.setAttribute("aria-valuetext", clock(now));
    icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, audio.paused ? "#player-play" : "#player-pause"));
    box.dataset.playing = String(!audio.paused);
    draw(canvas, peaks, now / duration());
  }

  audio.addEventListener("timeupdate", show);
  for (const name of ["play", "pause", "ended", "loadedmetadata", "seeked"]) audio.addEventListener(name, show);
  audio.addEventListener("error", () => audio.src && fail(audio.error?.message || "?"));
  button.addEventListener("click", toggle);
  speed.addEventListener("change", () => (audio.playbackRate = Number(speed.value)));
  wave.addEventListener("pointerdown", (event) => {
    const frame = canvas.getBoundingClientRect();
    seek(((event.clientX - frame.left) / frame.width) * duration());
  });
  box.addEventListener("keydown", (event) => {
    if (event.target.matches("select, a") || event.ctrlKey || event.altKey) return;
    const move = { ArrowLeft: -STEP, ArrowRight: STEP, PageUp: -30, PageDown: 30 }[event.key];
    const rate = { "+": 1, "=": 1, "-": -1 }[event.key];
    if (move) seek(position() + move);
    else if (event.key === "Home") seek(0);
    else if (event.key === "End") seek(duration());
    else if (rate) {
      speed.selectedIndex = Math.min(speed.options.length - 1, Math.max(0, speed.selectedIndex + rate));
      speed.dispatchEvent(new Event("change"));
    } else if (event.key === " " && event.target !== button) toggle();
    else return;
    event.preventDefault();
  });
  const observer = new ResizeObserver(show);
  observer.observe(wave);
  document.addEventListener("htmx:beforeSwap", function stop() {
    setTimeout(() => {
      if (document.contains(box)) return;
      audio.pause();
      observer.disconnect();
      document.removeEventListener("htmx:beforeSwap", stop);
    });
  });
  fetch(box.dataset.peaks, { headers: { Accept: "application/json" } })
    .then((response) => (response.ok ? response.json() : null))
    .then((found) => {
      peaks = found;
      box.dataset.waveform = peaks ? "shown" : "none";
      show();
    })
    .catch(() => (box.dataset.waveform = "none"));
  show();
});

// The customer above, the agent below; what was played is stronger.
function draw(canvas, peaks, played) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  const styles = getComputedStyle(canvas);
  const sides = [
    [peaks?.left ?? [], height / 4, styles.getPropertyValue("--cx-left")],
    [peaks?.right ?? [], (height * 3) / 4, styles.getPropertyValue("--cx-right")],
  ];
  for (const [pairs, middle, colour] of sides) {
    pen.fillStyle = colour;
    const step = width / Math.max(1, pairs.length);
    pairs.forEach(([low, high], index) => {
      pen.globalAlpha = index / pairs.length <= played ? 1 : 0.6;
      const top = middle - (high / 100) * (height / 4);
      pen.fillRect(index * step, top, Math.max(1, step - 0.5), Math.max(1, ((high - low) / 100) * (height / 4)));
    });
  }
  pen.globalAlpha = 1;
  pen.fillStyle = styles.getPropertyValue("--cx-line");
  pen.fillRect(0, height / 2, width, 1);
  pen.fillStyle = styles.getPropertyValue("--cx-cursor");
  pen.fillRect(Math.min(width - 2, played * width), 0, 2, height);
}
