// Figures with three digits and their units. A thin space separates them.

const THIN = "\u202f";

/** Three significant digits, none behind the point from 100. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

/** A figure with a decimal prefix before its unit. */
export function si(value: number, unit = ""): string {
  const size = Math.abs(value);
  for (const [scale, prefix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]] as const) {
    if (size >= scale * 0.9995) return join(digits(value / scale), prefix + unit);
  }
  return join(digits(value), unit);
}

/** Bytes with a binary prefix. */
export function bytes(value: number): string {
  for (const [scale, unit] of [[1 << 30, "GiB"], [1 << 20, "MiB"], [1 << 10, "KiB"]] as const) {
    if (value >= scale) {
      const scaled = value / scale;
      return join(Number.isInteger(scaled) ? String(scaled) : digits(scaled), unit);
    }
  }
  return join(String(value), "B");
}

/** A whole number, shortened when it is long. */
export function count(value: number): string {
  return value < 100_000 ? String(Math.round(value)) : si(value);
}

export function percent(share: number): string {
  return join(digits(share * 100), "%");
}

/** A time that was measured in microseconds. */
export function microseconds(value: number): string {
  if (value >= 1e6) return join(digits(value / 1e6), "s");
  if (value >= 1e3) return join(digits(value / 1e3), "ms");
  return join(digits(value), "µs");
}

/** A duration in seconds: 02:03:04, or 1 d 02:03. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const days = Math.floor(whole / 86400);
  const [hours, minutes] = [two(Math.floor(whole / 3600) % 24), two(Math.floor(whole / 60) % 60)];
  return days > 0 ? `${days}${THIN}d ${hours}:${minutes}` : `${hours}:${minutes}:${two(whole % 60)}`;
}

/** Local time of the day, with milliseconds. */
export function clock(ms: number): string {
  const date = new Date(ms);
  const pad = (n: number, width = 2) => String(n).padStart(width, "0");
  const seconds = `${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${seconds}`;
}

function join(figure: string, unit: string): string {
  return unit === "" ? figure : `${figure}${THIN}${unit}`;
}
