// Where every page's scripts begin: libraries, menu, messages, live events; for agents the phone bar.
import { token } from "./api.js";
import { boot } from "./boot.js";
import { Alpine } from "./libs.js";
import * as live from "./live.js";
import * as toasts from "./toast.js";

function markMenu() {
  for (const link of document.querySelectorAll("#cy-menu a")) {
    const here = location.pathname === link.pathname || location.pathname.startsWith(`${link.pathname}/`);
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function signRequests() {
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.verb !== "get") detail.headers["X-CSRFToken"] = token();
  });
}

async function agentPart() {
  const [agent, bar, desk, dial, keys, link, links, phone, transfer] = await Promise.all(
    ["agent", "bar", "desk", "dial", "keys", "link", "links", "phone", "transfer"].map((name) => import(`./${name}.js`)));
  for (const part of [bar, links, dial, transfer, keys, desk, link, phone]) part.start();
  document.addEventListener("submit", (event) => signOut(event, { agent, dial, phone }), true);
}

async function signOut(event, { agent, dial, phone }) {
  const form = event.target.closest("[data-logout]");
  if (!form || form.dataset.ready) return;
  event.preventDefault();
  if (agent.liveCall()) {
    const { text } = await import("./boot.js");
    toasts.toast(text("logout.call"), "warning");
    return;
  }
  await agent.command("logout", {}, { quiet: true }).catch(() => {});
  phone.stop();
  dial.forget();
  live.end();
  form.dataset.ready = "true";
  form.submit();
}

toasts.listen();
signRequests();
markMenu();
for (const event of ["htmx:pushedIntoHistory", "htmx:replacedInHistory", "htmx:historyRestore", "popstate"]) {
  addEventListener(event, markMenu);
}
if (boot.agent) await agentPart();
else if (boot.user) (await import("./links.js")).start();
if (document.getElementById("cy-bell")) await (await import("./bell.js")).start();
if (boot.live) await live.start();
document.documentElement.dataset.ready = "true";
if (document.readyState === "complete") Alpine.start();
else addEventListener("DOMContentLoaded", () => Alpine.start());
