// What may be done to a topic, decided without a store.

import { describe, expect, it } from '@jest/globals';
import type { SchemaText, Topic } from '../../../shared/topics/topic';
import {
  applyChange,
  deleteTopic,
  deleteVersion,
  latestVersion,
  publishVersion,
  updateTopic,
  type TopicChange,
} from '../../../shared/topics/topic-change';
import { defaultCompatibility } from '../../../shared/topics/topic-options';

const schema = (hash: string): SchemaText => ({ text: '{}', hash });
const fresh: Topic = {
  id: 'a'.repeat(24),
  owner: 'o',
  name: 'n',
  schemaType: 'JSD7',
  tags: ['t'],
  compatibility: defaultCompatibility,
  retentionClass: undefined,
  revision: 1,
  createdAtMs: 1,
  deletedAtMs: undefined,
  versions: [
    { version: '1.0.0', schemaHash: 'a', createdAtMs: 1, deletedAtMs: undefined, deprecation: undefined },
  ],
};
const after = (topic: Topic, change: TopicChange | undefined): Topic =>
  change ? applyChange(topic, change, 9) : topic;

describe('a topic', () => {
  it('takes a new version, and the same schema again as nothing to do', () => {
    const two = after(fresh, publishVersion(fresh, '1.1.0', schema('b')));
    expect(two.revision).toBe(2);
    expect(latestVersion(two)).toBe('1.1.0');
    expect(publishVersion(two, '1.1.0', schema('b'))).toBeUndefined();
  });

  it('keeps a published version as it is: a published schema was once rewritten in place', () => {
    expect(() => publishVersion(fresh, '1.0.0', schema('b'))).toThrow(
      expect.objectContaining({ code: 'version-conflict' }),
    );
  });

  it('keeps the number of a deleted version taken, for the same schema too', () => {
    const two = after(fresh, publishVersion(fresh, '1.1.0', schema('b')));
    const one = after(two, deleteVersion(two, '1.1.0'));
    expect(latestVersion(one)).toBe('1.0.0');
    expect(() => publishVersion(one, '1.1.0', schema('b'))).toThrow(
      expect.objectContaining({ code: 'version-conflict' }),
    );
    expect(() => deleteVersion(one, '1.1.0')).toThrow(expect.objectContaining({ code: 'topic-not-found' }));
  });

  it('ends with its last live version', () => {
    const ended = after(fresh, deleteVersion(fresh, '1.0.0'));
    expect(ended.deletedAtMs).toBe(9);
    expect(ended.versions.every(({ deletedAtMs }) => deletedAtMs === 9)).toBe(true);
    expect(latestVersion(ended)).toBe('1.0.0');
  });

  it('takes no change once it is deleted', () => {
    const ended = after(fresh, deleteTopic(fresh));
    const gone = expect.objectContaining({ code: 'topic-not-found' });
    expect(() => publishVersion(ended, '2.0.0', schema('b'))).toThrow(gone);
    expect(() => updateTopic(ended, { tags: [] })).toThrow(gone);
    expect(() => deleteVersion(ended, '1.0.0')).toThrow(gone);
    expect(() => deleteTopic(ended)).toThrow(gone);
  });

  it('has nothing to do for the tags it has', () => {
    expect(updateTopic(fresh, { tags: ['t'] })).toBeUndefined();
    expect(after(fresh, updateTopic(fresh, { tags: ['t', 'u'] })).tags).toEqual(['t', 'u']);
    expect(after(fresh, updateTopic(fresh, { tags: [] })).tags).toEqual([]);
  });
});
