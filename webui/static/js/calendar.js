// Calendars: the moment of an override is asked for where it matters; a day's times are copied from the day before.
import { dependent } from "./dependent.js";
import { mount } from "./mount.js";

mount("[data-override]", dependent);

mount("[data-calendar-form]", (form) => {
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const day = button.parentElement;
    const field = day.querySelector("input");
    field.value = day.previousElementSibling.querySelector("input").value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    day.nextElementSibling?.querySelector("[data-copy]").focus();
  });
});
