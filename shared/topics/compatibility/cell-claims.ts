// What has to be proven so that each cell of one column may stand in another.

import { cellExamples } from './cell-examples';
import type { ComparedColumn, ComparedTable } from './compare-tables';

/** A claim that is not proven, with cells that may disprove it. */
export interface CellClaim {
  /** Place inside the field's description, such as `constraints/minimum`. */
  readonly keyword: string;
  readonly cells: readonly string[];
  /** Whether it takes two rows with the same cell. */
  readonly isRepeated: boolean;
}

/** Types whose every text is also one of another type. */
const wider: Readonly<Record<string, readonly string[]>> = {
  integer: ['number'],
  year: ['integer', 'number'],
  geojson: ['object'],
  object: ['geojson'],
};
const acceptsAll = new Set(['string', 'any']);

export function claimsOfCells(
  column: ComparedColumn,
  goal: ComparedColumn,
  from: ComparedTable,
  to: ComparedTable,
): readonly CellClaim[] {
  const cells = cellExamples(column, goal).filter(
    (cell) => !from.missingValues.has(cell) && column.accepts(cell),
  );
  const values = cells.filter((cell) => !to.missingValues.has(cell));
  const formerlyMissing = [...from.missingValues].filter((text) => !to.missingValues.has(text));
  const newlyMissing = [...to.missingValues].filter((text) => !from.missingValues.has(text));
  const claims: CellClaim[] = [];
  const demand = (isProven: boolean, keyword: string, candidates: readonly string[], isRepeated = false) => {
    if (!isProven) claims.push({ keyword, cells: candidates, isRepeated });
  };

  // What stands for no value, on either side.
  if (goal.isRequired) {
    demand(column.isRequired, 'constraints/required', [...from.missingValues]);
    demand(!newlyMissing.some(column.accepts), 'constraints/required', newlyMissing);
  }
  if (!column.isRequired) {
    demand(formerlyMissing.every(goal.accepts), 'type', formerlyMissing);
  }

  const isFinite = column.values !== undefined && !column.canonical;
  const refused = values.filter((cell) => !goal.accepts(cell));
  if (!isFinite || refused.length > 0) {
    const keywords = unprovenKeywords(column, goal);
    for (const keyword of keywords) demand(false, keyword, refused);
    demand(refused.length === 0 || keywords.length > 0, 'type', refused);
  }

  if (goal.isUnique) {
    const isKey = from.keyColumns.length === 1 && from.columns[from.keyColumns[0] ?? -1] === column;
    demand(column.isUnique || isKey, 'constraints/unique', values, true);
    if (!column.isRequired && column.isUnique) {
      demand(formerlyMissing.length === 0, 'constraints/unique', formerlyMissing, true);
    }
  }
  return claims;
}

function unprovenKeywords(column: ComparedColumn, goal: ComparedColumn): readonly string[] {
  const isSame = column.typeName === goal.typeName;
  const isWider = acceptsAll.has(goal.typeName) || (wider[column.typeName] ?? []).includes(goal.typeName);
  const reaches = (own: string | undefined, limit: string | undefined, sign: 1 | -1) => {
    if (limit === undefined) return true;
    return own !== undefined && (isSame || isWider) && (goal.compare?.(own, limit) ?? NaN) * sign >= 0;
  };
  return [
    ...(isSame || isWider ? [] : ['type']),
    ...((goal.minLength ?? 0) <= (column.minLength ?? 0) ? [] : ['constraints/minLength']),
    ...((goal.maxLength ?? Infinity) >= (column.maxLength ?? Infinity) ? [] : ['constraints/maxLength']),
    ...(reaches(column.minimum, goal.minimum, 1) ? [] : ['constraints/minimum']),
    ...(reaches(column.maximum, goal.maximum, -1) ? [] : ['constraints/maximum']),
    ...(goal.pattern === undefined || goal.pattern === column.pattern ? [] : ['constraints/pattern']),
    ...(hasAllValues(column, goal, isSame) ? [] : ['constraints/enum']),
  ];
}

/** Where notations differ, the values of two types cannot be compared by their texts. */
function hasAllValues(column: ComparedColumn, goal: ComparedColumn, isSame: boolean): boolean {
  if (!goal.values) return true;
  if (!column.values || (!isSame && (column.canonical ?? goal.canonical))) return false;
  const print = goal.canonical ?? ((text: string) => text);
  const allowed = new Set(goal.values.map(print));
  return column.values.every((value) => allowed.has(print(value)));
}
