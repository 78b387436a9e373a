// Main figures of a machine.

import { h, setText } from "../dom";
import { bytes, count, digits, microseconds, percent, si } from "../format";
import type { Machine, Snapshot } from "../snapshot";

interface Figure {
  label: string;
  unit: string;
  /** The figure, and what stands below it. */
  read: (machine: Machine, snapshot: Snapshot) => [string, string];
}

const FIGURES: Figure[] = [
  {
    label: "Guest speed",
    unit: "MIPS",
    read: (machine) => [digits(machine.mips), `${si(sum(machine.tiers.map((tier) => tier.instructions)))} instructions`],
  },
  {
    label: "Host CPU",
    unit: "CPUs",
    read: (_, { process }) => [digits(process.cpus), `of ${process.available_cpus}`],
  },
  {
    label: "Compiled",
    unit: "blocks/s",
    read: ({ jit }) => [si(jit.compiled_per_second), `${count(jit.compiled)} in all, ${count(jit.failures)} failed`],
  },
  {
    label: "Hotspots",
    unit: "/s",
    read: ({ jit }) => [si(jit.hotspots_per_second), `${count(jit.hotspots)} in all`],
  },
  {
    label: "Invalidated",
    unit: "blocks/s",
    read: ({ jit }) => [si(jit.invalidated_per_second), `${count(jit.invalidated)} in all`],
  },
  {
    label: "Compile time",
    unit: "a block",
    read: ({ jit }) => [
      jit.compile_us === null ? "–" : microseconds(jit.compile_us),
      jit.compile_us === null ? "nothing was compiled" : `${count(jit.queue_depth)} waiting`,
    ],
  },
  {
    label: "Code cache",
    unit: "",
    read: ({ cache }) => [
      bytes(cache.used_bytes),
      cache.limit_bytes > 0 ? `${percent(cache.used_bytes / cache.limit_bytes)} of ${bytes(cache.limit_bytes)}` : "none",
    ],
  },
];

export class Figures {
  readonly root = h("dl", "figures");
  private readonly cells = FIGURES.map((figure) => {
    const value = h("b");
    const below = h("span", "below");
    const unit = h("span", "unit", figure.unit);
    this.root.append(h("div", "figure-cell", h("dt", "", figure.label), h("dd", "", value, " ", unit, below)));
    return { value, below };
  });

  constructor() {
    this.root.dataset.panel = "figures";
  }

  update(snapshot: Snapshot, machine: Machine): void {
    FIGURES.forEach((figure, index) => {
      const cell = this.cells[index];
      const [value, below] = figure.read(machine, snapshot);
      if (!cell) return;
      setText(cell.value, value);
      setText(cell.below, below);
    });
  }
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
