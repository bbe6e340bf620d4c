// Headers of stored messages that are ours; `Nats-…` are the server's.

/** Random, the same over the repetitions of one publish: tells one's own duplicate from somebody else's. */
export const attemptHeader = 'Ddhub-Attempt';
/** Where the payload lies that the body has not: JSON, see messages/claim-check.ts. */
export const claimHeader = 'Ddhub-Claim';
/** Number of the key that seals the message's id. */
export const keyHeader = 'Ddhub-Key';
/** The message's own life in ms, where it is shorter than its class. */
export const lifeHeader = 'Ddhub-Life-Ms';
/** The recipient as the sender named it, percent-encoded; absent where nobody is told of the message's end. */
export const recipientHeader = 'Ddhub-Recipient';
