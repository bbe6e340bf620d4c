// Public index of the messages capability.

export { AnonymousMailboxes } from './anonymous-mailboxes';
export { ClaimChecks } from './claim-check';
export { ClientIds, forgetIdleClients } from './client-ids';
export type { ClientRegistry } from './client-registry';
export { findMessage } from './find-message';
export { Delivery, type RecipientOutcome } from './delivery';
export { parseInstant } from './instant';
export { KeyMessages } from './key-messages';
export { mailboxToken, senderToken, type Mailbox } from './mailbox';
export { filePayload, printMessages, printShared } from './message-body';
export { type MessageResult, sendBatch } from './message-batch';
export { MessageIds } from './message-id';
export type { MessageLog } from './message-log';
export {
  maxClaimedPayloadBytes,
  maxPayloadBytes,
  maxRecipients,
  Publisher,
  type PublishRequest,
} from './publish';
export { MailboxReader } from './reader';
export { Receipts, tellExpired } from './receipts';
