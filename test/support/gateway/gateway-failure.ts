// What goes wrong for good in a gateway when a broker does not keep the contract. The simulation fails where the
// real program would stop, hang or lose something in silence.

/**
 * `stopped`: makes no further call until it is restarted · `refused`: this call failed and is not repeated ·
 * `stuck`: a consumer that can no longer read · `lost`: a message that can never be read · `misread`: an answer that
 * the program cannot use · `endless`: a loop without an exit.
 */
export type GatewayFailureKind = 'stopped' | 'refused' | 'stuck' | 'lost' | 'misread' | 'endless';

export class GatewayFailure extends Error {
  readonly kind: GatewayFailureKind;
  /** HTTP status that caused it, if one did. */
  readonly status: number | undefined;

  constructor(
    kind: GatewayFailureKind,
    message: string,
    options: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(`${kind}: ${message}`, { cause: options.cause });
    this.name = 'GatewayFailure';
    this.kind = kind;
    this.status = options.status;
  }
}

/** @throws GatewayFailure `misread` when the condition does not hold */
export function mustHold(holds: boolean, what: string, answer?: unknown): asserts holds {
  if (holds) return;
  const text = answer === undefined ? '' : `: ${JSON.stringify(answer).slice(0, 500)}`;
  throw new GatewayFailure('misread', `${what}${text}`);
}

/** The list that an answer should have there. @throws GatewayFailure `misread` when it is none */
export function listIn(value: unknown, what: string): readonly unknown[] {
  mustHold(Array.isArray(value), `${what} that are no list`, value);
  return value as readonly unknown[];
}
