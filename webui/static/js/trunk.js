// The trunk's form: fields that only matter for some choices, and for a new trunk one step after the other. The server
// checks everything; where it found a mistake, that step opens.
import { dependent } from "./dependent.js";
import { mount } from "./mount.js";

function wizard(form) {
  const steps = [...form.querySelectorAll("[data-step]")];
  const [back, next, save] = ["back", "next", "save"].map((name) => form.querySelector(`[data-${name}]`));
  const preview = document.querySelector("[data-preview-card]");
  let at = 0;

  const show = (to, focus = true) => {
    at = to;
    steps.forEach((step, index) => { step.hidden = index !== at; });
    back.hidden = at === 0;
    next.hidden = at === steps.length - 1;
    save.hidden = !next.hidden;
    preview.hidden = !next.hidden;
    for (const mark of form.querySelectorAll("[data-mark]")) {
      if (mark.dataset.mark === steps[at].dataset.step) mark.setAttribute("aria-current", "step");
      else mark.removeAttribute("aria-current");
    }
    if (focus) steps[at].querySelector("input:not([type=hidden]), select")?.focus();
  };
  const complete = () => [...steps[at].querySelectorAll("input, select")].every((field) => field.reportValidity());

  next.addEventListener("click", () => { if (complete()) show(at + 1); });
  back.addEventListener("click", () => show(at - 1));
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input, select") || next.hidden) return;
    event.preventDefault();
    next.click();
  });
  const wrong = steps.findIndex((step) => step.querySelector(".is-invalid, .invalid-feedback"));
  show(Math.max(0, wrong), wrong >= 0);
  if (wrong >= 0) steps[wrong].querySelector(".is-invalid")?.focus();
  else form.elements.host.focus();
}

// A password is never sent back to the page: while a mistake elsewhere is mended it is kept here.
let typed = null;

function keepPassword(form) {
  const secret = form.elements.secret;
  if (typed?.action === form.action && form.querySelector(".is-invalid, .invalid-feedback")) secret.value = typed.secret;
  typed = null;
  form.addEventListener("submit", () => { typed = { action: form.action, secret: secret.value }; });
}

mount("#trunk-form", (form) => {
  keepPassword(form);
  dependent(form);
  if (form.matches("[data-wizard]")) wizard(form);
  else form.querySelector(".is-invalid")?.focus();
});
