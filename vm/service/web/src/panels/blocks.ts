// Hot blocks: those that were promoted, with what is known of their translations.

import { fill, h, panel, rows, setText, table } from "../dom";
import { bytes, count, microseconds } from "../format";
import type { Machine } from "../snapshot";

const HEADINGS = ["Block", "Tier", ">Arrivals", ">Promoted", ">Insns", ">Guest", ">Host", ">Compiled in"];

export class Blocks {
  private readonly panel = panel("blocks", "Hot blocks");
  readonly root = this.panel.root;
  private readonly table = table(HEADINGS);

  constructor() {
    const scroll = h("div", "scroll", this.table.root);
    scroll.tabIndex = 0;
    this.panel.body.append(scroll);
  }

  update(machine: Machine): void {
    const blocks = machine.hot_blocks;
    setText(this.panel.note, blocks.length > 0 ? "promoted, highest tier first" : "none was promoted yet");
    const lines = rows(this.table.body, blocks.length, () => h("tr"));
    blocks.forEach((block, index) => {
      const line = lines[index];
      if (!line) return;
      line.className = `tier-${block.tier}`;
      line.title = `physical ${block.phys}, hart ${block.hart}`;
      fill(line, HEADINGS, [
        block.symbol === null ? block.pc : `${block.symbol}  ${block.pc}`,
        block.tier,
        count(block.executions),
        `${count(block.promotions)}×`,
        block.instructions > 0 ? count(block.instructions) : "–",
        block.guest_bytes > 0 ? bytes(block.guest_bytes) : "–",
        block.host_bytes > 0 ? bytes(block.host_bytes) : "–",
        block.compile_us > 0 ? microseconds(block.compile_us) : "–",
      ]);
    });
  }
}
