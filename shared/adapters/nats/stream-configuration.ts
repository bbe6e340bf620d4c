// Makes sure that a stream exists in the wanted configuration, whoever made it.

import type { StreamConfig } from 'nats';
import type { Log } from '../../log';
import type { JetStream, StreamState } from './jetstream';

export type WantedStream = Partial<StreamConfig> & { readonly name: string };

/** Creates a stream, or brings an existing one to the wanted configuration. */
export async function ensureStream(jetStream: JetStream, wanted: WantedStream, log: Log): Promise<void> {
  const existing = await jetStream.streamState(wanted.name);
  if (existing) return bringUpToDate(jetStream, existing, wanted, log);
  if (!(await jetStream.createStream(wanted))) await ensureStream(jetStream, wanted, log);
}

/** Changes what differs; what is not named in the wanted configuration stays. */
export async function bringUpToDate(
  jetStream: JetStream,
  existing: StreamState,
  wanted: WantedStream,
  log: Log,
): Promise<void> {
  const changed = changedFields(existing.config, wanted);
  if (!changed.length) return;
  log('info', 'stream configuration changed', { stream: wanted.name, changed });
  await jetStream.updateStream({ ...existing.config, ...wanted });
}

/** Names of the wanted fields that an existing configuration lacks; metadata is compared by our own keys. */
function changedFields(existing: StreamConfig, wanted: Partial<StreamConfig>): string[] {
  return Object.entries(wanted)
    .filter(([name, value]) => {
      const present = existing[name as keyof StreamConfig] as unknown;
      if (name === 'metadata') {
        const known = (present ?? {}) as Record<string, string>;
        return Object.entries(value as Record<string, string>).some(([key, text]) => known[key] !== text);
      }
      // The server leaves out what is false or zero.
      return JSON.stringify(present ?? falsy(value)) !== JSON.stringify(value);
    })
    .map(([name]) => name);
}

function falsy(value: unknown): unknown {
  return value === false || value === 0 ? value : undefined;
}
