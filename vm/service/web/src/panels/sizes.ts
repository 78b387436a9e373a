// Histogram of the sizes of compiled blocks, by tier.

import { h, panel, rows, setText } from "../dom";
import { count } from "../format";
import type { BlockSizes } from "../snapshot";

export class Sizes {
  private readonly panel = panel("sizes", "Block sizes");
  readonly root = this.panel.root;
  private readonly bars = h("div", "histogram");

  constructor() {
    this.panel.body.append(this.bars);
  }

  update(sizes: BlockSizes): void {
    const buckets = sizes.bounds.length + 1;
    const totals = Array.from({ length: buckets }, (_, index) =>
      sizes.tiers.reduce((total, tier) => total + (tier.counts[index] ?? 0), 0),
    );
    const highest = Math.max(1, ...totals);
    setText(this.panel.note, `${count(totals.reduce((a, b) => a + b, 0))} blocks by guest bytes`);
    const columns = rows(this.bars, buckets, () => h("div", "column", h("b"), h("div", "stack"), h("span", "bound")));
    columns.forEach((column, index) => {
      const [number, stack, bound] = Array.from(column.children) as [HTMLElement, HTMLElement, HTMLElement];
      const total = totals[index] ?? 0;
      const limit = sizes.bounds[index];
      setText(number, total > 0 ? count(total) : "");
      setText(bound, limit === undefined ? "more" : limit >= 1024 ? `${limit / 1024}k` : String(limit));
      column.title = `${count(total)} blocks of ${limit === undefined ? "more" : `up to ${limit}`} bytes`;
      const parts = rows(stack, sizes.tiers.length, () => h("div"));
      sizes.tiers.forEach((tier, at) => {
        const part = parts[at];
        if (!part) return;
        part.className = `part tier-${tier.tier}`;
        part.style.height = `${(100 * (tier.counts[index] ?? 0)) / highest}%`;
      });
    });
  }
}
