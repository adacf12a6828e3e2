// The shipped libraries, set up once for the content security policy. Other modules import them from here.
import Alpine from "../vendor/alpine.js";
import htmx from "../vendor/htmx.js";

window.htmx = htmx;
window.Alpine = Alpine;

export { Alpine, htmx };
