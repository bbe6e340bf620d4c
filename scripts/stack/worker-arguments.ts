/**
 * Arguments of Node for a process that runs the broker, as the function app gives them to its worker
 * (`infra/bicep/modules/function-app.bicep`). The young generation is small: until it is full the memory of chunks that
 * have passed is kept, and V8 of Node 24 lets it grow with the machine, to 128 MiB where there are 24 GiB.
 */
export const workerArguments: readonly string[] = ['--max-semi-space-size=4'];
