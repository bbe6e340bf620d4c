// Puts operators right. The grammar lets `.` and `[` bind weaker than every operator: it reads `a == b.c && d` as
// `((a == b).c) && d` and `x => x.y` as `(x => x).y`. So a chain is taken apart and built again.

import type { Expression } from './syntax';

/** `operands[0] operators[0] operands[1] …`; what was in parentheses is one operand. */
export interface Chain {
  readonly operands: readonly Operand[];
  readonly operators: readonly string[];
}

export interface Operand {
  readonly expression: Expression;
  /** A lambda or ternary without parentheses: what follows belongs to its last part. */
  readonly open?: boolean;
}

const precedence: readonly (readonly string[])[] = [
  ['??'],
  ['||'],
  ['&&'],
  ['==', '!=', '=~', '!~'],
  ['<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/', '%'],
  // Of types.
  ['|'],
];

/** The chain with an access to a property or item applied to its last operand. */
export function accessLast(chain: Chain, wrap: (object: Expression) => Expression): Chain {
  const last = chain.operands.at(-1);
  if (!last) return chain;
  return {
    ...chain,
    operands: [...chain.operands.slice(0, -1), { ...last, expression: wrapInnermost(last, wrap) }],
  };
}

function wrapInnermost({ expression, open }: Operand, wrap: (object: Expression) => Expression): Expression {
  if (expression.kind === 'unary') return { ...expression, operand: wrap(expression.operand) };
  return open ? changeTail(expression, wrap) : wrap(expression);
}

/** Changes the last part of a lambda or ternary. */
function changeTail(expression: Expression, change: (tail: Expression) => Expression): Expression {
  if (expression.kind === 'lambda') return { ...expression, body: changeTail(expression.body, change) };
  if (expression.kind === 'ternary') {
    return { ...expression, otherwise: changeTail(expression.otherwise, change) };
  }
  return change(expression);
}

export function build({ operands, operators }: Chain): Expression {
  const first = operands[0];
  if (!first) throw new Error('a chain has at least one operand');
  const open = operands.findIndex((operand) => operand.open);
  if (open >= 0 && open < operands.length - 1) {
    const closed = changeTail(operands[open]?.expression ?? first.expression, (tail) =>
      build({
        operands: [{ expression: tail }, ...operands.slice(open + 1)],
        operators: operators.slice(open),
      }),
    );
    return build({
      operands: [...operands.slice(0, open), { expression: closed }],
      operators: operators.slice(0, open),
    });
  }
  for (const level of precedence) {
    // Left-associative: split at the last operator of the weakest level.
    const at = operators.findLastIndex((operator) => level.includes(operator));
    if (at < 0) continue;
    const left = build({ operands: operands.slice(0, at + 1), operators: operators.slice(0, at) });
    const right = build({ operands: operands.slice(at + 1), operators: operators.slice(at + 1) });
    return { kind: 'binary', operator: operators[at] ?? '', left, right, at: left.at };
  }
  return first.expression;
}
