// The operations of an OpenAPI document in the form that a generator of requests needs.

export type Json = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Json;
}

export interface Operation {
  readonly operationId: string;
  readonly method: string;
  /** `/topics/{id}` */
  readonly template: string;
  readonly parameters: readonly Parameter[];
  readonly body: { readonly contentType: string; readonly schema: Json } | undefined;
  /** Whether it asks for a token. */
  readonly isGuarded: boolean;
}

const componentPrefix = '#/components/';

/** Every operation of the document, references resolved. */
export function operationsOf(document: Json): readonly Operation[] {
  const paths = document['paths'] as Record<string, Record<string, Json>>;
  return Object.entries(paths).flatMap(([template, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      operationId: operation['operationId'] as string,
      method: method.toUpperCase(),
      template,
      parameters: resolve(document, operation['parameters'] ?? []) as readonly Parameter[],
      body: bodyOf(document, operation['requestBody'] as Json | undefined),
      isGuarded: (operation['security'] as readonly unknown[]).length > 0,
    })),
  );
}

function bodyOf(document: Json, requestBody: Json | undefined): Operation['body'] {
  if (!requestBody) return undefined;
  const [contentType, media] = Object.entries(requestBody['content'] as Record<string, Json>)[0] ?? [];
  if (contentType === undefined || !media) return undefined;
  return { contentType, schema: resolve(document, media['schema']) as Json };
}

function resolve(document: Json, node: unknown): unknown {
  if (Array.isArray(node)) return node.map((item) => resolve(document, item));
  if (typeof node !== 'object' || node === null) return node;
  const reference = (node as Json)['$ref'];
  if (typeof reference === 'string' && reference.startsWith(componentPrefix)) {
    const [kind = '', name = ''] = reference.slice(componentPrefix.length).split('/');
    return resolve(document, ((document['components'] as Json)[kind] as Json)[name]);
  }
  return Object.fromEntries(Object.entries(node).map(([name, member]) => [name, resolve(document, member)]));
}
