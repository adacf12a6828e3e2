// Unsent input of a form survives a reload of this tab: kept in sessionStorage, dropped when the form was accepted.
const PREFIX = "callyard-draft-";
const SKIP = new Set(["hidden", "password", "file", "submit", "button"]);
const fields = (form) => [...form.elements].filter((field) => field.name && !SKIP.has(field.type));

function keep(form, key) {
  const values = fields(form).map((field) => [field.name, field.type === "checkbox" || field.type === "radio" ? [field.value, field.checked] : field.value]);
  sessionStorage.setItem(PREFIX + key, JSON.stringify(values));
  form.dataset.dirty = "true";
}

function restore(form, key) {
  const kept = sessionStorage.getItem(PREFIX + key);
  if (!kept) return;
  for (const [name, value] of JSON.parse(kept)) {
    const field = fields(form).find((candidate) => candidate.name === name && (!Array.isArray(value) || candidate.value === value[0]));
    if (!field) continue;
    if (Array.isArray(value)) field.checked = value[1];
    else field.value = value;
  }
  form.dataset.dirty = "true";
}

/** Guard `form` under `key`: what was typed before a reload stands in it again. */
export function guard(form, key) {
  if (form.dataset.guarded) return;
  form.dataset.guarded = key;
  restore(form, key);
  form.addEventListener("input", () => keep(form, key));
  form.addEventListener("change", () => keep(form, key));
  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt !== form || !event.detail.successful) return;
    sessionStorage.removeItem(PREFIX + key);
    delete form.dataset.dirty;
  });
}
