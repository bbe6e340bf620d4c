// A history in the order in which the rules look at it: by message, by cursor, by publication.

import type {
  Acknowledged,
  CursorName,
  Delivered,
  History,
  HistoryEvent,
  Lease,
  Published,
  Received,
  Searched,
  SentPublication,
  Settled,
} from './history';

export type Fetch = Searched | Received;

/** One message as one answer delivered it. */
export interface Delivery {
  readonly fetch: Fetch;
  /** In the answer. */
  readonly position: number;
  readonly message: Delivered & { readonly lease?: Lease };
}

/** That a message was acknowledged, and when that was known. */
export interface Acknowledgement {
  readonly call: Acknowledged | Settled;
  readonly isConfirmed: boolean;
}

/** A message to one recipient, as its sender knows it. */
export interface Consignment {
  readonly publication: SentPublication;
  /** DID. */
  readonly recipient: string;
  readonly firstStartedAt: number;
  /** When it was first known to be stored; undefined: never. */
  readonly confirmedAt: number | undefined;
  /** As the answer that said SENT has it; unknown where a repetition was answered as a duplicate. */
  readonly messageId: string | undefined;
}

export interface CursorView {
  readonly name: CursorName;
  /** Fetches that were answered, by their end. */
  readonly fetches: readonly Fetch[];
  /** Receives without an answer: their leases are held by nobody. */
  readonly lostReceives: readonly Received[];
  readonly deliveries: ReadonlyMap<string, readonly Delivery[]>;
  readonly acknowledgements: ReadonlyMap<string, readonly Acknowledgement[]>;
  /** By token. */
  readonly settlements: ReadonlyMap<string, readonly Settled[]>;
}

export interface HistoryIndex {
  readonly history: History;
  readonly consignments: readonly Consignment[];
  readonly cursors: ReadonlyMap<CursorName, CursorView>;
  readonly publicationOf: (clientGatewayMessageId: string) => SentPublication | undefined;
}

export function indexHistory(history: History): HistoryIndex {
  const publications = new Map(history.publications.map((one) => [one.clientGatewayMessageId, one]));
  const cursorNames = new Set(history.events.flatMap((event) => ('cursor' in event ? [event.cursor] : [])));
  return {
    history,
    consignments: consignmentsOf(history),
    cursors: new Map([...cursorNames].map((name) => [name, viewOf(name, history.events)])),
    publicationOf: (id) => publications.get(id),
  };
}

/** The DID whose mailbox a cursor reads. */
export const mailboxOf = (cursor: CursorName): string => cursor.slice(0, cursor.indexOf('/'));

function consignmentsOf({ publications, events }: History): readonly Consignment[] {
  const tries = Map.groupBy(
    events.filter((event): event is Published => event.kind === 'published'),
    ({ publication }) => publication,
  );
  return publications.flatMap((publication) => {
    const own = tries.get(publication.number) ?? [];
    const recipients = new Set(own.flatMap(({ outcomes }) => outcomes.map(({ recipient }) => recipient)));
    return [...recipients].map((recipient) => {
      const answers = own.flatMap((call) =>
        call.outcomes.filter((one) => one.recipient === recipient).map((one) => ({ ...one, call })),
      );
      const stored = answers.filter(({ outcome }) => outcome === 'sent' || outcome === 'duplicate');
      return {
        publication,
        recipient,
        firstStartedAt: Math.min(...own.map(({ startedAt }) => startedAt)),
        confirmedAt: stored.length ? Math.min(...stored.map(({ call }) => call.endedAt)) : undefined,
        messageId: stored.find(({ messageId }) => messageId !== undefined)?.messageId,
      };
    });
  });
}

function viewOf(name: CursorName, events: readonly HistoryEvent[]): CursorView {
  const own = events.filter((event) => 'cursor' in event && event.cursor === name);
  const fetches = own.filter(
    (event): event is Fetch => event.kind === 'searched' || event.kind === 'received',
  );
  const deliveries = new Map<string, Delivery[]>();
  const idOfToken = new Map<string, string>();
  for (const fetch of fetches) {
    fetch.messages.forEach((message: Delivery['message'], position) => {
      add(deliveries, message.messageId, { fetch, position, message });
      if (message.lease) idOfToken.set(message.lease.token, message.messageId);
    });
  }
  const acknowledgements = new Map<string, Acknowledgement[]>();
  const settlements = new Map<string, Settled[]>();
  for (const event of own) {
    if (event.kind === 'acknowledged') {
      for (const id of event.asked)
        add(acknowledgements, id, { call: event, isConfirmed: event.acked.includes(id) });
    } else if (event.kind === 'settled') {
      for (const token of event.asked) {
        add(settlements, token, event);
        const id = idOfToken.get(token);
        if (event.action !== 'acknowledge' || id === undefined) continue;
        add(acknowledgements, id, { call: event, isConfirmed: event.succeeded.includes(token) });
      }
    }
  }
  return {
    name,
    fetches: fetches.filter(({ status }) => status === 200),
    lostReceives: fetches.filter(
      (fetch): fetch is Received => fetch.kind === 'received' && fetch.status !== 200,
    ),
    deliveries,
    acknowledgements,
    settlements,
  };
}

function add<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}
