// A field with a list of suggestions, driven by keys: type, arrows, Enter. ARIA combobox with a listbox.

const WAIT = 120;

async function fetchRows(url, text, name) {
  const response = await fetch(`${url}${url.includes("?") ? "&" : "?"}q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
  return response.ok ? (await response.json())[name] : [];
}

/** `find(text)` gives rows, `parts(row)` what of each is shown as [name, text], `pick(row)` takes one; `settled()`
 * says that what stands in the field was picked, `unsettle()` that it is typed over. */
function attach(input, { find, parts, pick: take, settled, unsettle }) {
  const list = document.createElement("ul");
  list.setAttribute("role", "listbox");
  list.id = `${input.name}-list`;
  list.className = "cx-suggest";
  list.hidden = true;
  input.after(list);
  input.setAttribute("aria-controls", list.id);
  let rows = [];
  let at = -1;
  let timer = 0;
  let asked = 0;

  function show(found) {
    rows = found;
    list.replaceChildren(
      ...found.map((row, index) => {
        const item = document.createElement("li");
        item.setAttribute("role", "option");
        item.id = `${list.id}-${index}`;
        for (const [name, text] of parts(row)) {
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
    const row = rows[index];
    close();
    take(row);
  }

  // Only the answer to the last question counts, whatever order answers come in.
  async function ask() {
    const mine = (asked += 1);
    try {
      const found = await find(input.value.trim());
      if (mine === asked && document.activeElement === input) show(found);
      return mine === asked;
    } catch {
      return false;
    }
  }

  input.addEventListener("input", () => {
    unsettle();
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
      else mark((at + (event.key === "ArrowDown" ? 1 : -1) + rows.length) % rows.length);
    } else if (event.key === "Enter" && !event.ctrlKey) {
      if (!list.hidden && at >= 0) {
        event.preventDefault();
        event.stopPropagation();
        pick(at);
      } else if (input.value.trim() && !settled()) {
        event.preventDefault();
        event.stopPropagation();
        clearTimeout(timer);
        ask().then((last) => last && rows.length && pick(0));
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

/** Products for one line of an order; `choose(product)` with null when the text is typed over. */
export function attachProducts(line, url, choose) {
  const input = line.querySelector("[data-text]");
  const hidden = line.querySelector("[data-product]");
  attach(input, {
    find: (text) => fetchRows(typeof url === "function" ? url() : url, text, "products"),
    parts: (row) => [["code", row.code], ["name", row.name], ["stock", row.stock], ["price", row.price]],
    pick(row) {
      input.value = `${row.code} ${row.name}`;
      choose(row);
      line.querySelector("[data-quantity]").focus();
    },
    settled: () => Boolean(hidden.value),
    unsettle: () => { if (hidden.value) choose(null); },
  });
}

/** One product in one field; `onward()` once it is picked. */
export function attachGoods(input, url, onward) {
  let typed = !input.value;
  attach(input, {
    find: (text) => fetchRows(url, text, "products"),
    parts: (row) => [["code", row.code], ["name", row.name], ["stock", row.stock]],
    pick(row) {
      input.value = `${row.code} ${row.name}`;
      typed = false;
      onward();
    },
    settled: () => !typed,
    unsettle: () => { typed = true; },
  });
}

/** Cities by initials, postcode or name; `onward()` once one is picked. What nobody knows may be typed in full. */
export function attachPlaces(input, url, postcode, onward) {
  let typed = false;
  attach(input, {
    find: (text) => (text ? fetchRows(url, text, "places") : Promise.resolve([])),
    parts: (row) => [["name", row.name], ["code", row.postcode]],
    pick(row) {
      input.value = row.name;
      if (postcode && row.postcode) postcode.value = row.postcode;
      typed = false;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      onward();
    },
    settled: () => !typed || !/^[\x20-\x7e]+$/.test(input.value.trim()),
    unsettle: () => { typed = true; },
  });
}
