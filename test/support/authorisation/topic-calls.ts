// Calls of the authorisation matrix about topics.

import { topicOwner } from '../broker';
import type { AuthorisedCall } from './calls';
import { newTopic, otherNamespace } from './world';

const object = 'topic';
const anybodys = ['own', 'other’s', 'missing'] as const;

const read = (path: (id: string) => string): AuthorisedCall => ({
  object,
  whose: anybodys,
  prepare: async (world, whose) => ({ path: path(await world.topic(whose)) }),
});
const change = (path: (id: string) => string, body?: object): AuthorisedCall => ({
  object,
  whose: anybodys,
  prepare: async (world, whose) => ({
    path: path(await world.topic(whose)),
    ...(body === undefined ? {} : { body }),
  }),
});
const list = (path: string): AuthorisedCall => ({ whose: ['–'], prepare: () => ({ path }) });

export const topicCalls: Readonly<Record<string, AuthorisedCall>> = {
  createTopic: {
    object,
    whose: ['own', 'other’s'],
    prepare: (_world, whose) => ({
      path: '/topics',
      body: newTopic(whose === 'own' ? topicOwner : otherNamespace),
    }),
  },
  listTopics: list('/topics?limit=1'),
  searchTopics: list('/topics/search?keyword=a&limit=1'),
  countTopics: list(`/topics/count?owner=${topicOwner}`),
  monitorTopicUpdates: list(`/topics/topicUpdatesMonitor?namespaceList=${topicOwner}`),
  getTopic: read((id) => `/topics/${id}`),
  listTopicVersions: read((id) => `/topics/${id}/versions`),
  getTopicVersion: read((id) => `/topics/${id}/versions/1.0.0`),
  updateTopic: change((id) => `/topics/${id}`, { tags: ['changed'] }),
  publishTopicVersion: change((id) => `/topics/${id}/versions/2.0.0`, { schema: '{"type":"object"}' }),
  deprecateTopicVersion: change((id) => `/topics/${id}/versions/1.0.0/deprecation`, {
    sunset: new Date(Date.now() + 86_400_000).toISOString(),
  }),
  compareTopicSchema: change((id) => `/topics/${id}/compatibility`, { schema: '{"type":"object"}' }),
  validatePayload: change((id) => `/topics/${id}/versions/1.0.0/validate`, { payload: '{}' }),
  deleteTopicVersion: change((id) => `/topics/${id}/versions/1.0.0`),
  deleteTopic: change((id) => `/topics/${id}`),
};
