// Port: whether a recipient wants what somebody sends it. The rules are the recipient's own (its channels); the
// broker compares and has no rule of its own.

/** Who sends, as its access token says. */
export interface Sender {
  readonly did: string;
  readonly roles: readonly string[];
}

export interface Admission {
  /**
   * True when the recipient admits this sender on this topic; without a topic (an encrypted key), this sender at all.
   * A change of its channels counts on every instance within 2 s.
   * @throws BrokerError `message-store-unavailable`: what cannot be asked is not taken for a yes
   */
  admits(recipientDid: string, sender: Sender, topicId: string | undefined): Promise<boolean>;
}
