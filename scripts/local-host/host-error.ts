// What the local host says before it gives up: one message for a person, without a stack.

export class HostError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HostError';
  }
}
