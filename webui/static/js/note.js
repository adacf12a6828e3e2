// The call note: a draft in this tab until it is saved, Alt+S saves it.
import { mount } from "./mount.js";

const NAMES = ["call_type", "business_type", "summary"];

mount("[data-note-form]", (form) => {
  const key = `cy-${form.dataset.draft}`;
  if (form.hasAttribute("data-saved")) sessionStorage.removeItem(key);
  else restore(form, key);
  const save = () => {
    const data = new FormData(form);
    sessionStorage.setItem(key, JSON.stringify(Object.fromEntries(NAMES.map((name) => [name, data.get(name) ?? ""]))));
  };
  form.addEventListener("input", save);
  form.addEventListener("change", save);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.ctrlKey) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
});

function restore(form, key) {
  let draft = null;
  try {
    draft = JSON.parse(sessionStorage.getItem(key) ?? "null");
  } catch {
    return;
  }
  if (!draft) return;
  for (const name of NAMES) {
    const field = form.elements.namedItem(name);
    if (field && typeof draft[name] === "string") field.value = draft[name];
  }
}

document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.code !== "KeyS") return;
  const form = document.querySelector("[data-note-form]");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit();
});
