// Which check an unencrypted file needs: rows are checked while they stream, at any size; JSON and XML only as a
// whole, up to a limit. Nothing is accepted unvalidated.

import { BrokerError } from '../broker-error';
import type { ContentCheck, ContentValidator, PayloadValidator, SchemaSource, SchemaType } from '../topics';
import { Turns } from '../turns';

export interface ContentValidationOptions {
  readonly payloads: PayloadValidator;
  /** Absent: no type can be validated while it streams. */
  readonly contents?: ContentValidator | undefined;
  /** Bytes of a file that is validated as a whole. */
  readonly maxWholeBytes: number;
}

const rowTypes: ReadonlySet<SchemaType> = new Set(['CSV', 'TSV']);

export class ContentValidation {
  /** Whole files are held one at a time: each takes several times its size while it is parsed. */
  readonly #turns = new Turns({ atOnce: 1 });

  constructor(private readonly options: ContentValidationOptions) {}

  /**
   * Refuses what could never be validated, before anything is uploaded.
   * @throws BrokerError `payload-too-large`, `schema-type-unsupported`
   */
  requireSupported(schema: SchemaSource, sizeBytes: number): void {
    const isRows = rowTypes.has(schema.schemaType);
    if (isRows && !this.options.contents) throw unsupported(schema.schemaType);
    const { maxWholeBytes } = this.options;
    if (!isRows && sizeBytes > maxWholeBytes) {
      throw new BrokerError(
        'payload-too-large',
        `An unencrypted ${schema.schemaType} file may have at most ${maxWholeBytes} bytes, because it is validated as a whole; send it encrypted, or use a topic of type CSV.`,
      );
    }
  }

  /**
   * Runs `read` with the check that the content needs.
   * @param ownerDid of the file
   * @param read passes all bytes to the check, and ends it
   * @throws BrokerError `schema-violation`, `payload-too-large`, `schema-type-unsupported`
   */
  async validate(
    ownerDid: string,
    schema: SchemaSource,
    sizeBytes: number,
    read: (check: ContentCheck) => Promise<void>,
  ): Promise<void> {
    this.requireSupported(schema, sizeBytes);
    const check = rowTypes.has(schema.schemaType)
      ? await this.options.contents?.openCheck(schema)
      : undefined;
    if (check) {
      await read(check);
      return;
    }
    await this.#turns.run(ownerDid, () => this.#validateWhole(schema, sizeBytes, read));
  }

  async #validateWhole(
    schema: SchemaSource,
    sizeBytes: number,
    read: (check: ContentCheck) => Promise<void>,
  ): Promise<void> {
    const whole = Buffer.alloc(sizeBytes);
    let size = 0;
    await read({
      write: (chunk) => {
        // What is too long is refused by its length, when all of it has passed.
        whole.set(chunk.subarray(0, Math.max(0, sizeBytes - size)), Math.min(size, sizeBytes));
        size += chunk.byteLength;
        return Promise.resolve();
      },
      end: () => Promise.resolve(),
    });
    await this.options.payloads.validatePayload(schema, decode(whole));
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new BrokerError('schema-violation', 'The file is not a text in UTF-8.', {
      faults: [{ field: '', message: 'must be UTF-8' }],
      cause: error,
    });
  }
}

function unsupported(schemaType: SchemaType): BrokerError {
  return new BrokerError(
    'schema-type-unsupported',
    `Files of type ${schemaType} cannot be validated yet; send it encrypted.`,
  );
}
