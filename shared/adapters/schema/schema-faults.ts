// The two refusals of this folder: of a schema, and of what does not match it.

import { BrokerError, type Fault } from '../../broker-error';

/** Faults told at once; more would not help. */
export const maxFaults = 20;
export const maxFaultLength = 300;

export function schemaInvalid(faults: readonly Fault[], cause?: unknown): BrokerError {
  return new BrokerError('schema-invalid', 'The schema cannot be used.', { faults, cause });
}

/** The same for one fault. */
export function refuseSchema(field: string, message: string): never {
  throw schemaInvalid([{ field, message }]);
}

export function compilationTooLong(cause?: unknown): BrokerError {
  return schemaInvalid([{ field: '', message: 'takes too long to compile' }], cause);
}

export function validationTooLong(cause?: unknown): BrokerError {
  return schemaViolation([{ field: '', message: 'takes too long to validate against this schema' }], cause);
}

export function schemaViolation(faults: readonly Fault[], cause?: unknown): BrokerError {
  return new BrokerError('schema-violation', 'The payload does not match the schema of its topic version.', {
    faults,
    cause,
  });
}
