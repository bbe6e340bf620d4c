// The suite that runs when none is named: what every gateway does (design §12).

import { bundle } from './checks/bundle';
import { connections } from './checks/connections';
import { idleWaiters } from './checks/idle-waiters';
import { longPoll } from './checks/long-poll';
import { mailboxes } from './curves/mailboxes';
import { pending } from './curves/pending';
import { recipients } from './curves/recipients';
import { batchPublish } from './rows/batch-publish';
import { emptyPoll } from './rows/empty-poll';
import { floor } from './rows/floor';
import { publishHandlers } from './rows/publish-handlers';
import { publishHost } from './rows/publish-host';
import { manyWorkers, oneWorker, receiveAcknowledge } from './rows/receive-acknowledge';
import { searchAck } from './rows/search-ack';
import type { Suite } from './suite';

export const messagePath: Suite = {
  name: 'messages',
  summary: 'publish, search, receive and ack beside the floor; what grows; what an instance costs',
  checks: [connections, bundle, longPoll, idleWaiters],
  rows: [
    floor,
    publishHost,
    publishHandlers,
    batchPublish,
    emptyPoll,
    searchAck,
    receiveAcknowledge,
    oneWorker,
    manyWorkers,
  ],
  curves: [recipients, pending, mailboxes],
};
