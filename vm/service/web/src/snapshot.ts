// Format of /api/v1/live. vm/service/src/live/snapshot.rs declares it.

export interface Snapshot {
  version: number;
  riscope: string;
  sequence: number;
  time_ms: number;
  interval_seconds: number;
  process: { cpus: number; available_cpus: number };
  block_sizes: BlockSizes;
  machines: Machine[];
}

export interface BlockSizes {
  bounds: number[];
  tiers: { tier: string; counts: number[] }[];
}

export interface Machine {
  id: string;
  name: string;
  engine: string;
  memory_bytes: number;
  state: string;
  condition: { level: Level; reasons: string[] };
  booted_ms: number | null;
  resets: number;
  panics: number;
  mips: number;
  tiers: Tier[];
  harts: Hart[];
  activities: Named[];
  jit: Jit;
  cache: { limit_bytes: number; used_bytes: number };
  rates: Named[];
  hot_blocks: HotBlock[];
  events: DomainEvent[];
  console: { bytes: number; text: string };
}

export type Level = "ok" | "info" | "warning" | "critical";

export interface Tier {
  tier: string;
  instructions: number;
  mips: number;
  compiled: number;
  compiled_per_second: number;
  resident_blocks: number;
  cache_bytes: number;
}

export interface Hart {
  index: number;
  mips: number;
  cpus: number;
  idle: number;
  is_stalled: boolean;
}

export interface Named {
  name: string;
  value: number;
}

export interface Jit {
  compiled: number;
  compiled_per_second: number;
  hotspots: number;
  hotspots_per_second: number;
  failures: number;
  invalidated: number;
  invalidated_per_second: number;
  evicted: number;
  queue_depth: number;
  compiler_cpus: number;
  compile_us: number | null;
}

export interface HotBlock {
  pc: string;
  phys: string;
  symbol: string | null;
  tier: string;
  hart: number;
  executions: number;
  promotions: number;
  instructions: number;
  guest_bytes: number;
  host_bytes: number;
  compile_us: number;
  time_ms: number;
}

export interface DomainEvent {
  sequence: number;
  time_ms: number;
  event: string;
  level: Level;
  text: string;
}
