// The cursor's public face.
export { acknowledge, type AcknowledgeOutcome, type LeaderFact } from './acknowledge';
export { CursorCodec } from './codec';
export { type Cursor, cursorLimits, dropSettled, hasAcknowledged, type Filter, newCursor } from './cursor';
export { FilterTooWide, maxReads, type PlannedRead, planReads } from './plan';
export { type LastFact, pendingFor, type ReadFact, type ReadMessage, take } from './take';
