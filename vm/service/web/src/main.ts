// The page: a bar with the connection, and the view of a machine.

import "./style.css";

import { Connection, type Link } from "./connection";
import { h, rows, setText } from "./dom";
import { clock } from "./format";
import { MachineView } from "./machine";
import { nextWindow } from "./panels/chart";
import type { Machine, Snapshot } from "./snapshot";
import { startTheme, toggleTheme } from "./theme";

const LINKS: Record<Link, string> = {
  connecting: "connecting",
  live: "live",
  lost: "connection lost, trying again",
  asleep: "asleep",
};

class Page {
  private readonly link = h("span", "link connecting", LINKS.connecting);
  private readonly time = h("time", "now");
  private readonly machines = h("nav", "machines");
  private readonly pause = button("Pause", "p", () => this.togglePause());
  private readonly help = help();
  private readonly views = new Map<string, MachineView>();
  private readonly place = h("div", "place", h("p", "muted waiting", "Waiting for the first snapshot."));
  private selected: string | null = null;
  private isPaused = false;
  private newest: Snapshot | null = null;

  constructor() {
    this.link.setAttribute("role", "status");
    this.machines.setAttribute("aria-label", "Machines");
    const keys = h(
      "div",
      "keys",
      this.pause,
      button("Time", "w", nextWindow),
      button("Theme", "t", toggleTheme),
      button("Help", "?", () => this.toggleHelp()),
    );
    const links = h("span", "links", link("/metrics"), link("/runbooks"));
    const bar = h("header", "bar", h("span", "brand", "riscope"), this.link, this.time, this.machines, links, keys);
    document.body.append(bar, this.place, this.help);
    document.addEventListener("keydown", (event) => this.press(event));
    new Connection(
      (snapshot) => this.take(snapshot),
      (state) => this.tell(state),
    );
  }

  private take(snapshot: Snapshot): void {
    if (this.isPaused) return;
    this.newest = snapshot;
    const machine = this.shown(snapshot);
    setText(this.time, clock(snapshot.time_ms).slice(0, 8));
    this.showMachines(snapshot.machines, machine);
    if (!machine) {
      this.place.replaceChildren(h("p", "muted waiting", "There is no machine."));
      return;
    }
    document.title = `${machine.name} · riscope`;
    // Every machine keeps its history, whichever is shown.
    for (const each of snapshot.machines) this.view(each.id).update(snapshot, each);
    for (const id of this.views.keys()) {
      if (!snapshot.machines.some((each) => each.id === id)) this.views.delete(id);
    }
    const { root } = this.view(machine.id);
    if (this.place.firstElementChild !== root) this.place.replaceChildren(root);
  }

  private shown(snapshot: Snapshot): Machine | undefined {
    return snapshot.machines.find((machine) => machine.id === this.selected) ?? snapshot.machines[0];
  }

  private view(id: string): MachineView {
    let view = this.views.get(id);
    if (!view) this.views.set(id, (view = new MachineView()));
    return view;
  }

  private showMachines(machines: Machine[], shown: Machine | undefined): void {
    const names = machines.length > 1 ? machines : [];
    const buttons = rows(this.machines, names.length, () => h("button", "small"));
    names.forEach((machine, index) => {
      const element = buttons[index];
      if (!element) return;
      setText(element, machine.name);
      element.setAttribute("aria-current", String(machine.id === shown?.id));
      element.onclick = () => {
        this.selected = machine.id;
        if (this.newest) this.take(this.newest);
      };
    });
  }

  private tell(state: Link): void {
    this.link.className = `link ${this.isPaused ? "paused" : state}`;
    setText(this.link, this.isPaused ? "paused" : LINKS[state]);
    document.body.classList.toggle("stale", state !== "live");
  }

  private togglePause(): void {
    this.isPaused = !this.isPaused;
    this.pause.setAttribute("aria-pressed", String(this.isPaused));
    this.tell("live");
  }

  private toggleHelp(): void {
    if (this.help.open) this.help.close();
    else this.help.showModal();
  }

  private press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions: Record<string, () => void> = {
      p: () => this.togglePause(),
      t: toggleTheme,
      w: nextWindow,
      e: () => this.views.forEach((view) => view.events.toggle()),
      "?": () => this.toggleHelp(),
    };
    const action = actions[event.key];
    if (action) {
      event.preventDefault();
      action();
    }
  }
}

function button(label: string, key: string, action: () => void): HTMLButtonElement {
  const element = h("button", "small", label, h("kbd", "", key));
  element.type = "button";
  element.addEventListener("click", action);
  return element;
}

function link(path: string): HTMLAnchorElement {
  const element = h("a", "", path);
  element.href = path;
  return element;
}

function help(): HTMLDialogElement {
  const keys = [
    ["p", "pause, or go on"],
    ["w", "show two or ten minutes"],
    ["e", "show or hide events of the engine"],
    ["t", "light or dark"],
    ["?", "this help"],
  ];
  const list = h("dl", "");
  for (const [key = "", meaning = ""] of keys) list.append(h("dt", "", h("kbd", "", key)), h("dd", "", meaning));
  const notes = h(
    "p",
    "muted",
    "Rates are those of the last second. Hot blocks are blocks that were promoted to a higher tier; arrivals are those " +
      "counted until then. Block sizes are those of all compilations. The same figures are in /metrics, in ",
    "/api/v1/live and in riscope top.",
  );
  const close = h("button", "small", "Close");
  const dialog = h("dialog", "help", h("h2", "", "Keys"), list, notes, close);
  close.addEventListener("click", () => dialog.close());
  return dialog;
}

startTheme();
new Page();
