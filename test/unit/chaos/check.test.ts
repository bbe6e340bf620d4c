// Each rule of the checker finds its fault in a history that was broken by hand, and only there.

import { describe, expect, it } from '@jest/globals';
import { endOfLives } from '../../../scripts/chaos/chaos-run';
import { check } from '../../../scripts/chaos/check';
import type { HistoryEvent, Published, Searched } from '../../../scripts/chaos/history';
import { makePlan } from '../../../scripts/chaos/make-plan';
import { reportLine } from '../../../scripts/chaos/report';
import {
  acknowledged,
  call,
  goodEvents,
  historyOf,
  leasing,
  message,
  probed,
  published,
  receipts,
  received,
  searched,
  searching,
  sender,
  settled,
  struck,
} from '../../support/good-history';

const rulesBroken = (events: readonly HistoryEvent[]): readonly string[] => [
  ...new Set(check(historyOf(events)).map(({ rule }) => rule)),
];

/** The good history with further events, or with others in the place of some. */
const withEvents = (...added: readonly HistoryEvent[]): readonly HistoryEvent[] => [...goodEvents, ...added];
const without = (is: (event: HistoryEvent) => boolean): readonly HistoryEvent[] =>
  goodEvents.filter((event) => !is(event));

const altered = (change: Partial<ReturnType<typeof message>>): Searched => ({
  ...searched([], 4, 4.1),
  messages: [{ ...message(2), ...change }],
});

const unanswered = (event: Published): Published => ({
  ...event,
  status: 0,
  outcomes: event.outcomes.map(({ recipient }) => ({ recipient, outcome: 'unknown' })),
});

describe('the checker', () => {
  it('finds nothing in a history in which everything went well', () => {
    expect(check(historyOf(goodEvents))).toEqual([]);
  });

  it.each<[string, string, readonly HistoryEvent[]]>([
    [
      'delivered',
      'a message answered SENT that a cursor never got',
      without((event) => 'cursor' in event && event.cursor === leasing),
    ],
    [
      'stored-once',
      'a message with two ids',
      withEvents({ ...altered({ messageId: 'other' }), ...call(3, 3.1) }),
    ],
    [
      'stored-once',
      'two ids where nobody got a good answer to the publish',
      [
        ...without((event) => event.kind === 'published' && event.publication === 2),
        unanswered(published(2, 1.2, 2.1)),
        { ...altered({ messageId: 'other' }), ...call(4, 4.1) },
      ],
    ],
    ['unaltered', 'another payload', withEvents(altered({ digest: 'other' }))],
    ['unaltered', 'another signature', withEvents(altered({ signature: 'other' }))],
    ['unaltered', 'another sender', withEvents(altered({ sender: 'did:other' }))],
    ['unaltered', 'another topic', withEvents(altered({ topicId: 'other' }))],
    ['unaltered', 'somebody else’s message', withEvents(altered({ recipient: 'did:other' }))],
    [
      'unaltered',
      'a message that nobody has sent',
      withEvents(altered({ clientGatewayMessageId: 'nobody’s', messageId: 'x' })),
    ],
    ['in-order', 'an answer with the later message first', withEvents(searched([2, 1], 3.5, 3.6))],
    [
      'in-order',
      'the later message long before the earlier one',
      [...without((event) => event.kind === 'searched'), searched([2], 3, 3.1), searched([1], 4, 4.1)],
    ],
    [
      'in-order',
      'a lease of the later message while nobody held the earlier one',
      [
        ...without((event) => 'cursor' in event && event.cursor === leasing),
        received([2], 5, 5.1, 'first'),
        received([1], 6, 6.1, 'second'),
      ],
    ],
    ['not-after-its-end', 'a message delivered after its end', withEvents(searched([3], 6, 6.1))],
    [
      'final-acknowledgement',
      'a message that came back after its acknowledgement was confirmed',
      withEvents(searched([1], 4.4, 4.5)),
    ],
    [
      'final-acknowledgement',
      'a message that came back after its lease was acknowledged',
      withEvents(searched([2], 8, 8.1, leasing)),
    ],
    ['one-holder', 'a lease beside another one', withEvents(received([1], 5.5, 5.6, 'third'))],
    [
      'one-holder',
      'a lease that was renewed, and given to another before its end',
      [
        ...without((event) => event.kind === 'settled' && event.action === 'acknowledge'),
        received([1], 15.5, 15.6, 'third'),
      ],
    ],
    [
      'one-holder',
      'a lease that was settled after it had passed to another',
      withEvents(settled('acknowledge', ['first 2'], 6.9, 6.95)),
    ],
    [
      'one-holder',
      'a lease that was settled after its end',
      [
        ...without((event) => event.kind === 'settled' && event.action !== 'release'),
        settled('acknowledge', ['first 1'], 17, 17.1),
        settled('acknowledge', ['second 2'], 7, 7.1),
      ],
    ],
    [
      'true-receipts',
      'a receipt of a message that was acknowledged before its end',
      withEvents(searched([3], 3.2, 3.3), acknowledged([3], 3.5, 3.6)),
    ],
    ['true-receipts', 'a receipt of a message that lives on', withEvents(receipts('id-2', 9))],
    [
      'true-receipts',
      'a receipt that another one got',
      [...without((event) => event.kind === 'receipts'), receipts('id-3', 5, 'did:other')],
    ],
    ['complete-receipts', 'a sender that was not told', without((event) => event.kind === 'receipts')],
    [
      'complete-receipts',
      'receipts that could not be read to their end',
      [...without((event) => event.kind === 'receipts'), receipts('id-3', 5, sender, false)],
    ],
    [
      'answered-in-time',
      'a request that hung for a minute',
      withEvents({ ...searched([], 30, 90), ...call(30, 90, 0) }),
    ],
    ['no-internal-error', 'an answer of 500', withEvents({ ...searched([], 30, 31), ...call(30, 31, 500) })],
    [
      'serves-again',
      'half a minute without service after a leader’s death',
      [...without((event) => event.kind === 'probed'), probed(8.5, 20, false), probed(35, 38)],
    ],
    [
      'serves-again',
      'no service at all after a leader’s death',
      [...without((event) => event.kind === 'probed'), probed(8.5, 20, false), probed(45, 60, false)],
    ],
  ])('finds by %s %s', (rule, _what, events) => {
    expect(rulesBroken(events)).toEqual([rule]);
  });

  it.each<[string, readonly HistoryEvent[]]>([
    [
      'a message that comes back while its acknowledgement is on its way',
      withEvents(searched([1, 2], 4.25, 4.4)),
    ],
    [
      'an earlier message that a lost answer may have leased',
      [
        ...without((event) => 'cursor' in event && event.cursor === leasing),
        { ...received([], 4, 4.5, 'lost'), ...call(4, 4.5, 0) },
        received([2], 5, 5.1, 'first'),
        received([1], 15, 15.1, 'second'),
      ],
    ],
    [
      'a message that is leased again when an answer to its release did not come',
      withEvents(
        { ...settled('release', ['second 2'], 6.6, 6.7), ...call(6.6, 6.7, 0), succeeded: [] },
        received([2], 6.65, 6.9, 'third'),
      ).filter(
        (event) => !(event.kind === 'settled' && event.asked.includes('second 2') && event.status === 200),
      ),
    ],
    [
      'a request that hangs while its instance is frozen',
      withEvents(
        { ...searched([], 30, 95), ...call(30, 95) },
        struck('instance-frozen', 31, 90, 90),
        probed(91, 92),
      ),
    ],
    [
      'no receipt of what was acknowledged in time',
      [
        ...without((event) => event.kind === 'receipts'),
        searched([3], 3.2, 3.3),
        acknowledged([3], 3.5, 3.6),
      ],
    ],
    [
      'a publish that was answered as a duplicate of its first try',
      [
        ...without((event) => event.kind === 'published' && event.publication === 1),
        unanswered(published(1, 0.5, 0.7)),
        { ...published(1, 0.8, 1.1), outcomes: [{ recipient: 'did:recipient', outcome: 'duplicate' }] },
      ],
    ],
  ])('has nothing against %s', (_what, events) => {
    expect(check(historyOf(events))).toEqual([]);
  });

  it('regression: judges and reports more events than fit on the stack', () => {
    const many = Array.from({ length: 200_000 }, (_none, index) =>
      probed(8.5 + index / 1e6, 9 + index / 1e6),
    );
    const long = historyOf([...goodEvents, ...many]);
    expect(check(long)).toEqual([]);
    expect(reportLine(makePlan(1, 1), long, [])).toContain(' calls, 0 of them without a good answer');
    expect(endOfLives(long.events)).toBe(endOfLives(goodEvents));
  });

  it('names what it found', () => {
    const [violation] = check(historyOf(withEvents(searched([1], 4.4, 4.5))));
    expect(violation?.what).toContain(searching);
    expect(violation?.what).toContain('id-1');
  });
});
