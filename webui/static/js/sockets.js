// One JsSIP socket over the websockets of several switches: the first that opens is used. Knows no SIP and no calls.
import JsSIP from "../vendor/jssip.js";

const OPEN_WITHIN = 3000; // ms for one switch to take the connection
const STAY = 6000; // ms to insist on the same switch while a call is on it
const DOUBT = 60_000; // ms to try a switch last that took the connection and then did not answer

export class Sockets {
  /** `places` [{name, url}] in the order of preference; `holding()` tells whether a call hangs on the present one. */
  constructor(places, holding) {
    // Always WS: FreeSWITCH answers no request that says WSS and came to it through a proxy without TLS.
    const socket = (url) => Object.assign(new JsSIP.WebSocketInterface(url), { via_transport: "WS" });
    this.places = places.map(({ name, url }) => ({ name, url, socket: socket(url), doubted: 0 }));
    this.holding = holding;
    this.at = this.places[0];
    this.lost = 0;
  }

  get url() { return this.at.url; }
  get sip_uri() { return this.at.socket.sip_uri; }
  get via_transport() { return this.at.socket.via_transport; }
  get several() { return this.places.length > 1; }

  connect() {
    const stay = this.holding() && Date.now() - this.lost < STAY;
    this.#tryNext(stay ? [this.at] : this.#order());
  }

  disconnect() {
    clearTimeout(this.timer);
    this.at.socket.disconnect();
  }

  send(message) { return this.at.socket.send(message); }

  /** The present switch does not answer: try it last for a while. */
  doubt() { this.at.doubted = Date.now(); }

  #order() {
    const doubted = ({ doubted: since }) => Date.now() - since < DOUBT;
    return [...this.places.filter((place) => !doubted(place)), ...this.places.filter(doubted)];
  }

  #tryNext([place, ...rest]) {
    const { socket } = place;
    this.at = place;
    let open = false;
    const failed = (error, code, reason) => {
      clearTimeout(this.timer);
      if (open || !rest.length) {
        if (open) this.lost = Date.now();
        this.ondisconnect(error, code, reason);
      } else {
        this.#tryNext(rest);
      }
    };
    socket.onconnect = () => { open = true; clearTimeout(this.timer); this.onconnect(); };
    socket.ondisconnect = failed;
    socket.ondata = (data) => this.ondata(data);
    this.timer = setTimeout(() => { socket.disconnect(); failed(true, 0, "timeout"); }, OPEN_WITHIN);
    socket.connect();
  }
}
