// The part of d3-flame-graph that the page uses; the package has no types.

declare module "d3-flame-graph" {
  import type { Selection } from "d3-selection";

  export interface FlameGraph {
    (selection: Selection<any, any, any, any>): void;
    width(pixels: number): this;
    cellHeight(pixels: number): this;
    minFrameSize(pixels: number): this;
    transitionDuration(ms: number): this;
    inverted(isTopDown: boolean): this;
    sort(isSorted: boolean): this;
    setColorMapper(mapper: (frame: { data: { name: string } }) => string): this;
    update(data?: unknown): this;
  }

  export default function flamegraph(): FlameGraph;
}
