// Builds webui/static/vendor from node_modules: browser bundles, style sheets, the icon sprite, licences, hash list.
// Run by `make assets`; the results are committed, so nobody else needs Node.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const out = join(here, "..", "static", "vendor");
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const bundles = {
  "jssip.js": 'export { default } from "jssip";',
  "htmx.js": 'import htmx from "htmx.org/dist/htmx.esm.js"; export default htmx;',
  "alpine.js": 'import Alpine from "@alpinejs/csp"; export default Alpine;',
  "echarts.js": `
    import { init, use } from "echarts/core";
    import { BarChart, HeatmapChart, LineChart, PieChart } from "echarts/charts";
    import { AriaComponent, GridComponent, LegendComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
    import { SVGRenderer } from "echarts/renderers";
    use([BarChart, HeatmapChart, LineChart, PieChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent,
      VisualMapComponent, SVGRenderer]);
    export { init };`,
};

for (const [file, contents] of Object.entries(bundles)) {
  await build({
    stdin: { contents, resolveDir: here },
    outfile: join(out, file),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    legalComments: "none",
    charset: "utf8",
    logLevel: "warning",
  });
}

await build({
  stdin: { contents: '@import "@tabler/core/dist/css/tabler.css";', resolveDir: here, loader: "css" },
  outfile: join(out, "tabler.css"),
  bundle: true,
  minify: true,
  target: "chrome109",
  legalComments: "none",
  external: ["data:*"],
  logLevel: "error",
});

const icons = readFileSync(join(here, "icons.txt"), "utf8").split(/\s+/).filter(Boolean);
const symbols = icons.map((name) => {
  const source = readFileSync(join(modules, "@tabler/icons/icons/outline", `${name}.svg`), "utf8");
  const shapes = source.replace(/<!--[\s\S]*?-->/g, "").replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "");
  return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" ` +
    `stroke-linecap="round" stroke-linejoin="round">${shapes.replace(/\s*\n\s*/g, "")}</symbol>`;
});
writeFileSync(join(out, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);

const shipped = [
  "@alpinejs/csp", "@vue/reactivity", "@vue/shared", "@tabler/core", "@tabler/icons", "htmx.org", "jssip", "debug", "ms",
  "events", "sdp-transform", "echarts", "zrender", "tslib",
];
const ALPINE_MIT = "MIT License (the package carries no licence file; see its package.json)";
const licences = shipped.map((name) => {
  const folder = join(modules, name);
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(join(folder, file), "utf8").trim() : ALPINE_MIT;
  return `${name} ${about.version} (${about.license})\n${"-".repeat(72)}\n${text}\n`;
});
writeFileSync(join(out, "LICENCES.txt"), licences.join("\n\n"));

const hashes = readdirSync(out).sort().map((file) =>
  `${createHash("sha256").update(readFileSync(join(out, file))).digest("hex")}  ${file}`);
writeFileSync(join(out, "SHA256SUMS"), hashes.join("\n") + "\n");
console.log(hashes.join("\n"));
