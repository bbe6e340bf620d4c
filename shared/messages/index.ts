// Public index of the messages capability.

export type { Admission, Sender } from './admission';
export type { AnonymousKeys, MailboxRemoval } from './anonymous-keys';
export { AnonymousMailboxes } from './anonymous-mailboxes';
export { type ClaimCheck, ClaimChecks, type PayloadStore } from './claim-check';
export { ClientIds, forgetIdleClients } from './client-ids';
export type { ClientRegistry } from './client-registry';
export { Delivery, type RecipientOutcome } from './delivery';
export { parseInstant, type Instant } from './instant';
export { KeyMessages } from './key-messages';
export { mailboxToken, senderToken, type Mailbox } from './mailbox';
export { printMessages, printShared } from './message-body';
export { MessageIds } from './message-id';
export type { CursorStore, MessageLog, StoredMessage } from './message-log';
export { maxClaimedPayloadBytes, maxPayloadBytes, Publisher } from './publish';
export { MailboxReader } from './reader';
export { Receipts, tellExpired } from './receipts';
