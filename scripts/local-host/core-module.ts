// The module `@azure/functions-core`, which exists only inside the real worker: what an app and its library
// register (functions, hooks, the programming model) is collected here. Shapes as in azure-functions-nodejs-worker
// (types-core, src/setupCoreModule.ts), as far as @azure/functions 4 touches them.

import { Module } from 'node:module';

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';
export type LogCategory = 'user' | 'system' | 'customMetric';

/** One binding of a function; a trigger is a binding whose type ends in `Trigger`. */
export interface Binding {
  readonly type?: string;
  readonly [option: string]: unknown;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Binding>>;
}

export type FunctionCallback = (...inputs: unknown[]) => unknown;

/** What triggers a function, in the form of the host's RPC. */
export interface TypedData {
  readonly string?: string;
  readonly json?: string;
}

export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: {
    readonly invocationId: string;
    readonly inputData: readonly { readonly name: string; readonly data: TypedData }[];
    readonly triggerMetadata: Readonly<Record<string, TypedData>>;
  };
  readonly metadata: FunctionMetadata;
  state: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined;
  readonly log: (level: LogLevel, category: LogCategory, message: string) => void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: object; inputs: unknown[] }>;
  invokeFunction(context: object, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: object, result: unknown): Promise<unknown>;
}

export interface ProgrammingModel {
  readonly name: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

const hookNames = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const;
export type HookName = (typeof hookNames)[number];
export type Hook = (context: object) => unknown;

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

/** Writes a line of the host or the app; what to show is the writer's choice. */
export type HostLog = (level: LogLevel, message: string) => void;

/** What one app has registered. */
export interface Registrations {
  readonly functions: RegisteredFunction[];
  readonly hooks: Readonly<Record<HookName, Hook[]>>;
  readonly model: ProgrammingModel | undefined;
  /** Runs the app's log hooks, which may change level and message, then writes. */
  readonly log: (level: LogLevel, category: LogCategory, message: string, context?: object) => void;
}

class Disposable {
  readonly #dispose: () => void;
  constructor(dispose: () => void) {
    this.#dispose = dispose;
  }
  dispose(): void {
    this.#dispose();
  }
}

/** The module's exports and the registrations that arrive through them; startup ends with `lock`. */
export function createCoreModule(write: HostLog) {
  const functions: RegisteredFunction[] = [];
  const hooks: Record<HookName, Hook[]> = {
    appStart: [],
    appTerminate: [],
    preInvocation: [],
    postInvocation: [],
    log: [],
  };
  let model: ProgrammingModel | undefined;
  let locked = false;

  const addTo = <T>(list: T[], entry: T): Disposable => {
    list.push(entry);
    return new Disposable(() => {
      const at = list.indexOf(entry);
      if (at >= 0) list.splice(at, 1);
    });
  };

  const log: Registrations['log'] = (level, category, message, invocationContext) => {
    const line = { hookData: {}, level, message, category, invocationContext };
    for (const hook of hooks.log) hook(line);
    write(line.level, line.message);
  };

  const exports = {
    version: '3.0.0',
    hostVersion: '4.1000.0',
    Disposable,
    registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
      // As the real worker: later registrations would never be routed.
      if (locked) throw new Error('A function can only be registered during app startup.');
      return addTo(functions, { metadata, callback });
    },
    registerHook(name: string, hook: Hook): Disposable {
      const known = hookNames.find((hookName) => hookName === name);
      if (!known) throw new RangeError(`Unrecognized hook "${name}"`);
      return addTo(hooks[known], hook);
    },
    setProgrammingModel(chosen: ProgrammingModel): void {
      model = chosen;
    },
    getProgrammingModel: () => model,
    log: (level: LogLevel, category: LogCategory, message: string) => log(level, category, message),
  };

  const registrations: Registrations = {
    functions,
    hooks,
    get model() {
      return model;
    },
    log,
  };
  return {
    exports,
    registrations,
    lock: () => {
      locked = true;
    },
  };
}

/** Runs `load` while `require('@azure/functions-core')` gives `exports`, the way the real worker supplies it. */
export function withCoreModule<T>(exports: object, load: () => T): T {
  const prototype = Module.prototype as unknown as { require: (this: unknown, id: string) => unknown };
  const original = prototype.require;
  prototype.require = function (id) {
    return id === '@azure/functions-core' ? exports : original.call(this, id);
  };
  try {
    // The library asks for the module when the app registers its first function, and keeps it.
    return load();
  } finally {
    prototype.require = original;
  }
}
