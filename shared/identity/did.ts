// Decentralised identifiers: what counts as one, and which Ethereum address stands in a `did:ethr`.

/** Longest DID that is accepted (contract §3). Unit: characters. */
export const maxDidLength = 200;

// W3C DID Core §3.1: method name, then method-specific id of idchars, `%` pairs and colons, not ending in a colon.
const didSyntax = /^did:[a-z0-9]+:(?:[A-Za-z0-9._:-]|%[0-9A-Fa-f]{2})*(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})$/;

/** True for a text in the syntax of a DID of any method. Says nothing about whether anybody has logged in with it. */
export function isDid(text: string): boolean {
  return text.length <= maxDidLength && didSyntax.test(text);
}

// The optional chain is a name (`volta`) or a number in hex (`0x12047`), as in the did:ethr method specification.
const ethrSyntax = /^did:ethr:(?:[A-Za-z0-9-]{1,32}:)?(0x[0-9A-Fa-f]{40})$/;

/**
 * The address in `did:ethr:0x…` or `did:ethr:<chain>:0x…`, in lower case; undefined for every other text.
 * Only the address ignores case: it is compared with a recovered one, whose case is a checksum (EIP-55).
 */
export function ethereumAddressOf(did: string): string | undefined {
  return ethrSyntax.exec(did)?.[1]?.toLowerCase();
}
