// The page that shows the API document: nothing inline, nothing from elsewhere, and only the files it needs.

import { describe, expect, it } from '@jest/globals';
import { HttpRequest } from '@azure/functions';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { operationsRoutes } from '../../functions/operations';
import type { BrokerError } from '../../shared/broker-error';
import { contentSecurityPolicy, docsPage, initializer, viewerAssets } from '../../shared/http/docs-page';
import type { Call, Reply, Route } from '../../shared/http/route';

const viewerDirectory = dirname(require.resolve('swagger-ui-dist/package.json'));

const routes: readonly Route[] = operationsRoutes({
  routes: () => routes,
  health: () => Promise.resolve({ status: 'UP', checks: [] }),
  defaultRetentionMs: 86_400_000,
  viewerDirectory,
});

async function get(path: string, url: string, params: object = {}, headers = {}): Promise<Reply> {
  const target = routes.find((one) => one.path === path);
  if (!target) throw new Error(`no route ${path}`);
  const request = new HttpRequest({ method: 'GET', url: `http://broker${url}`, headers });
  return target.handle({ request, params } as Call);
}

const asset = (name: string, headers = {}) => get('docs/{asset}', `/docs/${name}`, { asset: name }, headers);

describe('GET /docs', () => {
  it('refers only to files that the broker serves', async () => {
    const named = [...docsPage('./').matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address ?? '');
    expect(named).toHaveLength(4);
    for (const address of named) {
      expect(address).toMatch(/^\.\/[\w.-]+$/);
      expect((await asset(address.slice(2))).status ?? 200).toBe(200);
    }
  });

  it('has no inline script or style, which its policy forbids', () => {
    const page = docsPage('docs/');
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=/);
    expect(contentSecurityPolicy).not.toMatch(/unsafe|https?:|\*/);
  });

  it('finds its files with and without a slash at the end of its address', async () => {
    const page = async (url: string) => Buffer.from((await get('docs', url)).body as Uint8Array).toString();
    expect(await page('/docs')).toContain('src="docs/swagger-ui-bundle.js"');
    expect(await page('/docs/')).toContain('src="./swagger-ui-bundle.js"');
  });

  it('sends the policy with the page', async () => {
    expect((await get('docs', '/docs')).headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy,
    });
  });

  it('never lets the viewer ask a public validator', () => {
    expect(initializer).toContain('validatorUrl: null');
    expect(initializer).not.toMatch(/https?:/);
  });
});

describe('GET /docs/{asset}', () => {
  it('serves each file with its type and a mark by which a browser asks again', async () => {
    for (const [name, contentType] of Object.entries(viewerAssets)) {
      const reply = await asset(name);
      expect(reply.headers).toMatchObject({ 'content-type': contentType });
      expect((reply.body as Uint8Array).byteLength).toBeGreaterThan(500);
      const etag = reply.headers?.['etag'] ?? '';
      expect(await asset(name, { 'if-none-match': etag })).toMatchObject({ status: 304 });
      expect((await asset(name, { 'if-none-match': '"other"' })).status ?? 200).toBe(200);
    }
  });

  it('serves no other file, wherever it lies', async () => {
    const others = readdirSync(viewerDirectory).filter((name) => !(name in viewerAssets));
    expect(others.length).toBeGreaterThan(5);
    const hostile = ['../package.json', '..', '', '__proto__', 'toString', '/etc/passwd', 'swagger-ui.css/'];
    for (const name of [...others, ...hostile]) {
      const refused = await asset(name).then(
        () => 'served',
        (error: unknown) => (error as BrokerError).code,
      );
      expect([name, refused]).toEqual([name, 'not-found']);
    }
  });

  it('is built with each of its files and their licence', async () => {
    const { viewerFiles } = await import('../../scripts/viewer-assets.mjs');
    expect(viewerFiles).toEqual(expect.arrayContaining([...Object.keys(viewerAssets), 'LICENSE', 'NOTICE']));
    expect(readdirSync(viewerDirectory)).toEqual(expect.arrayContaining([...viewerFiles]));
  });
});
