// A tree of links by keyboard: up and down through what is open, right and left open and close, Home and End.
import { mount } from "./mount.js";

function go(tree, item) {
  if (!item) return;
  for (const other of tree.querySelectorAll("[role=treeitem]")) other.tabIndex = other === item ? 0 : -1;
  item.focus();
}

function toggle(item, open) {
  item.setAttribute("aria-expanded", String(open));
  item.parentElement.querySelector("[role=group]").hidden = !open;
}

mount("[data-tree]", (tree) => {
  const all = () => [...tree.querySelectorAll("[role=treeitem]")].filter((item) => !item.closest("[hidden]"));
  const first = tree.querySelector("[aria-current]") ?? tree.querySelector("[role=treeitem]");
  for (const item of all()) item.tabIndex = item === first ? 0 : -1;
  tree.addEventListener("keydown", (event) => {
    const item = event.target.closest("[role=treeitem]");
    const items = all();
    const at = items.indexOf(item);
    const open = item?.getAttribute("aria-expanded");
    const above = item?.parentElement.closest("[role=group]")?.parentElement.querySelector("[role=treeitem]");
    const keys = {
      ArrowDown: () => go(tree, items[at + 1]),
      ArrowUp: () => go(tree, items[at - 1]),
      Home: () => go(tree, items[0]),
      End: () => go(tree, items.at(-1)),
      ArrowRight: () => (open === "false" ? toggle(item, true) : open && go(tree, items[at + 1])),
      ArrowLeft: () => (open === "true" ? toggle(item, false) : go(tree, above)),
    };
    if (at < 0 || !keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
  });
});
