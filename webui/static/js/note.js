// The call note: Ctrl+Enter in it saves it. The draft of what is not saved is kept by the desktop (drafts.js).
import { mount } from "./mount.js";

mount("[data-note-form]", (form) => {
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.ctrlKey || event.defaultPrevented) return;
    event.preventDefault();
    form.requestSubmit();
  });
});
