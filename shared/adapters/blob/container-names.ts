// The three containers: all that the broker may touch of the Blob store.

export const containerNames = {
  /** Bytes of files; participants get URLs of single blobs in it. */
  files: 'ddhub-files',
  /** What the broker keeps of each file; nobody else ever reads or writes it. */
  records: 'ddhub-file-records',
  /** Payloads of messages that are too large for the message store. */
  payloads: 'ddhub-payloads',
} as const;
