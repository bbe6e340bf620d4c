// The suite that runs when none is named: what every gateway does (design §12).

import { bundle } from './checks/bundle';
import { connections } from './checks/connections';
import { mailboxes } from './curves/mailboxes';
import { pending } from './curves/pending';
import { recipients } from './curves/recipients';
import { batchPublish } from './rows/batch-publish';
import { emptyPoll } from './rows/empty-poll';
import { floor } from './rows/floor';
import { publishHandlers } from './rows/publish-handlers';
import { publishHost } from './rows/publish-host';
import { searchAck } from './rows/search-ack';
import type { Suite } from './suite';

export const messagePath: Suite = {
  name: 'messages',
  summary: 'publish, search and ack beside the floor; what grows; what an instance costs',
  checks: [connections, bundle],
  rows: [floor, publishHost, publishHandlers, batchPublish, emptyPoll, searchAck],
  curves: [recipients, pending, mailboxes],
};
