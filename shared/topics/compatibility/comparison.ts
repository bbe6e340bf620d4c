// What comparing two schemas says.

/** Which of two schemas accepts a document. */
export type Side = 'old' | 'new';

/** `backward`: the new schema accepts what the old one does. `forward`: the old one what the new one does. */
export type Direction = 'backward' | 'forward';

export type Verdict = 'compatible' | 'incompatible' | 'unknown';

/** A document that one side accepts and the other refuses, confirmed by the validators of both. */
export interface Finding {
  /** JSON pointer into the schema that refuses it. */
  readonly pointer: string;
  readonly reason: string;
  /** The document's text. */
  readonly witness: string;
  readonly acceptedBy: Side;
}

/** What could be neither proven nor disproven. */
export interface Unproven {
  /** JSON pointer into the schema that would have to accept. */
  readonly pointer: string;
  readonly reason: string;
}

export interface Comparison {
  readonly verdict: Verdict;
  /** None unless the verdict is `incompatible`. */
  readonly findings: readonly Finding[];
  /** None unless the verdict is `unknown`. */
  readonly unproven: readonly Unproven[];
}

/** Port: both validators, as they judge what is published. */
export interface Validators {
  /** Why one side refuses a document; undefined when it accepts it. What takes it too long is `undecided`. */
  refusalOf(side: Side, document: string): Refusal | 'undecided' | undefined;
}

export interface Refusal {
  /** JSON pointer into the schema of that side; absent where the validator does not know it. */
  readonly pointer?: string;
  /** JSON pointer, or row and column, into the document. */
  readonly place: string;
  readonly message: string;
}

export const maxFindings = 20;

export function accepting(direction: Direction): Side {
  return direction === 'backward' ? 'old' : 'new';
}

export function refusing(direction: Direction): Side {
  return direction === 'backward' ? 'new' : 'old';
}

/**
 * A witness as a finding, when both validators confirm it.
 * @param presumed the pointer, where the validator does not know it
 */
export function confirm(
  witness: string,
  direction: Direction,
  validators: Validators,
  presumed = '',
): Finding | undefined {
  const [acceptedBy, refusedBy] = [accepting(direction), refusing(direction)];
  const refusal = validators.refusalOf(refusedBy, witness);
  if (refusal === undefined || refusal === 'undecided') return undefined;
  if (validators.refusalOf(acceptedBy, witness) !== undefined) return undefined;
  const { pointer = presumed, place, message } = refusal;
  const where = place === '' ? '' : ` at ${place}`;
  const reason = `The ${refusedBy} version refuses it${where}: ${message}.`;
  return { pointer, reason, witness, acceptedBy };
}

/** One verdict of several: what is incompatible in one is incompatible. */
export function together(comparisons: readonly Comparison[]): Comparison {
  const verdicts = comparisons.map(({ verdict }) => verdict);
  const verdict = verdicts.includes('incompatible')
    ? 'incompatible'
    : verdicts.includes('unknown')
      ? 'unknown'
      : 'compatible';
  return {
    verdict,
    findings: comparisons.flatMap(({ findings }) => findings).slice(0, maxFindings),
    unproven:
      verdict === 'unknown' ? comparisons.flatMap(({ unproven }) => unproven).slice(0, maxFindings) : [],
  };
}
