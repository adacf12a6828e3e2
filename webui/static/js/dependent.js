// Parts of a form that only matter for one choice: data-when="field=value".
export function dependent(form) {
  const parts = [...form.querySelectorAll("[data-when]")];
  const look = () => {
    for (const part of parts) {
      const [name, value] = part.dataset.when.split("=");
      part.hidden = form.elements[name].value !== value;
    }
  };
  form.addEventListener("change", look);
  look();
}
