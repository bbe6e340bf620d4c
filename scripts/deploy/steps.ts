// The steps after the infrastructure, in their order: what each does and with which commands. Pure: main.ts carries
// them out, and docs/deploy.md lists them (a test compares).

/** Outputs of main.bicep that the steps need. */
export interface DeploymentOutputs {
  readonly AZURE_RESOURCE_GROUP: string;
  readonly BROKER_FUNCTION_APP: string;
  readonly BROKER_URL: string;
  readonly BROKER_ARTEFACT_ACCOUNT: string;
  readonly BROKER_SETUP_JOB: string;
  readonly BROKER_DATABASE_JOB: string;
  readonly BROKER_NATS_NODES: string;
  readonly BROKER_NATS_VERSION: string;
}

export const outputNames = [
  'AZURE_RESOURCE_GROUP',
  'BROKER_FUNCTION_APP',
  'BROKER_URL',
  'BROKER_ARTEFACT_ACCOUNT',
  'BROKER_SETUP_JOB',
  'BROKER_DATABASE_JOB',
  'BROKER_NATS_NODES',
  'BROKER_NATS_VERSION',
] as const satisfies readonly (keyof DeploymentOutputs)[];

export type StepName = 'artefacts' | 'keys' | 'database' | 'code' | 'smoke';

export const stepNames: readonly StepName[] = ['artefacts', 'keys', 'database', 'code', 'smoke'];

/** Arguments of `az` that put a file into the container of artefacts with the identity of who is signed in. */
export function uploadArguments(outputs: DeploymentOutputs, file: string, name: string): readonly string[] {
  return [
    ...['storage', 'blob', 'upload', '--auth-mode', 'login', '--only-show-errors', '--output', 'none'],
    ...['--account-name', outputs.BROKER_ARTEFACT_ACCOUNT, '--container-name', 'artefacts'],
    ...['--name', name, '--file', file, '--overwrite', 'true'],
  ];
}

/** Starts a job; prints the name of its execution. */
export function startJobArguments(outputs: DeploymentOutputs, job: string): readonly string[] {
  return [
    ...['containerapp', 'job', 'start', '--only-show-errors'],
    ...[
      '--resource-group',
      outputs.AZURE_RESOURCE_GROUP,
      '--name',
      job,
      '--query',
      'name',
      '--output',
      'tsv',
    ],
  ];
}

export interface JobTemplate {
  readonly containers: readonly {
    readonly env?: readonly { readonly name: string; readonly value?: string }[];
  }[];
}

/** The template of a job with ROTATE in the environment of its container, for one execution. */
export function withRotation<Template extends JobTemplate>(template: Template, names: string): Template {
  return {
    ...template,
    containers: template.containers.map((container) => ({
      ...container,
      env: [...(container.env ?? []), { name: 'ROTATE', value: names }],
    })),
  };
}

/** Prints the state of an execution: Running, Succeeded, Failed and others. */
export function jobStateArguments(
  outputs: DeploymentOutputs,
  job: string,
  execution: string,
): readonly string[] {
  return [
    ...['containerapp', 'job', 'execution', 'show', '--only-show-errors'],
    ...['--resource-group', outputs.AZURE_RESOURCE_GROUP, '--name', job],
    ...['--job-execution-name', execution, '--query', 'properties.status', '--output', 'tsv'],
  ];
}

/** Deploys the package of the function app with the identity of who is signed in. */
export function deployCodeArguments(outputs: DeploymentOutputs, packageFile: string): readonly string[] {
  return [
    ...['functionapp', 'deployment', 'source', 'config-zip', '--only-show-errors', '--output', 'none'],
    ...['--resource-group', outputs.AZURE_RESOURCE_GROUP, '--name', outputs.BROKER_FUNCTION_APP],
    ...['--src', packageFile],
  ];
}

/** Outputs as `az deployment … --query properties.outputs` prints them. @throws Error that names what is missing */
export function readOutputs(values: Readonly<Record<string, string | undefined>>): DeploymentOutputs {
  const missing = outputNames.filter((name) => !values[name]);
  if (missing.length) throw new Error(`the deployment has no output ${missing.join(', ')}`);
  return Object.fromEntries(outputNames.map((name) => [name, values[name]])) as unknown as DeploymentOutputs;
}
