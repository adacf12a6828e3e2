// Order entry by keyboard: product typeahead, lines, a preview of the total, a draft that survives a reload.
// What is saved is decided by the server; the draft keeps the form's token, so a repeated send is still one order.
import { boot } from "./boot.js";
import { attachProducts } from "./combobox.js";
import { htmx } from "./libs.js";
import { mount } from "./mount.js";

const DRAFT_HOURS = 12;
const IN_LINE = "[data-text], [data-quantity], [data-price]:not([readonly])";

const cents = (text) => {
  const match = /^\s*(\d{1,8})(?:\.(\d{0,2}))?\s*$/.exec((text ?? "").replaceAll(",", ""));
  return match ? Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0")) : null;
};
const shown = (amount) => (amount / 100).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

// The values of one form in this tab's session storage, under the form's own key.
class Draft {
  constructor(form) {
    this.form = form;
    this.key = `cy-${form.dataset.draft}`;
  }

  save() {
    const values = [...new FormData(this.form)].filter(([name, value]) => name !== "csrf_token" && typeof value === "string");
    sessionStorage.setItem(this.key, JSON.stringify({ at: Date.now(), values }));
  }

  drop() {
    sessionStorage.removeItem(this.key);
  }

  restore(lines, add) {
    const kept = read(this.key);
    if (!kept || Date.now() - kept.at > DRAFT_HOURS * 3_600_000) return false;
    const wanted = new Set(kept.values.map(([name]) => /^lines-(\d+)-/.exec(name)?.[1]).filter(Boolean));
    while (lines().length < wanted.size) add();
    const places = new Map([...wanted].map((old, at) => [old, /-(\d+)-/.exec(lines()[at].querySelector("[name]").name)[1]]));
    for (const [name, value] of kept.values) {
      const now = name.replace(/^lines-(\d+)-/, (_all, old) => `lines-${places.get(old)}-`);
      const field = this.form.elements.namedItem(now);
      if (field && "value" in field) field.value = value;
    }
    return true;
  }
}

// While an order is written its form is what matters; the customer's history folds away above it.
function showHistory(open) {
  const history = document.querySelector("#pop details.cx-history");
  if (history) history.open = open;
}

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

mount("[data-order-form]", (form) => {
  const body = form.querySelector("[data-lines]");
  const lines = () => [...body.querySelectorAll("[data-line]")];
  const draft = new Draft(form);

  function total() {
    let sum = 0;
    for (const line of lines()) {
      const price = cents(line.querySelector("[data-price]").value);
      const quantity = Number(line.querySelector("[data-quantity]").value) || 0;
      const used = line.querySelector("[data-product]").value && price !== null;
      line.querySelector("[data-amount]").textContent = used ? shown(price * quantity) : "";
      if (used) sum += price * quantity;
    }
    form.querySelector("[data-total]").textContent = shown(sum);
  }

  function prepare(line) {
    attachProducts(line, form.dataset.products, (product) => {
      line.querySelector("[data-product]").value = product ? product.id : "";
      line.querySelector("[data-price]").value = product ? product.price : "";
      if (product) line.querySelector("[data-quantity]").select();
      total();
      draft.save();
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
      field.value = field.matches("[data-quantity]") ? "1" : "";
    }
    line.querySelector("[data-amount]").textContent = "";
    body.append(line);
    prepare(line);
    return line;
  }

  function remove(line) {
    const at = lines().indexOf(line);
    if (lines().length > 1) line.remove();
    else line.querySelectorAll("input").forEach((field) => (field.value = field.matches("[data-quantity]") ? "1" : ""));
    lines()[Math.max(0, at - 1)].querySelector("[data-text]").focus();
    total();
    draft.save();
  }

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
      const all = [...form.querySelectorAll("input:not([type=hidden]):not([readonly]), select, textarea, [type=submit]")].filter((e) => e.offsetParent);
      all[all.indexOf(event.target) + 1]?.focus();
    } else if (event.key === "Delete" && event.ctrlKey && event.target.closest("[data-line]")) {
      event.preventDefault();
      remove(event.target.closest("[data-line]"));
    }
  });
  form.addEventListener("click", (event) => {
    if (event.target.closest("[data-line-add]")) add().querySelector("[data-text]").focus();
    if (event.target.closest("[data-line-remove]")) remove(event.target.closest("[data-line]"));
    if (event.target.closest("[data-order-discard]")) {
      draft.drop();
      showHistory(true);
      if (form.closest("#order-panel")) form.remove();
      else history.back();
    }
  });
  form.addEventListener("input", () => {
    total();
    draft.save();
  });
  form.addEventListener("change", (event) => {
    if (event.target.name === "address") form.querySelector("[data-new-address]").hidden = event.target.value !== "new";
    draft.save();
  });

  const broken = form.querySelector(".is-invalid, .alert-danger");
  if (!broken && draft.restore(lines, add)) {
    form.querySelector("[data-new-address]").hidden = form.elements.address.value !== "new";
    const note = form.querySelector("[data-draft-note]");
    note.textContent = form.dataset.restored;
    note.hidden = false;
  }
  lines().forEach(prepare);
  total();
  showHistory(false);
  (broken?.matches("input, select, textarea") ? broken : lines().at(-1).querySelector("[data-text]")).focus();
});

mount("[data-order-saved]", (saved) => {
  sessionStorage.removeItem(`cy-${saved.dataset.draft}`);
  showHistory(true);
});

// A customer whose order was being written when the page was reloaded: open the form again.
mount("#pop[data-call-id][data-match=one]", (pop) => {
  const button = pop.querySelector("[data-order-new]");
  const key = `cy-order:${boot.user}:${pop.dataset.customerId}:${pop.dataset.callId}`;
  if (!button || !sessionStorage.getItem(key) || document.querySelector("#order-panel #order-form")) return;
  htmx.ajax("GET", button.getAttribute("hx-get"), { target: "#order-panel", swap: "innerHTML" });
});
