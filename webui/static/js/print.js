// A button that prints the page.
import { mount } from "./mount.js";

mount("[data-print]", (button) => button.addEventListener("click", () => window.print()));
