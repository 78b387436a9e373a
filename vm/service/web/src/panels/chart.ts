// Chart over time: lines, or areas on top of each other.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { h, panel, type Panel } from "../dom";
import { Series } from "../series";
import { colour, onTheme } from "../theme";

/** Seconds shown; a key switches between them. */
const WINDOWS = [120, 600];
/** Seconds shown at least. */
const SHORTEST = 30;
const FONT = '11px Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

export interface Line {
  label: string;
  /** Name of its colour in the style sheet. */
  colour: string;
}

interface Options {
  id: string;
  title: string;
  lines: Line[];
  isStacked: boolean;
  format: (value: number) => string;
}

let shownSeconds = WINDOWS[0] as number;
const charts = new Set<Chart>();

/** Shows the next longer time, or the shortest again. */
export function nextWindow(): void {
  shownSeconds = WINDOWS[(WINDOWS.indexOf(shownSeconds) + 1) % WINDOWS.length] as number;
  charts.forEach((chart) => chart.draw());
}

export class Chart {
  readonly panel: Panel;
  private readonly series: Series;
  private readonly plot: uPlot;
  private readonly values: HTMLElement[];

  constructor(private readonly options: Options) {
    this.panel = panel(options.id, options.title);
    this.series = new Series(options.lines.length);
    this.values = options.lines.map(() => h("b"));
    const legend = options.lines.map((line, index) => {
      const swatch = h("i", `swatch ${line.colour}`);
      return h("span", "key", swatch, line.label, " ", this.values[index] as HTMLElement);
    });
    this.panel.note.append(...legend);
    const holder = h("div", "plot");
    this.panel.body.append(holder);
    this.plot = new uPlot(this.uplot(), this.data(), holder);
    // The plot follows its holder, which lies over its panel and does not follow the plot.
    new ResizeObserver((entries) => {
      const size = entries[0]?.contentRect;
      if (size && size.width > 0) this.plot.setSize({ width: Math.floor(size.width), height: Math.floor(size.height) });
    }).observe(holder);
    onTheme(() => this.plot.redraw(false));
    charts.add(this);
  }

  /** Adds what is measured at a time in milliseconds. */
  push(timeMs: number, figures: number[]): void {
    this.series.push(timeMs / 1000, figures);
    this.draw();
  }

  draw(): void {
    this.plot.setData(this.data());
    this.showValues(null);
  }

  private data(): uPlot.AlignedData {
    const [times = [], ...columns] = this.series.columns;
    if (!this.options.isStacked) return [times, ...columns];
    const sums = times.map(() => 0);
    return [times, ...columns.map((column) => column.map((value, at) => (sums[at] = (sums[at] as number) + value)))];
  }

  /** Shows the figures at an index in the legend, or the newest ones. */
  private showValues(index: number | null): void {
    const last = (this.series.columns[0]?.length ?? 0) - 1;
    const at = index ?? last;
    this.values.forEach((element, line) => {
      const value = this.series.columns[line + 1]?.[at];
      element.textContent = value === undefined ? "–" : this.options.format(value);
    });
  }

  private uplot(): uPlot.Options {
    const { lines, isStacked, format } = this.options;
    const axis = { stroke: () => colour("muted"), font: FONT, ticks: { show: false } };
    const grid = { stroke: () => colour("line"), width: 1 };
    return {
      width: 320,
      height: 180,
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: !isStacked }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: (_, min, max) => shownRange(min ?? 0, max ?? 0) },
        y: { range: (_, __, max) => [0, Math.max(max ?? 0, 1e-3) * 1.08] },
      },
      axes: [
        { ...axis, grid: { show: false }, space: 80, size: 24, values: (_, splits) => splits.map(timeOfDay) },
        { ...axis, grid, size: 52, space: 32, values: (_, splits) => splits.map((value) => format(value)) },
      ],
      series: [
        {},
        ...lines.map((line) => ({
          label: line.label,
          stroke: () => colour(line.colour),
          width: isStacked ? 1 : 1.5,
          points: { show: false },
          ...(isStacked ? { fill: () => colour(`${line.colour}-area`) } : {}),
        })),
      ],
      bands: isStacked ? lines.slice(1).map((_, index) => ({ series: [index + 2, index + 1] as [number, number] })) : [],
      hooks: { setCursor: [(plot) => this.showValues(plot.cursor.idx ?? null)] },
    };
  }
}

/** The last seconds, from the first measurement on, and never only a moment. */
function shownRange(first: number, last: number): [number, number] {
  return [Math.min(last - SHORTEST, Math.max(first, last - shownSeconds)), last];
}

function timeOfDay(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}
