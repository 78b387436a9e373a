// View of one machine: its panels.

import { h, rows, setText } from "./dom";
import { bytes, digits, duration, si } from "./format";
import { Alerts } from "./panels/alerts";
import { Blocks } from "./panels/blocks";
import { Chart } from "./panels/chart";
import { Console } from "./panels/console";
import { Events } from "./panels/events";
import { Figures } from "./panels/figures";
import { Harts } from "./panels/harts";
import { Profile } from "./panels/profile";
import { Sizes } from "./panels/sizes";
import { Tiers } from "./panels/tiers";
import type { Machine, Snapshot } from "./snapshot";

export class MachineView {
  readonly root = h("main", "machine");
  readonly events = new Events();
  private readonly name = h("h1");
  private readonly state = h("span", "state");
  private readonly facts = h("ul", "facts");
  private readonly reasons = h("p", "reasons");
  private readonly figures = new Figures();
  private readonly speed = new Chart({
    id: "speed",
    title: "Guest instructions",
    lines: ["interpreter", "baseline", "optimised"].map((tier) => ({ label: tier, colour: `tier-${tier}` })),
    isStacked: true,
    format: (value) => `${digits(value)}\u202fM/s`,
  });
  private readonly rates = new Chart({
    id: "rates",
    title: "JIT, each second",
    lines: [
      { label: "compiled", colour: "tier-baseline" },
      { label: "hotspots", colour: "accent-2" },
      { label: "invalidated", colour: "accent-3" },
    ],
    isStacked: false,
    format: (value) => si(value),
  });
  private readonly tiers = new Tiers();
  private readonly sizes = new Sizes();
  private readonly harts = new Harts();
  private readonly blocks = new Blocks();
  private readonly console = new Console();
  private readonly alerts = new Alerts();
  private readonly profile = new Profile();

  constructor() {
    this.reasons.setAttribute("role", "status");
    const heading = h("header", "machine-head", this.name, this.state, this.facts, this.reasons);
    const panels = [
      this.alerts,
      this.speed.panel,
      this.harts,
      this.rates.panel,
      this.sizes,
      this.tiers,
      this.profile,
      this.blocks,
      this.events,
      this.console,
    ];
    this.root.append(heading, this.figures.root, h("div", "grid", ...panels.map((panel) => panel.root)));
  }

  update(snapshot: Snapshot, machine: Machine): void {
    setText(this.name, machine.name);
    setText(this.state, machine.state);
    this.state.className = `state ${machine.condition.level}`;
    setText(this.reasons, machine.condition.reasons.join("; "));
    this.reasons.className = `reasons ${machine.condition.level}`;
    this.showFacts(facts(snapshot, machine));
    this.figures.update(snapshot, machine);
    const mips = (tier: string) => machine.tiers.find((other) => other.tier === tier)?.mips ?? 0;
    this.speed.push(snapshot.time_ms, [mips("interpreter"), mips("baseline"), mips("optimised")]);
    const { compiled_per_second, hotspots_per_second, invalidated_per_second } = machine.jit;
    this.rates.push(snapshot.time_ms, [compiled_per_second, hotspots_per_second, invalidated_per_second]);
    this.tiers.update(machine);
    this.sizes.update(snapshot.block_sizes);
    this.harts.update(machine);
    this.blocks.update(machine);
    this.events.update(machine);
    this.console.update(machine);
    void this.alerts.refresh();
    void this.profile.refresh();
  }

  private showFacts(texts: string[]): void {
    rows(this.facts, texts.length, () => h("li")).forEach((item, index) => setText(item, texts[index] ?? ""));
  }
}

function facts(snapshot: Snapshot, machine: Machine): string[] {
  const harts = machine.harts.length;
  const up = machine.booted_ms === null ? "not started" : `up ${duration((snapshot.time_ms - machine.booted_ms) / 1000)}`;
  const texts = [machine.engine, `${harts} hart${harts === 1 ? "" : "s"}`, bytes(machine.memory_bytes), up];
  if (machine.resets > 0) texts.push(`${machine.resets} reset${machine.resets === 1 ? "" : "s"}`);
  if (machine.panics > 0) texts.push(`${machine.panics} panic${machine.panics === 1 ? "" : "s"}`);
  return texts;
}
