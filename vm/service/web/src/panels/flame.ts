// Flame graph of folded stacks.

import flamegraph, { type FlameGraph } from "d3-flame-graph";
import { select } from "d3-selection";

interface Frame {
  name: string;
  value: number;
  children: Frame[];
}

export class Flame {
  private readonly graph: FlameGraph;

  constructor(private readonly holder: HTMLElement) {
    this.graph = flamegraph().cellHeight(18).minFrameSize(2).transitionDuration(0).inverted(true).sort(true);
    this.graph.setColorMapper((frame) => colourOf(frame.data.name));
    new ResizeObserver(() => {
      this.graph.width(holder.clientWidth);
      if (holder.hasChildNodes()) this.graph.update();
    }).observe(holder);
  }

  /** Shows stacks, one a line: frames separated by semicolons, a space, a number. Returns their number. */
  show(folded: string): number {
    const root: Frame = { name: "all", value: 0, children: [] };
    for (const line of folded.split("\n")) {
      const end = line.lastIndexOf(" ");
      const samples = Number(line.slice(end + 1));
      if (end > 0 && samples > 0) add(root, line.slice(0, end).split(";"), samples);
    }
    this.graph.width(this.holder.clientWidth);
    select(this.holder).datum(root).call(this.graph);
    return root.value;
  }
}

/** A colour that a name always has. */
function colourOf(name: string): string {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return `hsl(${205 + (hash % 50)} ${45 + (hash % 17)}% ${64 + (hash % 13)}%)`;
}

function add(root: Frame, stack: string[], samples: number): void {
  let frame = root;
  frame.value += samples;
  for (const name of stack.slice(0, 128)) {
    let child = frame.children.find((other) => other.name === name);
    if (!child) frame.children.push((child = { name, value: 0, children: [] }));
    child.value += samples;
    frame = child;
  }
}
