// Execution and compilation by tier, with what the code cache holds of each.

import { fill, h, panel, rows, setText, table } from "../dom";
import { bytes, count, digits, percent } from "../format";
import type { Machine } from "../snapshot";

const HEADINGS = ["Tier", ">MIPS", ">Share", ">Compiled", ">Resident", ">Cache"];

export class Tiers {
  private readonly panel = panel("tiers", "Tiers and code cache");
  readonly root = this.panel.root;
  private readonly table = table(HEADINGS);
  private readonly bar = h("div", "fill");
  private readonly facts = h("ul", "facts");

  constructor() {
    this.bar.setAttribute("role", "img");
    this.panel.body.append(this.bar, this.table.root, this.facts);
  }

  update(machine: Machine): void {
    const { limit_bytes: limit, used_bytes: used } = machine.cache;
    const share = limit > 0 ? used / limit : 0;
    setText(this.panel.note, `${bytes(used)} of ${bytes(limit)}`);
    this.bar.setAttribute("aria-label", `The code cache is ${percent(share)} full`);
    const parts = rows(this.bar, machine.tiers.length, () => h("div"));
    const lines = rows(this.table.body, machine.tiers.length, () => h("tr"));
    machine.tiers.forEach((tier, index) => {
      const [part, line] = [parts[index], lines[index]];
      if (!part || !line) return;
      part.className = `part tier-${tier.tier}`;
      part.style.width = `${limit > 0 ? (100 * tier.cache_bytes) / limit : 0}%`;
      line.className = `tier-${tier.tier}`;
      const isCompiled = index > 0;
      fill(line, HEADINGS, [
        tier.tier,
        digits(tier.mips),
        percent(machine.mips > 0 ? tier.mips / machine.mips : 0),
        isCompiled ? count(tier.compiled) : "–",
        isCompiled ? count(tier.resident_blocks) : "–",
        isCompiled ? bytes(tier.cache_bytes) : "–",
      ]);
    });
    const { queue_depth, compiler_cpus, failures, evicted } = machine.jit;
    const facts = [
      `compiler thread ${percent(compiler_cpus)} of a CPU`,
      `${count(queue_depth)} waiting`,
      `${count(failures)} failed`,
      `${count(evicted)} evicted`,
    ];
    rows(this.facts, facts.length, () => h("li")).forEach((item, index) => setText(item, facts[index] ?? ""));
  }
}
