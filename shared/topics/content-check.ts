// Port: validation of content that is too large to be held at once, such as a file of rows. Others are served while it
// is checked.

import type { SchemaSource } from './payload-validator';

/** Checks one content while it passes by, in constant memory. */
export interface ContentCheck {
  /** @throws BrokerError `schema-violation`, with row and column, as soon as a fault is seen */
  write(chunk: Uint8Array): Promise<void>;
  /** The content has ended. @throws BrokerError `schema-violation` */
  end(): Promise<void>;
}

export interface ContentValidator {
  /**
   * Begins a check. Undefined when content of this type can be validated only as a whole.
   * @throws BrokerError `schema-type-unsupported`, `topic-store-unavailable`
   */
  openCheck(schema: SchemaSource): Promise<ContentCheck | undefined>;
}
