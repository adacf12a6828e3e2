// Whether server, engine and switches answer, told in one line when they do not.
import { banner, clear } from "./banners.js";
import { text } from "./boot.js";

const GRACE = 1500; // a stream that comes back at once is no news
let timer = 0;

function link(up) {
  clearTimeout(timer);
  if (up) clear("link");
  else timer = setTimeout(() => banner("link", text("link.lost")), GRACE);
  const sign = document.getElementById("cy-link");
  if (sign) sign.hidden = up;
}

function centre({ engine, switches }) {
  const down = (switches ?? []).filter((entry) => !entry.up).map((entry) => entry.name);
  if (!engine) banner("centre", text("link.engine"));
  else if (down.length && down.length < switches.length) banner("centre", text("link.some", { names: down.join(", ") }), "warn");
  else if (down.length) banner("centre", text("link.switch"));
  else clear("centre");
}

export function start() {
  document.addEventListener("cy:link", ({ detail }) => { if (!detail.first || detail.up) link(detail.up); });
  document.addEventListener("cy:centre", ({ detail }) => centre(detail));
  document.addEventListener("cy:session", () => {
    const again = { label: text("session.again"), work: () => location.assign("/login") };
    banner("link", text("session.ended"), "bad", again);
    if (!document.getElementById("cy-bar")) location.assign("/login");
  });
}
