// What a supervisor may do on the live page: a dialog for one agent or one waiting caller. The server has the last word.
import { post } from "./api.js";
import { toast } from "./toast.js";

const ON_CALL = ["reserved", "alerting", "talking", "hold"];
const TALKING = ["talking", "hold"];
const MODES = ["listen", "whisper", "barge", "intercept"];

export class Supervise {
  constructor(root, start, look) {
    this.may = start.may;
    this.texts = start.texts;
    this.busy = start.busy;
    this.own = start.own; // the agent that the supervisor is
    this.look = look; // the agents and queues of now
    this.dialog = root.querySelector("[data-supervise]");
    root.addEventListener("click", (event) => this.chosen(event));
    root.addEventListener("keydown", (event) => {
      if (["Enter", " "].includes(event.key) && event.target.matches("[data-open]")) this.chosen(event);
    });
    this.dialog?.addEventListener("click", (event) => {
      if (event.target.closest("[data-close]")) this.dialog.close();
    });
    this.dialog?.addEventListener("close", () => root.querySelector(`[data-open="${CSS.escape(this.opened ?? "")}"]`)?.focus());
  }

  // Attributes of a box that can be opened, by mouse or from the keyboard.
  mark(box, name) {
    if (!this.dialog) return;
    box.tabIndex = 0;
    box.setAttribute("role", "button");
    box.setAttribute("aria-haspopup", "dialog");
    box.dataset.open = name;
  }

  chosen(event) {
    const box = event.target.closest("[data-open]");
    if (!box || !this.dialog) return;
    event.preventDefault();
    this.opened = box.dataset.open;
    const [kind, id] = [this.opened.slice(0, 1), this.opened.slice(2)];
    const found = kind === "a" ? this.ofAgent(id) : this.ofCaller(id);
    if (!found) return;
    this.dialog.querySelector("[data-title]").textContent = found.title;
    this.dialog.querySelector("[data-choices]").replaceChildren(...found.choices);
    this.dialog.showModal();
    this.dialog.querySelector("[data-choices] button")?.focus();
  }

  ofAgent(id) {
    const agent = this.look().agents.get(id);
    if (!agent) return null;
    const choices = [];
    if (agent.agent_id !== this.own) choices.push(...this.listening(agent));
    if (agent.state !== "loggedOff") choices.push(...this.states(agent));
    if (this.may.queues && agent.state !== "loggedOff") choices.push(this.queues(agent));
    if (agent.call && agent.call.state !== "ended") choices.push(...this.drop(agent.call.call_id));
    return { title: `${agent.number} ${agent.name}`, choices: choices.length ? choices : [this.texts.nothing] };
  }

  // States that the supervisor may force upon the agent.
  states(agent) {
    const to = (state, reason) => () => post(`/floor/agents/${encodeURIComponent(agent.agent_id)}/${state}`, { reason });
    const next = ON_CALL.includes(agent.state) ? ` (${this.texts.after})` : "";
    const choices = [];
    if (this.may.ready && agent.state !== "ready") choices.push(this.button(this.texts.set_ready + next, to("ready"), "ready"));
    for (const [code, name] of this.may.notReady ? this.busy : []) choices.push(this.button(`${this.texts.set_busy}: ${name}${next}`, to("notReady", code), `busy-${code}`));
    if (this.may.loggedOff) choices.push(this.button(this.texts.sign_off + next, to("loggedOff"), "off"));
    return choices;
  }

  ofCaller(id) {
    const callers = [...this.look().queues.values()].flatMap((queue) => queue.waiting);
    const caller = callers.find((one) => one.call_id === id);
    if (!caller) return null;
    const choices = [];
    if (this.may.pull) {
      const ready = [...this.look().agents.values()].filter((agent) => agent.state === "ready" && agent.registered);
      for (const agent of ready.sort((a, b) => a.number.localeCompare(b.number))) {
        const pull = () => post(`/floor/calls/${encodeURIComponent(id)}/pull`, { agent_id: agent.agent_id });
        choices.push(this.button(`${this.texts.give_to} ${agent.number} ${agent.name}`, pull, `pull-${agent.number}`));
      }
      if (!ready.length) choices.push(this.texts.none_ready);
    }
    choices.push(...this.drop(id));
    return { title: caller.shown ?? caller.number, choices };
  }

  // What may be done in the agent's conversation, by a supervisor who is signed in at a phone.
  listening(agent) {
    const modes = MODES.filter((mode) => this.may[mode]);
    if (!modes.length || !TALKING.includes(agent.state) || agent.call?.role === "supervisor") return [];
    const own = this.look().agents.get(this.own);
    if (!own || own.state === "loggedOff") return [this.texts.no_phone];
    const there = own.call?.listens?.agent_id === agent.agent_id ? own.call.listens.mode : "";
    const choices = modes.filter((mode) => mode !== there).map((mode) => {
      const begin = () => post(`/floor/agents/${encodeURIComponent(agent.agent_id)}/${mode}`, {});
      return this.button(this.texts[mode], begin, mode, mode === "intercept" ? this.texts.sure_intercept : "");
    });
    if (there) choices.push(this.button(this.texts.stop, () => post("/floor/listening/stop", {}), "stop"));
    return choices;
  }

  // Which queues the agent serves until sign-off.
  queues(agent) {
    const form = document.createElement("fieldset");
    const title = document.createElement("legend");
    title.textContent = this.texts.queues;
    form.append(title);
    for (const queue of [...this.look().queues.values()].sort((a, b) => a.number.localeCompare(b.number))) {
      const label = document.createElement("label");
      const box = document.createElement("input");
      Object.assign(box, { type: "checkbox", value: queue.queue_id, checked: agent.queues.includes(queue.queue_id) });
      label.append(box, ` ${queue.number} ${queue.name}`);
      form.append(label);
    }
    const chosen = () => [...form.querySelectorAll(":checked")].map((box) => box.value);
    const save = () => post(`/floor/agents/${encodeURIComponent(agent.agent_id)}/queues`, { queues: chosen() });
    form.append(this.button(this.texts.save, save, "queues"));
    return form;
  }

  drop(id) {
    if (!this.may.drop) return [];
    const button = this.button(this.texts.drop, () => post(`/floor/calls/${encodeURIComponent(id)}/drop`, {}), "drop", this.texts.sure);
    return [button];
  }

  // `sure`: it takes a second press, and that is what the button says then.
  button(label, act, name, sure = "") {
    const made = document.createElement("button");
    made.type = "button";
    made.className = `btn ${sure ? "btn-outline-danger" : ""}`.trim();
    made.textContent = label;
    made.dataset.do = name;
    made.addEventListener("click", async () => {
      if (sure && made.dataset.sure === undefined) {
        made.dataset.sure = "";
        made.textContent = sure;
        return;
      }
      this.dialog.close();
      try {
        await act();
        toast(this.texts.done);
      } catch (error) {
        toast(error.message || this.texts.failed, "danger");
      }
    });
    return made;
  }
}
