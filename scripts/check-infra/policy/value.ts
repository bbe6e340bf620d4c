// Values that expressions of Bicep have here.

export type Callable = (...given: readonly Value[]) => Value;

export type Value =
  | string
  | number
  | boolean
  | null
  | readonly Value[]
  | { readonly [name: string]: Value }
  | Reference
  | Callable;

/** A resource or module, or one of several made by a loop. */
export class Reference {
  constructor(
    readonly symbol: string,
    readonly outputs?: Readonly<Record<string, Value>>,
  ) {}
}

export function textOf(value: Value): string {
  if (value instanceof Reference) return `<${value.symbol}>`;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
