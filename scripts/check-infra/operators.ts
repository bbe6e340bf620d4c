// Puts operators right. The grammar lets `.` and `[` bind weaker than every operator: it reads `a == b.c && d` as
// `((a == b).c) && d` and `x => x.y` as `(x => x).y`. So an access, and an operator that binds stronger than the one
// before it, goes down to the last operand of what was read so far, unless that was in parentheses.

import type { Expression } from './syntax';

const precedence = [
  ['??'],
  ['||'],
  ['&&'],
  ['==', '!=', '=~', '!~'],
  ['<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/', '%'],
];
const levelOf = (operator: string) => precedence.findIndex((level) => level.includes(operator));

export class Operators {
  readonly #closed = new WeakSet<Expression>();

  /** Says that an expression was in parentheses. */
  close(expression: Expression): Expression {
    this.#closed.add(expression);
    return expression;
  }

  /** An access to a property or item of the last operand. */
  access(object: Expression, wrap: (operand: Expression) => Expression): Expression {
    return this.#atLast(object, () => true, wrap);
  }

  binary(left: Expression, operator: string, right: Expression): Expression {
    return this.#atLast(
      left,
      (operand) =>
        operand.kind !== 'unary' &&
        !(operand.kind === 'binary' && levelOf(operand.operator) >= levelOf(operator)),
      (operand) => ({ kind: 'binary', operator, left: operand, right, at: operand.at }),
    );
  }

  #atLast(
    expression: Expression,
    opens: (expression: Expression) => boolean,
    change: (operand: Expression) => Expression,
  ): Expression {
    if (this.#closed.has(expression) || !opens(expression)) return change(expression);
    const last = (part: Expression) => this.#atLast(part, opens, change);
    if (expression.kind === 'binary') return { ...expression, right: last(expression.right) };
    if (expression.kind === 'unary') return { ...expression, operand: last(expression.operand) };
    if (expression.kind === 'lambda') return { ...expression, body: last(expression.body) };
    if (expression.kind === 'ternary') return { ...expression, otherwise: last(expression.otherwise) };
    return change(expression);
  }
}
