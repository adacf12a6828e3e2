// The browser as a SIP phone: registers over the switch's websocket, rings, answers. Knows SIP, not agents or pages.
// Events: `state` {state, cause}, `ringing` {name, number}, `answered`, `ended` {cause}, `trouble` {kind, cause}.
import JsSIP from "../vendor/jssip.js";

const GATHER = 200; // ms to wait for more ICE candidates after the first
const AUTO = /answer-after\s*=\s*0/i;

export class Softphone extends EventTarget {
  constructor({ url, device, secret, name }, audio) {
    super();
    this.audio = audio;
    this.session = null;
    this.stream = null;
    this.state = "starting";
    this.answerSoon = 0;
    this.ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(url)],
      uri: `sip:${device}@${new URL(url).hostname}`,
      authorization_user: device,
      password: secret,
      display_name: name,
      register: true,
      register_expires: 120,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 8,
      user_agent: "Callyard",
    });
    this.ua.on("registered", () => this.#set("registered"));
    this.ua.on("unregistered", () => this.#set("lost"));
    this.ua.on("disconnected", () => this.#set("lost"));
    this.ua.on("registrationFailed", ({ cause, response }) => this.#refused(cause, response?.status_code));
    this.ua.on("newRTCSession", (event) => this.#offered(event));
  }

  start() { this.ua.start(); }

  /** Sign the phone off for good; ends a call. */
  stop() { this.ua.stop(); this.#release(); }

  /** Let go without a word to the switch: another tab is the phone now and takes the call along. */
  abandon() {
    this.ua.removeAllListeners();
    this.ua.transport?.disconnect();
    this.session = null;
    this.#release();
  }

  get ringing() { return Boolean(this.session) && this.session.direction === "incoming" && !this.session.isEstablished() && !this.session.isEnded() && !this.answering; }
  get talking() { return Boolean(this.session?.isEstablished()); }
  get busy() { return Boolean(this.session) && !this.session.isEnded(); }

  /** Pick up; if the switch's ring is still on its way, pick up when it comes. */
  async answer() {
    if (!this.ringing) {
      this.answerSoon = Date.now() + 3000;
      return;
    }
    await this.#pickUp(this.session);
  }

  mute(on) {
    if (on) this.session?.mute({ audio: true });
    else this.session?.unmute({ audio: true });
  }

  #say(type, detail = {}) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  #set(state, cause = "") {
    if (this.state === state) return;
    this.state = state;
    this.#say("state", { state, cause });
  }

  #refused(cause, status) {
    this.#set(status === 401 || status === 403 ? "rejected" : "lost", cause);
    if (this.retry) return;
    this.retry = setTimeout(() => { this.retry = 0; if (this.ua.isConnected()) this.ua.register(); }, 5000);
  }

  #offered({ originator, request, session }) {
    if (originator !== "remote") return;
    const auto = request.getHeader("X-Callyard-Auto-Answer") === "1" ||
      ["Call-Info", "Alert-Info"].some((header) => AUTO.test(request.getHeader(header) ?? ""));
    if (this.busy && !auto) {
      session.terminate({ status_code: 486 });
      return;
    }
    this.session = session;
    this.answering = false;
    this.#follow(session);
    if (auto || Date.now() < this.answerSoon) {
      this.answerSoon = 0;
      this.#pickUp(session).catch(() => {});
      return;
    }
    this.#microphone().catch(() => {}); // open it while it rings, so that the answer is quick
    this.#say("ringing", { name: request.from.display_name ?? "", number: request.from.uri.user });
  }

  #follow(session) {
    const mine = () => this.session === session;
    session.on("peerconnection", ({ peerconnection }) => {
      peerconnection.addEventListener("track", ({ streams, track }) => {
        this.audio.srcObject = streams[0] ?? new MediaStream([track]);
        this.audio.play().catch(() => {});
      });
    });
    let gathering = 0;
    session.on("icecandidate", ({ ready }) => { gathering ||= setTimeout(ready, GATHER); });
    session.on("confirmed", () => { if (mine()) this.#say("answered"); });
    for (const end of ["ended", "failed"]) {
      session.on(end, ({ cause, originator }) => {
        if (!mine()) return;
        this.session = null;
        this.#release();
        this.#say("ended", { cause, failed: end === "failed" && originator === "local" });
      });
    }
  }

  async #pickUp(session) {
    this.answering = true;
    try {
      const stream = await this.#microphone();
      if (session.isEnded() || session.isEstablished()) return;
      session.answer({ mediaStream: stream, pcConfig: { iceServers: [] } });
    } catch (error) {
      this.answering = false;
      const kinds = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing", NotReadableError: "missing" };
      this.#say("trouble", { kind: kinds[error.name] ?? "failed", cause: error.message });
      throw error;
    }
  }

  async #microphone() {
    if (this.stream?.active) return this.stream;
    this.opening ??= navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true }, video: false,
    }).finally(() => { this.opening = null; });
    this.stream = await this.opening;
    if (!this.busy) this.#release();
    return this.stream;
  }

  #release() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.audio.srcObject = null;
  }
}
