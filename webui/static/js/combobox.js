// A product field with a list of suggestions, driven by keys: type, arrows, Enter. ARIA combobox with a listbox.

const WAIT = 120;

export function attachProducts(line, url, choose) {
  const input = line.querySelector("[data-text]");
  const hidden = line.querySelector("[data-product]");
  const list = document.createElement("ul");
  list.setAttribute("role", "listbox");
  list.id = `${input.name}-list`;
  list.className = "cx-suggest";
  list.hidden = true;
  input.after(list);
  input.setAttribute("aria-controls", list.id);
  let products = [];
  let at = -1;
  let timer = 0;
  let asked = 0;

  function show(found) {
    products = found;
    list.replaceChildren(
      ...found.map((product, index) => {
        const item = document.createElement("li");
        item.setAttribute("role", "option");
        item.id = `${list.id}-${index}`;
        for (const [name, text] of [["code", product.code], ["name", product.name], ["price", product.price]]) {
          const part = document.createElement("span");
          part.className = `cx-suggest-${name}`;
          part.textContent = text;
          item.append(part);
        }
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          pick(index);
        });
        return item;
      }),
    );
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    mark(found.length ? 0 : -1);
  }

  function mark(index) {
    at = index;
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === index)));
    if (index >= 0) {
      input.setAttribute("aria-activedescendant", list.children[index].id);
      list.children[index].scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  function close() {
    clearTimeout(timer);
    asked += 1;
    show([]);
  }

  function pick(index) {
    const product = products[index];
    close();
    input.value = `${product.code} ${product.name}`;
    choose(product);
    line.querySelector("[data-quantity]").focus();
  }

  // Only the answer to the last question counts, whatever order answers come in.
  async function ask() {
    const mine = (asked += 1);
    try {
      const response = await fetch(`${url}?q=${encodeURIComponent(input.value.trim())}`, { headers: { Accept: "application/json" } });
      const body = response.ok ? await response.json() : { products: [] };
      if (mine === asked && document.activeElement === input) show(body.products);
      return mine === asked;
    } catch {
      return false;
    }
  }

  input.addEventListener("input", () => {
    if (hidden.value) choose(null);
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      event.stopPropagation();
      if (list.hidden) ask();
      else mark((at + (event.key === "ArrowDown" ? 1 : -1) + products.length) % products.length);
    } else if (event.key === "Enter" && !event.ctrlKey) {
      if (!list.hidden && at >= 0) {
        event.preventDefault();
        event.stopPropagation();
        pick(at);
      } else if (input.value.trim() && !hidden.value) {
        event.preventDefault();
        event.stopPropagation();
        clearTimeout(timer);
        ask().then((last) => last && products.length && pick(0));
      }
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Tab" && !event.shiftKey && !list.hidden && at >= 0) {
      event.preventDefault();
      pick(at);
    }
  });
}
