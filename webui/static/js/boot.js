// What the server put into the page: who this is, and the words of the phone bar in the user's language.

/** The JSON in element `id`; an empty object where there is none. */
export function read(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : {};
}

export const boot = read("cy-boot");
const texts = read("cy-texts");

/** A word of the phone bar; `{name}` in it is replaced from `values`. An unknown key gives an empty string. */
export function text(key, values = {}) {
  return (texts[key] ?? "").replace(/\{(\w+)\}/g, (_all, name) => String(values[name] ?? ""));
}
