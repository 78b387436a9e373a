// Harts, where their CPU time goes, and frequent facts.

import { fill, h, panel, rows, setText, table } from "../dom";
import { digits, percent, si } from "../format";
import type { Machine, Named } from "../snapshot";

const HEADINGS = ["Hart", ">MIPS", ">CPU", ">Idle", "State"];

export class Harts {
  private readonly panel = panel("harts", "Harts");
  readonly root = this.panel.root;
  private readonly table = table(HEADINGS);
  private readonly activities = new Meters("CPU time by activity", (value) => percent(value));
  private readonly rates = new Meters("Each second", (value) => si(value));

  constructor() {
    const meters = h("div", "pair", this.activities.root, this.rates.root);
    this.panel.body.append(this.table.root, meters);
  }

  update(machine: Machine): void {
    setText(this.panel.note, `${machine.harts.length}`);
    const lines = rows(this.table.body, machine.harts.length, () => h("tr"));
    machine.harts.forEach((hart, index) => {
      const line = lines[index];
      if (!line) return;
      const state = hart.is_stalled ? "hangs" : hart.idle > 0.5 ? "idle" : "busy";
      line.className = hart.is_stalled ? "critical" : "";
      fill(line, HEADINGS, [String(hart.index), digits(hart.mips), percent(hart.cpus), percent(hart.idle), state]);
    });
    this.activities.update(machine.activities, Math.max(1, machine.harts.length));
    this.rates.update(machine.rates, null);
  }
}

/** Figures with names; with bars that are full at `full`. */
class Meters {
  readonly root = h("div", "meters");
  private readonly list = h("ul");

  constructor(
    title: string,
    private readonly format: (value: number) => string,
  ) {
    this.root.append(h("h3", "", title), this.list);
  }

  update(figures: Named[], full: number | null): void {
    const items = rows(this.list, figures.length, () => h("li", "", h("span"), h("b"), h("div", "meter", h("div"))));
    figures.forEach((figure, index) => {
      const item = items[index];
      if (!item) return;
      const [name, value, meter] = Array.from(item.children) as [HTMLElement, HTMLElement, HTMLElement];
      setText(name, figure.name);
      setText(value, this.format(figure.value));
      meter.hidden = full === null;
      const inner = meter.firstElementChild as HTMLElement;
      inner.style.width = `${full === null ? 0 : Math.min(100, (100 * figure.value) / full)}%`;
    });
  }
}
