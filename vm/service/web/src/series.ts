// History of figures for charts: one column of times, one for each figure.

/** Snapshots kept: ten minutes. */
const LENGTH = 600;

export class Series {
  readonly columns: number[][];

  constructor(series: number) {
    this.columns = Array.from({ length: series + 1 }, () => []);
  }

  /** Adds figures at a time in seconds. A gap in time is a gap in the lines. */
  push(time: number, figures: number[]): void {
    const times = this.columns[0] as number[];
    const last = times[times.length - 1];
    if (last !== undefined && time <= last) return;
    [time, ...figures].forEach((value, index) => {
      const column = this.columns[index];
      column?.push(value);
      if (column && column.length > LENGTH) column.shift();
    });
  }
}
