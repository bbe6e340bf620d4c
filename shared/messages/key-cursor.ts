// How far a reader of encrypted keys has come. There is no acknowledgement of keys, and an answer may be lost without
// the broker's knowing, so a key is repeated until the reader has had good chances to get it: extra and repeated keys
// are harmless, a missing one costs a message. Pure.

/** Keys that came to the reader together for the first time. */
export interface KeyBatch {
  /** Sequence of the last one; the first one follows the batch before. */
  readonly through: number;
  /** When it stood in an answer for the first time. Unit: ms. */
  readonly firstMs: number;
  /** Answers in which it stood, counted up to `enoughAnswers`. */
  readonly answers: number;
  /** When it stood in a second answer; 0 before. Unit: ms. */
  readonly secondMs: number;
}

export interface KeyCursor {
  /** Of the stream whose sequences these are. */
  readonly generation: number;
  /** What is up to this sequence is not returned any more. */
  readonly done: number;
  /** Returned after `done`, oldest first. */
  readonly batches: readonly KeyBatch[];
}

/** A key stands in at least so many answers: two in a row may be lost. */
const enoughAnswers = 3;
/** And for at least so long after the second: a reader that was away comes back, and then has this time. Unit: ms. */
const repeatMs = 60_000;
/** New keys join the newest batch while it is this young, so that a busy reader's record stays small. Unit: ms. */
const joinMs = 10_000;

export const newKeyCursor = (generation: number): KeyCursor => ({ generation, done: 0, batches: [] });

/** Without the batches that have been repeated enough. */
export function dropRepeated(cursor: KeyCursor, nowMs: number): KeyCursor {
  const stays = cursor.batches.findIndex(
    ({ answers, secondMs }) => answers < enoughAnswers || nowMs - secondMs < repeatMs,
  );
  const count = stays < 0 ? cursor.batches.length : stays;
  const last = cursor.batches[count - 1];
  return last ? { ...cursor, done: last.through, batches: cursor.batches.slice(count) } : cursor;
}

/** Notes that an answer held everything after `done` up to a sequence. The same object: nothing to note. */
export function noteAnswer(cursor: KeyCursor, through: number, nowMs: number): KeyCursor {
  const batches = cursor.batches.map((batch) =>
    batch.through > through || batch.answers >= enoughAnswers ? batch : answeredAgain(batch, nowMs),
  );
  const newest = batches.at(-1);
  if (through > (newest?.through ?? cursor.done)) {
    // What joins has not been repeated, and neither has then the batch as a whole.
    const joins = newest && nowMs - newest.firstMs < joinMs;
    if (joins) batches.pop();
    batches.push({ through, firstMs: joins ? newest.firstMs : nowMs, answers: 1, secondMs: 0 });
  }
  const unchanged =
    batches.length === cursor.batches.length &&
    batches.every((batch, index) => batch === cursor.batches[index]);
  return unchanged ? cursor : { ...cursor, batches };
}

function answeredAgain(batch: KeyBatch, nowMs: number): KeyBatch {
  return { ...batch, answers: batch.answers + 1, secondMs: batch.answers === 1 ? nowMs : batch.secondMs };
}
