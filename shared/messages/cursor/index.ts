// The cursor's public face.
export { acknowledge, type AcknowledgeOutcome, type LeaderFact } from './acknowledge';
export { CursorCodec } from './codec';
export {
  type Cursor,
  cursorLimits,
  dropSettled,
  hasAcknowledged,
  type Filter,
  newCursor,
  startOf,
} from './cursor';
export { type DeadLetter, deadLetters, redrive, removeDeadLetters } from './dead-letters';
export { leasable, lease, type Leased, type LeaseOrder } from './lease';
export { FilterTooWide, maxReads, type PlannedRead, planReads } from './plan';
export { seek, type SeekTarget } from './seek';
export { type LeaseAction, type LeaseFailure, type LeaseName, settle } from './settle';
export {
  type Availability,
  type Facts,
  peekable,
  pendingFor,
  type ReadFact,
  type ReadMessage,
  take,
} from './take';
