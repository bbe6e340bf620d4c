// The verdict of a soak: what the broker's process holds does not grow after its caches are warm. Pure.

import type { Holdings } from '../fuzz/fuzz-stack';
import { type Trend, trendOf } from './trend';

export interface HeldAt extends Holdings {
  readonly atSeconds: number;
}

export interface SoakVerdict {
  readonly heap: Trend;
  readonly handles: Trend;
  readonly natsConnections: Trend;
  readonly faults: readonly string[];
}

/** What is left out at the beginning. */
export const warmUpShare = 0.3;
/** Growth of a process that would fill its memory of 2 GiB within a week. Unit: bytes an hour. */
const maxHeapPerHour = 12 * 1024 ** 2;
/** What a garbage collection does not find at once; a short soak cannot tell it from growth. Unit: bytes. */
const noiseBytes = 8 * 1024 ** 2;
const maxHandlesPerHour = 60;
const noiseHandles = 12;

/** @param all in order of time */
export function judge(all: readonly HeldAt[]): SoakVerdict {
  const total = all.at(-1)?.atSeconds ?? 0;
  const warm = all.filter(({ atSeconds }) => atSeconds >= total * warmUpShare);
  const trend = (value: (held: HeldAt) => number): Trend =>
    trendOf(warm.map((held) => ({ atSeconds: held.atSeconds, value: value(held) })));
  const heap = trend(({ heapBytes }) => heapBytes);
  const handles = trend((held) => held.handles);
  const natsConnections = trend((held) => held.natsConnections);
  const hours = ((warm.at(-1)?.atSeconds ?? 0) - (warm[0]?.atSeconds ?? 0)) / 3_600;
  const faults: string[] = [];
  if (heap.perHour > maxHeapPerHour && heap.perHour * hours > noiseBytes) faults.push('the heap grows');
  if (handles.perHour > maxHandlesPerHour && handles.perHour * hours > noiseHandles)
    faults.push('handles grow');
  if (natsConnections.least !== 2 || natsConnections.most !== 2)
    faults.push(`${natsConnections.least} to ${natsConnections.most} NATS connections instead of 2`);
  return { heap, handles, natsConnections, faults };
}
