// Order entry by keyboard: who it is, product typeahead, lines, the server's figures, a draft that is never lost.
// What is saved is decided by the server; the draft keeps the form's token, so a repeated send is still one order.
import { get, token } from "./api.js";
import { boot } from "./boot.js";
import { attachPlaces, attachProducts } from "./combobox.js";
import { htmx } from "./libs.js";
import { mount } from "./mount.js";
import { Draft, read } from "./order-draft.js";
import { Quote } from "./order-quote.js";

const IN_LINE = "[data-text], [data-quantity], [data-price]:not([readonly])";
const FIELDS = "input:not([type=hidden]):not([type=checkbox]):not([readonly]), select, textarea, [type=submit]";

// While an order is written its form is what matters; the customer's history folds away above it.
function showHistory(open) {
  const history = document.querySelector("#pop details.cx-history");
  if (history) history.open = open;
}

// Who has the number, or the name, that was typed: the only one with a number is taken at once, of several one is
// chosen by key, or a new customer is made.
function findCustomers(form) {
  const who = form.querySelector("[data-who]");
  if (!who) return;
  const box = who.querySelector("[data-who-found]");
  let asked = 0;
  async function ask(field) {
    const mine = (asked += 1);
    const query = new URLSearchParams({ [field.name]: field.value.trim(), phone_token: form.elements.phone_token.value });
    const joint = who.dataset.customers.includes("?") ? "&" : "?";
    try {
      const answer = await fetch(`${who.dataset.customers}${joint}${query}`, { headers: { "HX-Request": "true", "X-CSRFToken": token() } });
      if (mine !== asked || !answer.ok) return;
      box.innerHTML = await answer.text();
      htmx.process(box);
      if (field.name === "phone" && untouched()) offer();
    } catch {
      box.replaceChildren();
    }
  }
  const untouched = () => !who.querySelector("[name=name]").value && ![...form.querySelectorAll("[data-text]")].some((text) => text.value);
  function offer() {
    const buttons = box.querySelectorAll("button.cx-choice");
    if (buttons.length === 1) buttons[0].click();
    else buttons[0]?.focus();
  }
  who.addEventListener("change", (event) => {
    if (event.target.matches("[name=phone]") || (event.target.matches("[name=name]") && !box.childElementCount)) ask(event.target);
  });
  who.addEventListener("keydown", (event) => {
    const buttons = [...box.querySelectorAll("button.cx-choice")];
    const at = buttons.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && buttons.length) {
      buttons[(at + step + buttons.length) % buttons.length].focus();
      event.preventDefault();
    } else if (at >= 0 && event.key === "Escape") {
      who.querySelector("[name=name]").focus();
    } else if (at >= 0 && /^[1-9]$/.test(event.key)) {
      buttons[Number(event.key) - 1]?.click();
      event.preventDefault();
    }
  });
  const phone = who.querySelector("[name=phone]");
  if (phone.value) ask(phone);
}

mount("[data-order-form]", (form) => {
  const body = form.querySelector("[data-lines]");
  const lines = () => [...body.querySelectorAll("[data-line]")];
  const note = form.querySelector("[data-draft-note]");
  const reached = (yes) => {
    if (!yes) say(form.dataset.offline);
    else if (note.textContent === form.dataset.offline) note.hidden = true;
  };
  const draft = new Draft(form, reached);
  const quote = new Quote(form, reached);

  function say(text) {
    note.textContent = text;
    note.hidden = false;
  }

  function changed() {
    quote.soon();
    draft.save();
  }

  function redeemable(line, points) {
    const box = line.querySelector("[data-redeem]");
    box.hidden = !points;
    if (!points) box.querySelector("input").checked = false;
  }

  function prepare(line) {
    const url = () => {
      const medium = form.elements.namedItem("medium")?.value ?? "";
      return medium ? `${form.dataset.products}?${new URLSearchParams({ medium })}` : form.dataset.products;
    };
    attachProducts(line, url, (product) => {
      line.querySelector("[data-product]").value = product ? product.id : "";
      line.querySelector("[data-price]").value = "";
      redeemable(line, product?.points);
      if (product) line.querySelector("[data-quantity]").select();
      changed();
    });
  }

  function add() {
    const index = 1 + Math.max(...lines().map((line) => Number(/-(\d+)-/.exec(line.querySelector("[name]").name)[1])));
    const line = lines().at(-1).cloneNode(true);
    line.querySelectorAll(".invalid-feedback, [role=listbox]").forEach((old) => old.remove());
    for (const field of line.querySelectorAll("input")) {
      for (const attribute of ["name", "id"]) {
        if (field.hasAttribute(attribute)) field.setAttribute(attribute, field.getAttribute(attribute).replace(/-\d+-/, `-${index}-`));
      }
      field.classList.remove("is-invalid");
      if (field.type === "checkbox") field.checked = false;
      else field.value = field.matches("[data-quantity]") ? "1" : "";
      field.removeAttribute("placeholder");
    }
    line.querySelector("[data-text]").placeholder = lines()[0].querySelector("[data-text]").placeholder;
    line.querySelector("[data-amount]").textContent = "";
    line.querySelector("[data-left]").textContent = "";
    redeemable(line, 0);
    body.append(line);
    prepare(line);
    return line;
  }

  function remove(line) {
    const at = lines().indexOf(line);
    if (lines().length > 1) {
      line.remove();
    } else {
      line.querySelectorAll("input:not([type=checkbox])").forEach((field) => (field.value = field.matches("[data-quantity]") ? "1" : ""));
      redeemable(line, 0);
    }
    lines()[Math.max(0, at - 1)].querySelector("[data-text]").focus();
    changed();
  }

  const visible = () => [...form.querySelectorAll(FIELDS)].filter((field) => field.offsetParent);
  const after = (field) => visible()[visible().indexOf(field) + 1]?.focus();

  function onward(field) {
    const line = field.closest("[data-line]");
    if (field.matches("[data-text]") && !field.value.trim()) return form.querySelector("[name=address]").focus();
    const fields = [...line.querySelectorAll(IN_LINE)];
    const next = fields[fields.indexOf(field) + 1];
    if (next) return next.focus();
    const following = lines()[lines().indexOf(line) + 1] ?? add();
    return following.querySelector("[data-text]").focus();
  }

  form.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Enter" && event.ctrlKey) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("[type=submit]"));
    } else if (event.key === "Enter" && event.target.matches(IN_LINE)) {
      event.preventDefault();
      onward(event.target);
    } else if (event.key === "Enter" && event.target.matches("input, select")) {
      event.preventDefault();
      after(event.target);
    } else if (event.key === "Delete" && event.ctrlKey && event.target.closest("[data-line]")) {
      event.preventDefault();
      remove(event.target.closest("[data-line]"));
    }
  });
  form.addEventListener("click", async (event) => {
    if (event.target.closest("[data-line-add]")) add().querySelector("[data-text]").focus();
    if (event.target.closest("[data-line-remove]")) remove(event.target.closest("[data-line]"));
    if (event.target.closest("[data-order-discard]")) {
      await draft.drop();
      showHistory(true);
      if (form.closest("#order-panel")) form.remove();
      else history.back();
    }
  });
  form.addEventListener("input", changed);
  form.addEventListener("change", (event) => {
    if (event.target.name === "address") form.querySelector("[data-new-address]").hidden = event.target.value !== "new";
    changed();
  });
  // What the agent reads out must be what is sent: figures that are on their way are waited for.
  form.addEventListener("htmx:confirm", (event) => {
    if (event.target !== form || event.detail.elt !== form) return;
    event.preventDefault();
    Promise.all([quote.settled(), draft.hold()]).then(() => event.detail.issueRequest(true));
  });
  form.addEventListener("htmx:sendError", () => {
    say(form.dataset.offline);
    draft.save();
  });
  form.addEventListener("htmx:beforeCleanupElement", (event) => { if (event.target === form) draft.end(); });

  const broken = form.querySelector(".is-invalid, .alert-danger, .alert-warning");
  if (!broken && draft.restore(lines, add)) {
    form.querySelector("[data-new-address]").hidden = form.elements.address.value !== "new";
    say(form.dataset.restored);
    quote.now();
  } else {
    quote.show();
  }
  const city = form.querySelector("[data-places]");
  attachPlaces(city, city.dataset.places, form.elements.namedItem(city.dataset.postcode), () => after(city));
  lines().forEach(prepare);
  findCustomers(form);
  showHistory(false);
  const first = form.querySelector("[data-who] input") ?? lines().at(-1).querySelector("[data-text]");
  (broken?.matches("input, select, textarea") ? broken : first).focus();
});

mount("[data-order-saved]", (saved) => {
  sessionStorage.removeItem(`cy-${saved.dataset.draft}`);
  showHistory(true);
  if (saved.dataset.customerUrl && document.getElementById("pop")) htmx.ajax("GET", saved.dataset.customerUrl, { target: "#pop", swap: "outerHTML" });
});

// An order that was being written when the page was reloaded, here or elsewhere, for a customer or a caller whom nobody
// knows yet: open the form again.
mount("#pop[data-call-id]:is([data-match=one], [data-match=none])", async (pop) => {
  const button = pop.querySelector("[data-order-new]");
  if (!button || document.querySelector("#order-panel #order-form")) return;
  const key = `${pop.dataset.customerId ?? 0}:${pop.dataset.callId}`;
  let kept = read(`cy-order:${boot.user}:${key}`);
  if (!kept) kept = (await get(`/orders/draft?${new URLSearchParams({ key })}`).catch(() => null))?.draft;
  if (!kept || !pop.isConnected || document.querySelector("#order-panel #order-form")) return;
  htmx.ajax("GET", button.getAttribute("hx-get"), { source: button, target: "#order-panel", swap: "innerHTML" });
});
