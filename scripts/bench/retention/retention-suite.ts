// The suite of the retention timer: its cost grows with what has expired, not with what is stored (design §6).

import type { Bench } from '../bench';
import type { Check, Fact, Suite } from '../suite';

/** Long enough to be live while the bench runs. */
const liveClass = '30d';
/** Over before the filling is. */
const expiredClass = '1s';

const timer: Check = {
  name: 'timer',
  measure: async (bench: Bench): Promise<readonly Fact[]> => {
    const [messages, mailboxes] = bench.options.quick ? [50_000, 1_000] : [1_000_000, 10_000];
    const settings = {
      ...bench.settings,
      RETENTION_CLASSES: `${expiredClass},${liveClass}`,
      DEFAULT_RETENTION_CLASS: liveClass,
      RETENTION_BUDGET_SECONDS: '540',
    };
    const count = messages.toLocaleString('en');
    bench.options.progress(`filling the store with ${count} live messages`);
    const filler = bench.retention(settings);
    await filler.call({ fill: { retentionClass: liveClass, messages, mailboxes } });
    const runner = bench.retention(settings);
    // The first run makes the consumers, which happens once in the life of a store.
    bench.options.progress('making the consumers');
    await runner.call({});
    bench.options.progress('a run with nothing to do');
    const idle = await runner.call({});
    bench.options.progress(`filling the store with ${count} messages that expire`);
    await filler.call({ fill: { retentionClass: expiredClass, messages, mailboxes } });
    await filler.stop();
    bench.options.progress('expiring them');
    const busy = await runner.call({});
    await runner.stop();
    return [
      { title: `a run with ${count} live messages`, value: idle.seconds, unit: 's', limit: 1 },
      {
        title: `${count} expired, unread, over ${mailboxes.toLocaleString('en')} mailboxes`,
        value: busy.seconds,
        unit: 's',
        limit: 300,
      },
      // An instance has the memory of an idle one anyway; the run is what is measured.
      {
        title: 'memory beyond that of an idle process',
        value: busy.peakMiB - idle.peakMiB,
        unit: 'MiB',
        limit: 256,
      },
    ];
  },
};

export const retention: Suite = {
  name: 'retention',
  summary: 'the retention timer with a million live and a million expired messages',
  rows: [],
  curves: [],
  checks: [timer],
};
