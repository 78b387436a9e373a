// Alerts, if riscope evaluates any: /api/v1/alerts, in the form of Prometheus.

import { h, panel, rows, setText } from "../dom";

/** Milliseconds between two requests. */
const PERIOD = 5000;

interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: string;
  activeAt: string;
}

export class Alerts {
  private readonly panel = panel("alerts", "Alerts");
  readonly root = this.panel.root;
  private readonly list = h("ul", "alert-list");
  private readonly none = h("p", "muted", "None is pending or firing.");
  private due = 0;

  constructor() {
    this.root.hidden = true;
    this.panel.body.append(this.list, this.none);
  }

  /** Asks again if it is time. */
  async refresh(): Promise<void> {
    const now = Date.now();
    if (now < this.due) return;
    this.due = now + PERIOD;
    try {
      const response = await fetch("/api/v1/alerts", { signal: AbortSignal.timeout(PERIOD) });
      if (response.status !== 200) {
        // Not in this riscope.
        if (response.status === 404) this.due = Number.POSITIVE_INFINITY;
        return;
      }
      const answer = (await response.json()) as { data?: { alerts?: Alert[] } };
      this.show(answer.data?.alerts ?? []);
    } catch {
      // The connection says so.
    }
  }

  private show(alerts: Alert[]): void {
    this.root.hidden = false;
    this.none.hidden = alerts.length > 0;
    const firing = alerts.filter((alert) => alert.state === "firing").length;
    setText(this.panel.note, `${firing} firing, ${alerts.length - firing} pending`);
    const items = rows(this.list, alerts.length, () => h("li", "", h("b"), h("span"), h("time")));
    alerts.forEach((alert, index) => {
      const item = items[index];
      if (!item) return;
      const [name, text, since] = Array.from(item.children) as [HTMLElement, HTMLElement, HTMLElement];
      const severity = alert.labels.severity === "critical" ? "critical" : "warning";
      item.className = alert.state === "firing" ? severity : "info";
      setText(name, alert.labels.alertname ?? "alert");
      setText(text, alert.annotations.description ?? alert.annotations.summary ?? "");
      setText(since, `${alert.state} since ${new Date(alert.activeAt).toLocaleTimeString([], { hour12: false })}`);
    });
  }
}
