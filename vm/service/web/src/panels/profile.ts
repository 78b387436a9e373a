// Flame graph of the guest, if riscope profiles it: /debug/pprof/guest. The library comes only then.

import { h, panel, setText } from "../dom";

/** Seconds of a profile. */
const SECONDS = 3;
/** Milliseconds between the ends and starts of profiles. */
const PERIOD = 12_000;

export class Profile {
  private readonly panel = panel("profile", "Flame graph");
  readonly root = this.panel.root;
  private readonly holder = h("div", "flame");
  private due = 0;

  constructor() {
    this.root.hidden = true;
    this.panel.body.append(this.holder);
  }

  /** Takes another profile if it is time. */
  async refresh(): Promise<void> {
    if (Date.now() < this.due) return;
    this.due = Number.POSITIVE_INFINITY;
    const isThere = await this.fetch(this.root.hidden ? 1 : SECONDS).catch(() => true);
    if (isThere) this.due = Date.now() + PERIOD;
  }

  /** Takes a profile of some seconds; false if this riscope takes none. */
  private async fetch(seconds: number): Promise<boolean> {
    const limit = AbortSignal.timeout((seconds + 5) * 1000);
    const response = await fetch(`/debug/pprof/guest?seconds=${seconds}&format=folded`, { signal: limit });
    if (response.status !== 200) return response.status !== 404;
    const folded = await response.text();
    const { Flame } = await import("./flame");
    this.root.hidden = false;
    this.flame ??= new Flame(this.holder);
    const samples = this.flame.show(folded);
    setText(this.panel.note, `${samples} samples of ${seconds} s; click to zoom`);
    return true;
  }

  private flame: import("./flame").Flame | null = null;
}
