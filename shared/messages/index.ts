// Public index of the messages capability.

export { AnonymousMailboxes } from './anonymous-mailboxes';
export { ClaimChecks } from './claim-check';
export { ClientCursorAdministration, type SeekPlace } from './client-cursors';
export { ClientIds, forgetIdleClients } from './client-ids';
export { type ClientOptions, type ClientRegistry, defaultClientOptions } from './client-registry';
export { ClientStates } from './client-state';
export { cursorLimits, type DeadLetter, type LeaseAction } from './cursor';
export { findMessage } from './find-message';
export { Delivery, type RecipientOutcome } from './delivery';
export { parseInstant } from './instant';
export { KeyMessages } from './key-messages';
export { LeaseTokens } from './lease-tokens';
export { Leases } from './leases';
export { LongPoll } from './long-poll';
export type { MailboxOptionsStore } from './mailbox-options';
export { didMailbox, mailboxToken, senderToken, type Mailbox } from './mailbox';
export { filePayload, printLeases, printMessages, printShared } from './message-body';
export { type MessageResult, sendBatch } from './message-batch';
export { MessageIds, type SealingContext } from './message-id';
export type { MessageLog } from './message-log';
export {
  maxClaimedPayloadBytes,
  maxPayloadBytes,
  maxRecipients,
  Publisher,
  type PublishRequest,
} from './publish';
export { type PayloadLinks, referToPayloads } from './payload-links';
export { ReadReceipts, type TellSettled } from './read-receipts';
export { MailboxReader } from './reader';
export { messageStatuses, Receipts, tellExpired } from './receipts';
export { type LeasedMessage, Receiver, type ReceiveRequest } from './receiver';
