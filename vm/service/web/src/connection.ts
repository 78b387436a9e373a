// Connection to the event stream: snapshots while the page is visible.

import type { Snapshot } from "./snapshot";

export type Link = "connecting" | "live" | "lost" | "asleep";

/** Milliseconds without a snapshot after which the connection counts as lost. */
const SILENCE = 4000;
/** Milliseconds for which a hidden page keeps its stream. */
const DOZE = 30_000;
/** Milliseconds between two attempts to connect, when the browser makes none. */
const RETRY = 2000;

export class Connection {
  private source: EventSource | null = null;
  private timer = 0;
  private doze = 0;
  private wantsRetry = 0;

  constructor(
    private readonly take: (snapshot: Snapshot) => void,
    private readonly tell: (link: Link) => void,
  ) {
    document.addEventListener("visibilitychange", () => this.look());
    this.open();
  }

  /** Closes the stream of a page that nobody sees: then riscope has no work with it. */
  private look(): void {
    window.clearTimeout(this.doze);
    if (document.visibilityState === "hidden") {
      this.doze = window.setTimeout(() => {
        this.close();
        this.tell("asleep");
      }, DOZE);
    } else if (this.source === null) {
      this.open();
    }
  }

  private open(): void {
    this.close();
    this.tell("connecting");
    const source = new EventSource("/api/v1/live/events");
    this.source = source;
    source.onmessage = (event: MessageEvent<string>) => {
      this.expect();
      this.tell("live");
      this.take(JSON.parse(event.data) as Snapshot);
    };
    source.onerror = () => this.lose();
    this.expect();
  }

  private expect(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.lose(), SILENCE);
  }

  private lose(): void {
    this.close();
    this.tell("lost");
    this.wantsRetry = window.setTimeout(() => this.open(), RETRY);
  }

  private close(): void {
    window.clearTimeout(this.timer);
    window.clearTimeout(this.wantsRetry);
    this.source?.close();
    this.source = null;
  }
}
