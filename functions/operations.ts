// What operators and developers ask the broker itself: configuration, health, the OpenAPI document and its page.

import { Type } from '@sinclair/typebox';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { version } from '../package.json';
import { BrokerError } from '../shared/broker-error';
import { maxLegacyFileBytes } from '../shared/files';
import {
  contentSecurityPolicy,
  docsPage,
  initializer,
  initializerName,
  viewerAssets,
} from '../shared/http/docs-page';
import { createOpenApi, type JsonObject } from '../shared/http/openapi';
import { route, type Reply, type Route } from '../shared/http/route';
import { maxPayloadBytes } from '../shared/messages';
import type { HealthReport } from '../shared/operations/health';

/** Characters that a client id may have (contract §3). */
const maxClientIdLength = 255;

export interface OperationsDependencies {
  /** Every route of the broker, these included; asked at the first request for the document. */
  readonly routes: () => readonly Route[];
  readonly health: () => Promise<HealthReport>;
  /** Life of a message whose topic and sender name no retention class, in milliseconds. */
  readonly defaultRetentionMs: number;
  /** Folder with the files of the packaged viewer: `dist/viewer` in the built app. */
  readonly viewerDirectory: string;
}

/** `GET /config`, `/health`, `/openapi.json`, `/docs` and the files of the page. */
export function operationsRoutes(dependencies: OperationsDependencies): readonly Route[] {
  return [
    configRoute(dependencies),
    healthRoute(dependencies),
    documentRoute(dependencies),
    pageRoute,
    assetRoute(dependencies),
  ];
}

const configRoute = ({ defaultRetentionMs }: OperationsDependencies) =>
  route({
    method: 'GET',
    path: 'config',
    operationId: 'getConfiguration',
    summary: 'The limits of this broker',
    tag: 'Operations',
    access: 'participant',
    responses: {
      200: {
        description: 'The limits.',
        schema: Type.Object({
          msgExpired: Type.Integer({
            description: 'Life of a message whose topic and sender name no other. Unit: milliseconds.',
          }),
          msgMaxSize: Type.Integer({ description: 'Greatest payload of a message. Unit: bytes of UTF-8.' }),
          fileMaxSize: Type.Integer({ description: 'Greatest file. Unit: bytes.' }),
          natsMaxClientidSize: Type.Integer({ description: 'Longest client id. Unit: characters.' }),
        }),
        example: {
          msgExpired: 86_400_000,
          msgMaxSize: maxPayloadBytes,
          fileMaxSize: maxLegacyFileBytes,
          natsMaxClientidSize: maxClientIdLength,
        },
      },
    },
    handle: () =>
      Promise.resolve({
        json: {
          msgExpired: defaultRetentionMs,
          msgMaxSize: maxPayloadBytes,
          fileMaxSize: maxLegacyFileBytes,
          natsMaxClientidSize: maxClientIdLength,
        },
      }),
  });

const healthReport = Type.Object({
  status: Type.Union([Type.Literal('UP'), Type.Literal('DOWN')]),
  checks: Type.Array(
    Type.Object({
      name: Type.String({ description: 'The backend that was asked.' }),
      status: Type.Union([Type.Literal('UP'), Type.Literal('DOWN')]),
      durationMs: Type.Number({ minimum: 0, description: 'Unit: milliseconds.' }),
    }),
  ),
});

const healthRoute = ({ health }: OperationsDependencies) =>
  route({
    method: 'GET',
    path: 'health',
    operationId: 'getHealth',
    summary: 'Whether the broker and each backend work',
    tag: 'Operations',
    access: 'public',
    standing: 'exempt',
    responses: {
      200: {
        description: 'Every backend answered.',
        schema: healthReport,
        example: { status: 'UP', checks: [{ name: 'nats', status: 'UP', durationMs: 2 }] },
      },
      503: {
        description: 'At least one backend did not; the checks name it.',
        schema: healthReport,
        example: { status: 'DOWN', checks: [{ name: 'nats', status: 'DOWN', durationMs: 3_000 }] },
      },
    },
    handle: async () => {
      const report = await health();
      return { status: report.status === 'UP' ? 200 : 503, json: report };
    },
  });

function documentRoute({ routes }: OperationsDependencies): Route {
  let document: JsonObject | undefined;
  return route({
    method: 'GET',
    path: 'openapi.json',
    operationId: 'getOpenApi',
    summary: 'This document',
    tag: 'Operations',
    access: 'public',
    responses: {
      200: {
        description: 'OpenAPI 3.1.',
        schema: Type.Object({ openapi: Type.String() }, { additionalProperties: true }),
      },
    },
    handle: () => {
      document ??= createOpenApi(routes(), { version });
      return Promise.resolve({ headers: { 'cache-control': 'public, max-age=60' }, json: document });
    },
  });
}

const pageRoute = route({
  method: 'GET',
  path: 'docs',
  operationId: 'getDocumentation',
  summary: 'This document as a page to read and try',
  tag: 'Operations',
  access: 'public',
  responses: { 200: { description: 'The page.', contentType: 'text/html' } },
  handle: ({ request }) =>
    Promise.resolve({
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': contentSecurityPolicy,
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
      },
      body: Buffer.from(docsPage(new URL(request.url).pathname.endsWith('/') ? './' : 'docs/')),
    }),
});

interface Asset {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  readonly etag: string;
}

function assetRoute({ viewerDirectory }: OperationsDependencies): Route {
  const loaded = new Map<string, Promise<Asset>>();
  const load = (name: string, contentType: string): Promise<Asset> => {
    let asset = loaded.get(name);
    if (!asset) {
      asset = readAsset(viewerDirectory, name, contentType);
      loaded.set(name, asset);
    }
    return asset;
  };
  return route({
    method: 'GET',
    path: 'docs/{asset}',
    operationId: 'getDocumentationAsset',
    summary: 'A file of the page',
    tag: 'Operations',
    access: 'public',
    params: Type.Object({ asset: Type.String({ description: 'Name of the file.' }) }),
    responses: {
      200: { description: 'The file.', contentType: '*/*' },
      304: { description: 'The file is still the one that If-None-Match names.' },
    },
    problems: ['not-found'],
    handle: async ({ params, request }) => {
      const contentType =
        params.asset === initializerName
          ? 'text/javascript; charset=utf-8'
          : Object.hasOwn(viewerAssets, params.asset)
            ? viewerAssets[params.asset]
            : undefined;
      if (contentType === undefined) throw new BrokerError('not-found', 'The page has no such file.');
      return toReply(await load(params.asset, contentType), request.headers.get('if-none-match'));
    },
  });
}

async function readAsset(directory: string, name: string, contentType: string): Promise<Asset> {
  const bytes = name === initializerName ? Buffer.from(initializer) : await readFile(join(directory, name));
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  return { bytes, contentType, etag };
}

function toReply({ bytes, contentType, etag }: Asset, known: string | null): Reply {
  // An hour without asking, then one cheap question: the files change with a release only.
  const headers = { 'cache-control': 'public, max-age=3600', etag };
  return known === etag
    ? { status: 304, headers }
    : { headers: { ...headers, 'content-type': contentType }, body: bytes };
}
