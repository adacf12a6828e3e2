// The operation log of a call as text on the clipboard.

import { toast } from "./toast.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-op-copy]");
  if (!button) return;
  const answer = await fetch(button.dataset.opCopy);
  if (!answer.ok) return;
  await navigator.clipboard.writeText(await answer.text());
  toast(button.dataset.done);
});
