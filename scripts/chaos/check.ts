// The checker: every rule over one recorded history. Pure, so that each rule is shown to fail on a history that breaks
// it (test/unit/chaos).

import type { History } from './history';
import { type HistoryIndex, indexHistory } from './history-index';
import { finalAcknowledgement, oneHolder } from './rules/cursors';
import { completeReceipts, trueReceipts } from './rules/receipts';
import { answeredInTime, noInternalError, servesAgain } from './rules/service';
import { delivered, inOrder, notAfterItsEnd, storedOnce, unaltered } from './rules/storage';
import type { Violation } from './verdict';

/** By name: a sentence for each violation. */
const rules: Readonly<Record<string, (index: HistoryIndex) => readonly string[]>> = {
  delivered,
  'stored-once': storedOnce,
  unaltered,
  'in-order': inOrder,
  'not-after-its-end': notAfterItsEnd,
  'final-acknowledgement': finalAcknowledgement,
  'one-holder': oneHolder,
  'true-receipts': trueReceipts,
  'complete-receipts': completeReceipts,
  'answered-in-time': answeredInTime,
  'no-internal-error': noInternalError,
  'serves-again': servesAgain,
};

export function check(history: History): readonly Violation[] {
  const index = indexHistory(history);
  return Object.entries(rules).flatMap(([rule, find]) => find(index).map((what) => ({ rule, what })));
}
