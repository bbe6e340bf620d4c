// A broker under load, for soak and overload: the built app behind the local host in a process of its own, on NATS,
// Azurite and SQLite of its own, with participants and a topic.

import { createKeyPair, ParticipantClient } from '../../client';
import { type FuzzStack, startFuzzStack } from '../fuzz/fuzz-stack';
import { demoOwner } from '../guided/guided-exchange';

export interface LoadWorld {
  readonly url: string;
  readonly stack: FuzzStack;
  readonly participants: readonly ParticipantClient[];
  readonly topicId: string;
}

const roles = [`user.roles.${demoOwner}`, `topiccreator.roles.${demoOwner}`];

export async function startLoadWorld(participantCount: number): Promise<LoadWorld> {
  const stack = await startFuzzStack({ '*': roles });
  try {
    const { url } = stack;
    const participants: ParticipantClient[] = [];
    for (let index = 0; index < participantCount; index++) {
      participants.push(await ParticipantClient.login(url, createKeyPair()));
    }
    const [creator] = participants;
    const topic = await creator?.request<{ id: string }>('POST', '/topics', {
      ...{ name: 'load', owner: demoOwner, schemaType: 'JSD7', schema: '{}', version: '1.0.0', tags: [] },
    });
    if (topic?.status !== 200) throw new Error(`the topic was answered ${topic?.status}`);
    return { url, stack, participants, topicId: topic.body.id };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}
