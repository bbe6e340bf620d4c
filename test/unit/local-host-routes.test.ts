// Routing of the local host, which has to be that of the real host (design §11).

import { describe, expect, it } from '@jest/globals';
import { HostError } from '../../scripts/local-host/host-error';
import { compareNames, createRouteTable } from '../../scripts/local-host/routes';

const get = (name: string, route?: string, methods = ['GET']) => ({ name, route, methods });

function find(
  definitions: Parameters<typeof createRouteTable>[0],
  path: string,
  method = 'GET',
  prefix = '',
) {
  const match = createRouteTable(definitions, prefix)(method, path);
  return match && { name: match.target.name, params: match.params };
}

describe('the route table of the local host', () => {
  const things = [get('things-zz_id', 'things/{id}'), get('things-search', 'things/search')];

  it('tries functions in the order of their names, so that a literal named first wins', () => {
    expect(find(things, '/things/search')).toEqual({ name: 'things-search', params: {} });
    expect(find(things, '/things/7')).toEqual({ name: 'things-zz_id', params: { id: '7' } });
  });

  it('lets a parameter of an earlier name win over a literal that matches less', () => {
    const definitions = [get('a', 'things/{id}/{part}'), get('b', 'things/{id}/all', ['POST'])];
    expect(find(definitions, '/things/1/all')?.name).toBe('a');
    expect(find(definitions, '/things/1/all', 'POST')?.name).toBe('b');
  });

  it('orders names as .NET does, where the underscore stands after every letter', () => {
    expect(['zz_id', 'zza', 'Zb', 'search'].sort(compareNames)).toEqual(['search', 'Zb', 'zza', 'zz_id']);
  });

  it('ignores the case of literals and one trailing slash', () => {
    expect(find(things, '/THINGS/Search/')?.name).toBe('things-search');
    expect(find(things, '/things/search//')).toBeUndefined();
  });

  it('matches literals decoded and hands parameters over as they stand', () => {
    expect(find(things, '/thing%73/a%2Fb%20c')).toEqual({
      name: 'things-zz_id',
      params: { id: 'a%2Fb%20c' },
    });
    expect(find(things, '/%E0%A4%A/x')).toBeUndefined();
  });

  it('knows no route for another method, another length or an empty parameter', () => {
    expect(find(things, '/things/search', 'DELETE')).toBeUndefined();
    expect(find(things, '/things')).toBeUndefined();
    expect(find(things, '/things/search/more')).toBeUndefined();
    expect(find(things, '/things/')).toBeUndefined();
    expect(find(things, '/')).toBeUndefined();
  });

  it('puts the prefix of host.json before every route', () => {
    expect(find(things, '/api/things/7', 'GET', '/api/')?.name).toBe('things-zz_id');
    expect(find(things, '/things/7', 'GET', 'api')).toBeUndefined();
  });

  it('takes the name of a function without a route', () => {
    expect(find([get('hello')], '/hello')?.name).toBe('hello');
  });

  it.each([
    ['a literal after its parameter', get('a', 'x/{id}'), get('b', 'x/y')],
    ['the same parameter under another name', get('a', 'x/{id}/z'), get('b', 'x/{other}/Z')],
    ['one method of several', get('a', 'x', ['GET', 'POST']), get('B', 'X', ['post'])],
  ])('refuses a route that can never be reached: %s', (_case, earlier, later) => {
    expect(() => createRouteTable([later, earlier], '')).toThrow(HostError);
    expect(() => createRouteTable([later, earlier], '')).toThrow(
      new RegExp(`Function ${later.name} can never be reached: ${earlier.name} `),
    );
  });

  it.each(['admin', 'Runtime/webhooks', 'x/{id?}', 'x/{*rest}', 'x/{id:int}', 'x/a{id}', 'x//y'])(
    'refuses the route %s',
    (route) => {
      expect(() => createRouteTable([get('a', route)], '')).toThrow(HostError);
    },
  );

  it('allows reserved words behind a prefix', () => {
    expect(find([get('a', 'admin')], '/api/admin', 'GET', 'api')?.name).toBe('a');
  });
});
