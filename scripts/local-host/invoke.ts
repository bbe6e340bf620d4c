// One invocation, in the steps of the real worker (src/eventHandlers/InvocationHandler.ts): arguments, hooks
// before, function, hooks after, response.

import type { CoreInvocationContext, Hook, RegisteredFunction, TypedData } from './core-module';
import type { LoadedApp } from './load-app';

export interface Trigger {
  readonly invocationId: string;
  /** Name of the trigger's binding. */
  readonly binding: string;
  readonly data: TypedData;
  readonly metadata: Readonly<Record<string, TypedData>>;
}

/** Runs hooks one after the other; a hook that throws stops the rest. */
export async function runHooks(hooks: readonly Hook[], context: object): Promise<void> {
  for (const hook of hooks) await hook(context);
}

/** Runs the app-start or app-terminate hooks. */
export async function runAppHooks(app: LoadedApp, name: 'appStart' | 'appTerminate'): Promise<void> {
  await runHooks(app.hooks[name], { hookData: {}, appHookData: app.hookData });
}

/** Runs a function to the end of its response. @throws what the function or a hook throws */
export async function invoke(app: LoadedApp, target: RegisteredFunction, trigger: Trigger): Promise<void> {
  const { invocationId } = trigger;
  let invocationContext: object | undefined = undefined;
  const core: CoreInvocationContext = {
    invocationId,
    request: {
      invocationId,
      inputData: [{ name: trigger.binding, data: trigger.data }],
      triggerMetadata: trigger.metadata,
    },
    metadata: target.metadata,
    state: undefined,
    log: (level, category, message) => {
      app.log(level, category, message, invocationContext);
    },
  };
  const model = app.model.getInvocationModel(core);
  const { context, inputs } = await model.getArguments();
  invocationContext = context;

  const before = {
    hookData: {},
    appHookData: app.hookData,
    invocationContext: context,
    functionCallback: target.callback,
    inputs,
  };
  if (app.hooks.preInvocation.length > 0) {
    core.state = 'preInvocationHooks';
    await runHooks(app.hooks.preInvocation, before);
  }
  const outcome: { result: unknown; error: unknown } = { result: null, error: null };
  core.state = 'invocation';
  try {
    outcome.result = await model.invokeFunction(context, before.inputs, before.functionCallback);
  } catch (error) {
    outcome.error = error ?? new Error('The function threw nothing.');
  }
  if (app.hooks.postInvocation.length > 0) {
    core.state = 'postInvocationHooks';
    const after = {
      hookData: before.hookData,
      appHookData: app.hookData,
      invocationContext: context,
      inputs: before.inputs,
      ...outcome,
    };
    await runHooks(app.hooks.postInvocation, after);
    outcome.result = after.result;
    outcome.error = after.error;
  }
  core.state = undefined;
  if (outcome.error !== null && outcome.error !== undefined) throw outcome.error as Error;
  await model.getResponse(context, outcome.result);
}
