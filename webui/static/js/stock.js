// The form of a movement of goods: the product by code, name or initials; what is there, which a count is compared with.
import { attachGoods } from "./combobox.js";
import { mount } from "./mount.js";

mount("[data-movement]", (form) => {
  const { product, warehouse, count, expected } = form.elements;
  const hint = form.querySelector("[data-there]");
  let asked = 0;

  // Only the answer to the last question counts.
  async function look() {
    const mine = (asked += 1);
    let found = {};
    try {
      const query = new URLSearchParams({ product: product.value, warehouse: warehouse.value });
      const answer = await fetch(`${form.dataset.level}?${query}`, { headers: { Accept: "application/json" } });
      if (answer.ok) found = await answer.json();
    } catch {
      // Without an answer the books of the moment of booking count.
    }
    if (mine !== asked) return;
    expected.value = found.on_hand ?? "";
    hint.textContent = found.text ?? "";
  }

  attachGoods(product, form.dataset.products, () => {
    look();
    count.select();
  });
  for (const field of [product, warehouse]) field.addEventListener("change", look);
});
