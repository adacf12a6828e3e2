// The browser as a SIP phone: registers over the switch's websocket, rings, answers. Knows SIP, not agents or pages.
// Events: `state` {state, cause}, `ringing` {name, number}, `answered`, `ended` {cause}, `trouble` {kind, cause}.
import JsSIP from "../vendor/jssip.js";
import { Sockets } from "./sockets.js";

const GATHER = 200; // ms to wait for more ICE candidates after the first
const REGISTER_WITHIN = 6000; // ms for a switch to answer the registration, where there is another one
const AUTO = /answer-after\s*=\s*0/i;

export class Softphone extends EventTarget {
  constructor({ sockets, device, secret, name }, audio) {
    super();
    this.audio = audio;
    this.session = null;
    this.stream = null;
    this.state = "starting";
    this.wanted = null; // the call that is to be picked up when it rings
    this.sockets = new Sockets(sockets, () => this.busy);
    this.ua = new JsSIP.UA({
      sockets: [this.sockets],
      uri: `sip:${device}@${new URL(this.sockets.url).hostname}`,
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
    this.ua.on("connected", () => this.#arrived());
    this.ua.on("registered", () => { clearTimeout(this.patience); this.#set("registered"); });
    this.ua.on("unregistered", () => this.#set("lost"));
    this.ua.on("disconnected", () => this.#set("lost"));
    this.ua.on("registrationFailed", ({ cause, response }) => this.#refused(cause, response?.status_code));
    this.ua.on("newRTCSession", (event) => this.#offered(event));
  }

  start() { this.ua.start(); }

  /** Sign the phone off for good; ends a call. */
  stop() { clearTimeout(this.patience); this.ua.stop(); this.#release(); }

  /** Let go without a word to the switch: another tab is the phone now and takes the call along. */
  abandon() {
    clearTimeout(this.patience);
    this.ua.removeAllListeners();
    this.ua.transport?.disconnect();
    this.session = null;
    this.#release();
  }

  /** The name of the switch this phone is at, or is trying. */
  get at() { return this.sockets.at.name; }

  /** Go to another switch: this one does not answer, or the centre has lost it. Not in a call. */
  leave() {
    if (!this.sockets.several || this.busy) return;
    this.sockets.doubt();
    this.ua.transport.disconnect();
    this.ua.transport.connect();
  }

  get ringing() { return Boolean(this.session) && this.session.direction === "incoming" && !this.session.isEstablished() && !this.session.isEnded() && !this.answering; }
  get talking() { return Boolean(this.session?.isEstablished()); }
  get busy() { return Boolean(this.session) && !this.session.isEnded(); }

  /** Pick up; if the ring of this call (its channel at the switch) is still on its way, pick up when it comes. */
  async answer(call) {
    if (this.ringing) await this.#pickUp(this.session);
    else this.wanted = call;
  }

  mute(on) {
    if (on) this.session?.mute({ audio: true });
    else this.session?.unmute({ audio: true });
  }

  #say(type, detail = {}) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  #set(state, cause = "") {
    if (this.state === state) return;
    this.state = state;
    this.#say("state", { state, cause, at: this.at });
  }

  /** At a switch, perhaps another than before: a call that was there is over, and this one has to answer soon. */
  #arrived() {
    const { session } = this;
    if (session && session.at !== this.at) {
      this.session = null;
      this.#release();
      try { session.terminate(); } catch { /* it ended by itself */ }
      this.#say("ended", { cause: "", failed: false });
    }
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.leave(), REGISTER_WITHIN);
  }

  #refused(cause, status) {
    clearTimeout(this.patience);
    this.#set(status === 401 || status === 403 ? "rejected" : "lost", cause);
    if (!status && this.sockets.several && !this.busy) {
      this.leave();
      return;
    }
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
    session.at = this.at;
    this.session = session;
    this.answering = false;
    this.#follow(session);
    if (auto || (this.wanted && request.getHeader("X-Callyard-Call") === this.wanted)) {
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
