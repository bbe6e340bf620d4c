// XSD 1.0 and XML with libxml2 compiled to WebAssembly. It has no access to files and no network; besides, nothing
// that would make it look for either is let in: no document type, no schema that includes or imports another.

import type * as Libxml2 from 'libxml2-wasm';
import type { ErrorDetail, ParseOption, XmlDocument, XsdValidator } from 'libxml2-wasm';
import type { Fault } from '../../broker-error';
import { maxFaultLength, maxFaults, schemaInvalid, schemaViolation } from './schema-faults';

const schemaNamespace = 'http://www.w3.org/2001/XMLSchema';
const references = new Set(['include', 'redefine', 'import']);

/** Handed in, so that the app's own thread never loads it: its WebAssembly takes 100 ms to start. */
export type XmlLibrary = typeof Libxml2;

/** Called with a payload. @throws BrokerError `schema-violation` */
export interface XmlCheck {
  (payload: string): void;
  /** Gives back the memory of the compiled schema. */
  readonly dispose?: () => void;
}

export class XmlSchemas {
  constructor(private readonly library: XmlLibrary) {}

  /**
   * @param isXsd whether the text must be an XSD; otherwise it may also be a sample document
   * @throws BrokerError `schema-invalid`, with lines
   */
  compile(text: string, isXsd: boolean): XmlCheck {
    const document = this.#parse(text, schemaInvalid);
    try {
      const { name, namespaceUri } = document.root;
      if (name === 'schema' && namespaceUri === schemaNamespace) return this.#compileXsd(document);
      if (isXsd) throw schemaInvalid([{ field: 'line 1', message: 'must be an XML Schema (XSD)' }]);
      return (payload) =>
        this.#using(payload, ({ root }) => {
          if (root.name !== name || root.namespaceUri !== namespaceUri) {
            throw schemaViolation([
              { field: '/*', message: 'must be the root element of the sample document' },
            ]);
          }
        });
    } finally {
      document.dispose();
    }
  }

  #compileXsd(document: XmlDocument): XmlCheck {
    for (let node = document.root.firstChild; node; node = node.next) {
      if (
        node instanceof this.library.XmlElement &&
        node.namespaceUri === schemaNamespace &&
        references.has(node.name) &&
        (node.name !== 'import' || node.attr('schemaLocation'))
      ) {
        const message = `must not ${node.name} another schema: nothing is fetched`;
        throw schemaInvalid([{ field: `line ${node.line}`, message }]);
      }
    }
    const validator = this.#failing(() => this.library.XsdValidator.fromDoc(document), schemaInvalid);
    const check = (payload: string) =>
      this.#using(payload, (instance) => this.#validate(validator, instance));
    return Object.assign(check, { dispose: () => validator.dispose() });
  }

  #validate(validator: XsdValidator, instance: XmlDocument): void {
    this.#failing(() => validator.validate(instance), schemaViolation);
  }

  #using(payload: string, work: (document: XmlDocument) => void): void {
    const document = this.#parse(payload, schemaViolation);
    try {
      work(document);
    } finally {
      document.dispose();
    }
  }

  #parse(text: string, refusal: typeof schemaInvalid): XmlDocument {
    const typeLine = lineOfDocumentType(text);
    if (typeLine !== undefined) {
      throw refusal([{ field: `line ${typeLine}`, message: 'must not have a document type (DTD)' }]);
    }
    const { ParseOption: Option, XmlDocument: Document } = this.library;
    const option: ParseOption =
      Option.XML_PARSE_NONET |
      Option.XML_PARSE_NO_XXE |
      Option.XML_PARSE_COMPACT |
      Option.XML_PARSE_BIG_LINES |
      // The text is Unicode already, whatever it says of itself.
      Option.XML_PARSE_IGNORE_ENC;
    return this.#failing(() => Document.fromString(text, { option }), refusal);
  }

  #failing<Result>(work: () => Result, refusal: typeof schemaInvalid): Result {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof this.library.XmlError)) throw error;
      const details = error instanceof this.library.XmlLibError ? error.details : [];
      throw refusal(
        details.length === 0 ? [{ field: '', message: 'must be well-formed XML' }] : toFaults(details),
      );
    }
  }
}

/**
 * The line of a document type, which may stand only in the prolog: after white space, comments and processing
 * instructions. It is found before libxml2 sees it, and with it every entity.
 */
export function lineOfDocumentType(text: string): number | undefined {
  const prolog = /\s+|<!--(?:[^-]|-(?!->))*-->|<\?(?:[^?]|\?(?!>))*\?>/y;
  prolog.lastIndex = text.startsWith('\ufeff') ? 1 : 0;
  let end = prolog.lastIndex;
  while (prolog.test(text)) end = prolog.lastIndex;
  if (!text.startsWith('<!DOCTYPE', end)) return undefined;
  return text.slice(0, end).split('\n').length;
}

function toFaults(details: readonly ErrorDetail[]): readonly Fault[] {
  return details.slice(0, maxFaults).map(({ line, xpath, message }) => ({
    field: (xpath === undefined ? `line ${line}` : `line ${line}, ${xpath}`).slice(0, maxFaultLength),
    message: explain(message, xpath !== undefined),
  }));
}

/**
 * A sentence without any value of the payload. libxml2 puts values in the middle of its messages and words of the
 * schema at their end or beginning, and the library passes on no code: so the ends alone are taken over.
 */
function explain(message: string, isInTree: boolean): string {
  const text = message.trimEnd();
  const facet = /^Element '[^']*'(?:, attribute '[^']*')?: \[facet '([A-Za-z]+)'\]/.exec(text)?.[1];
  if (facet !== undefined) return `must keep to the facet ${facet} of its type`;
  const type =
    /is not a valid value of the (?:atomic|list|union|local)[a-z ]*type(?: '([^']{1,200})')?\.$/.exec(text);
  if (type)
    return type[1] === undefined ? 'must be a value of its type' : `must be a value of type ${type[1]}`;
  const expected = /Expected is (?:one of )?(\([^()']{1,200}\))\.$/.exec(text)?.[1];
  if (expected !== undefined) return `is not as the schema says; expected ${expected}`;
  return isInTree ? 'is not as the schema says' : 'must be well-formed XML that the schema allows';
}
