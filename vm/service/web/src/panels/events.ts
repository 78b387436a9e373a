// Log of events, newest first.

import { h, panel, rows, setText } from "../dom";
import { clock } from "../format";
import type { Machine } from "../snapshot";

/** Family of the events of the engine, which most are of. */
const ENGINE = "execution.";

export class Events {
  private readonly panel = panel("events", "Events");
  readonly root = this.panel.root;
  private readonly list = h("ol", "log");
  private readonly filter = h("button", "small", "all");
  private hidesEngine = false;
  private newest: Machine | null = null;

  constructor() {
    const scroll = h("div", "scroll", this.list);
    scroll.tabIndex = 0;
    this.panel.body.append(scroll);
    this.filter.type = "button";
    this.filter.title = "Show or hide events of the engine (e)";
    this.filter.addEventListener("click", () => this.toggle());
    this.panel.note.append(this.filter);
  }

  /** Shows or hides events of the engine. */
  toggle(): void {
    this.hidesEngine = !this.hidesEngine;
    this.filter.setAttribute("aria-pressed", String(this.hidesEngine));
    setText(this.filter, this.hidesEngine ? "without engine" : "all");
    if (this.newest) this.update(this.newest);
  }

  update(machine: Machine): void {
    this.newest = machine;
    const isShown = (event: string) => !this.hidesEngine || !event.startsWith(ENGINE);
    const events = machine.events.filter(({ event }) => isShown(event)).reverse();
    const items = rows(this.list, events.length, () => h("li", "", h("time"), h("b"), h("span")));
    events.forEach((event, index) => {
      const item = items[index];
      if (!item) return;
      const [time, name, text] = Array.from(item.children) as [HTMLElement, HTMLElement, HTMLElement];
      item.className = event.level;
      item.title = `${event.event} ${event.text}`;
      setText(time, clock(event.time_ms));
      setText(name, event.event.replace(ENGINE, ""));
      setText(text, event.text);
    });
  }
}
