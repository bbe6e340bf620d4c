// Names across the files: what each file declares and imports, what is used and not declared, declared and not
// used, and whether modules are called with the parameters that they have.

import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { functionNames, parameterFileFunctions } from './functions';
import { type ParseBicep, readFrom, type ReadText } from './parse';
import {
  type BicepFile,
  childrenOf,
  type Declaration,
  type Expression,
  type Fault,
  isOptional,
  type Place,
} from './syntax';

export interface Found {
  readonly file: BicepFile;
  readonly declaration: Declaration;
}

/** All files that were looked at, read once. */
export class Workspace {
  readonly #files = new Map<string, BicepFile>();

  constructor(
    readonly root: string,
    private readonly parse: ParseBicep,
    private readonly read: ReadText = readFrom(root),
  ) {}

  file(path: string): BicepFile {
    let file = this.#files.get(path);
    if (!file) this.#files.set(path, (file = this.parse(path)));
    return file;
  }

  /** The file that a module, an import or `using` names; undefined when there is none. */
  referred(from: BicepFile, path: string): BicepFile | undefined {
    const target = normalize(join(dirname(from.path), path));
    return existsSync(join(this.root, target)) ? this.file(target) : undefined;
  }

  /** The text of a file that loadTextContent() names. */
  text(from: BicepFile, path: string): string {
    return this.read(normalize(join(dirname(from.path), path)));
  }

  /** What a name means in a file, imports followed. */
  find(file: BicepFile, name: string): Found | undefined {
    const declaration = file.declarations.find((known) => known.name === name && known.kind !== 'output');
    if (declaration) return { file, declaration };
    for (const imported of file.imports) {
      const there = imported.names.get(name);
      const target = there ? this.referred(file, imported.path) : undefined;
      if (target && there) return this.find(target, there);
    }
    return undefined;
  }

  checkNames(file: BicepFile): readonly Fault[] {
    const faults: Fault[] = [];
    const used = new Set<string>();
    const isParameterFile = file.path.endsWith('.bicepparam');
    const say = (at: Place, text: string) => faults.push({ at, text });
    const declared = new Map<string, Declaration>();
    for (const declaration of file.declarations.filter(({ kind }) => kind !== 'output')) {
      if (declared.has(declaration.name)) say(declaration.at, `${declaration.name} is declared twice`);
      declared.set(declaration.name, declaration);
    }
    const imported = new Set(file.imports.flatMap(({ names }) => [...names.keys()]));

    const visit = (expression: Expression, local: ReadonlySet<string>): void => {
      const { kind, at } = expression;
      if (kind === 'name') {
        if (!local.has(expression.name)) {
          used.add(expression.name);
          const known = declared.has(expression.name) || imported.has(expression.name);
          if (!known) say(at, `${expression.name} is not declared`);
        }
      } else if (kind === 'call') {
        const known =
          functionNames.has(expression.name) ||
          (isParameterFile && parameterFileFunctions.has(expression.name));
        if (!known) say(at, `there is no function ${expression.name}`);
      }
      const names =
        kind === 'lambda'
          ? expression.parameters
          : kind === 'loop'
            ? [expression.item, expression.index]
            : [];
      const inner = new Set([...local, ...names.filter((name) => name !== undefined)]);
      for (const child of childrenOf(expression)) visit(child, inner);
    };
    for (const { type, value, decorators } of file.declarations) {
      for (const part of [type, value, ...decorators]) if (part) visit(part, new Set());
    }
    for (const { kind, name, at, existing, decorators } of declared.values()) {
      const counts =
        ((kind === 'param' || kind === 'var') && !isParameterFile) || kind === 'type' || existing === true;
      const exported = decorators.some((decorator) => decorator.name === 'export');
      if (counts && !exported && !used.has(name)) say(at, `${kind} ${name} is not used`);
    }
    for (const { at, path, names } of file.imports) {
      const target = this.referred(file, path);
      if (!target) say(at, `there is no file ${path}`);
      for (const [here, there] of names) {
        if (!used.has(here)) say(at, `${here} is imported and not used`);
        const found = target && this.find(target, there);
        const exported = found?.declaration.decorators.some(({ name }) => name === 'export');
        if (target && !exported) say(at, `${path} ${found ? 'does not export' : 'has no'} ${there}`);
      }
    }
    return [...faults, ...this.#checkParameters(file)];
  }

  /** A parameter file gives what its template needs, and nothing else. Modules are checked with the types. */
  #checkParameters(file: BicepFile): readonly Fault[] {
    const using = file.declarations.find(({ kind }) => kind === 'using');
    if (!using) return [];
    const template = this.referred(file, using.reference ?? '');
    if (!template) return [{ at: using.at, text: `there is no file ${using.reference ?? ''}` }];
    const given = new Set(file.declarations.filter(({ kind }) => kind === 'param').map(({ name }) => name));
    const known = template.declarations.filter(({ kind }) => kind === 'param');
    return [
      ...known
        .filter((param) => !isOptional(param) && !given.has(param.name))
        .map(({ name }) => ({ at: using.at, text: `param ${name} is missing` })),
      ...[...given]
        .filter((name) => !known.some((param) => param.name === name))
        .map((name) => ({ at: using.at, text: `${using.reference ?? ''} has no param ${name}` })),
    ];
  }
}
