// Lines under the phone bar for what keeps standing: lost connections, a blocked microphone, another tab.
const place = document.getElementById("cy-banners");

/** Show a line named `name`, replacing the earlier one of that name; `action` is `{label, work}`. */
export function banner(name, message, tone = "bad", action = null) {
  clear(name);
  if (!place || !message) return;
  const line = document.createElement("div");
  line.className = "cy-banner";
  line.dataset.name = name;
  line.dataset.tone = tone;
  line.append(message);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm";
    button.textContent = action.label;
    button.addEventListener("click", action.work);
    line.append(button);
  }
  place.append(line);
}

export function clear(name) {
  place?.querySelector(`[data-name="${name}"]`)?.remove();
}
