// Where every page's scripts begin: libraries, menu, messages, live events; for agents the phone bar.
import { token } from "./api.js";
import { boot } from "./boot.js";
import { Alpine } from "./libs.js";
import * as live from "./live.js";
import "./rows.js";
import * as toasts from "./toast.js";

function markMenu() {
  const links = [...document.querySelectorAll("#cy-menu a")];
  const above = (link) => location.pathname === link.pathname || location.pathname.startsWith(`${link.pathname}/`);
  const nearest = links.filter(above).sort((a, b) => b.pathname.length - a.pathname.length)[0];
  for (const link of links) {
    if (link === nearest) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const group of document.querySelectorAll("#cy-menu details")) {
    group.classList.toggle("cy-here", group.querySelector("[aria-current]") !== null);
    group.open = false;
  }
}

// A list that hangs from the top line goes when one clicks elsewhere or presses Escape; arrows walk through it.
function hangingLists() {
  const opened = () => document.querySelectorAll("details.cy-user[open], details.cy-phone-state[open]");
  document.addEventListener("click", ({ target }) => {
    for (const list of opened()) if (!list.contains(target)) list.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const list = event.target.closest?.("details.cy-group[open]") ?? [...opened()].at(-1);
    if (!list) return;
    if (event.key === "Escape") {
      list.open = false;
      if (list.contains(event.target)) list.querySelector("summary").focus();
    } else if (list.contains(event.target) && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      const stops = [list.querySelector("summary"), ...list.querySelectorAll("a")];
      const step = event.key === "ArrowDown" ? 1 : stops.length - 1;
      stops[(stops.indexOf(document.activeElement) + step) % stops.length].focus();
      event.preventDefault();
    }
  });
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
hangingLists();
markMenu();
for (const event of ["htmx:pushedIntoHistory", "htmx:replacedInHistory", "htmx:historyRestore", "popstate"]) {
  addEventListener(event, markMenu);
}
if (boot.agent) await agentPart();
else if (boot.user) (await import("./links.js")).start();
if (document.getElementById("cy-bell")) await (await import("./bell.js")).start();
if (document.getElementById("cy-ticket")) await (await import("./tickets.js")).start();
if (boot.live) await live.start();
document.documentElement.dataset.ready = "true";
if (document.readyState === "complete") Alpine.start();
else addEventListener("DOMContentLoaded", () => Alpine.start());
