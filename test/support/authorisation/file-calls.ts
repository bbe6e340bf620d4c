// Calls of the authorisation matrix about files.

import { describeFile } from '../broker-files';
import { formOf } from '../broker-upload';
import type { AuthorisedCall } from './calls';

const object = 'file';
const anybodys = ['own', 'other’s', 'missing'] as const;

export const fileCalls: Readonly<Record<string, AuthorisedCall>> = {
  // Sending takes no role on the topic.
  openFile: {
    object: 'topic',
    whose: anybodys,
    prepare: async (world, whose) => ({
      path: '/files',
      body: describeFile([world.recipient.did], await world.topic(whose), Buffer.from('bytes')),
    }),
  },
  uploadFile: {
    object: 'topic',
    whose: anybodys,
    prepare: async (world, whose) => ({
      path: '/messages/upload',
      ...formOf([world.recipient.did], await world.topic(whose)),
    }),
  },
  renewFileUpload: {
    object,
    whose: anybodys,
    prepare: async (world, whose) => ({ path: `/files/${await world.file(whose, 'open')}/upload` }),
  },
  completeFile: {
    object,
    whose: anybodys,
    prepare: async (world, whose) => ({ path: `/files/${await world.file(whose, 'uploaded')}/complete` }),
  },
  getFile: {
    object,
    whose: anybodys,
    prepare: async (world, whose) => ({ path: `/files/${await world.file(whose, 'complete')}` }),
  },
  downloadFile: {
    object,
    whose: anybodys,
    prepare: async (world, whose) => ({
      path: `/messages/download?fileId=${await world.file(whose, 'complete')}`,
    }),
  },
  deleteFile: {
    object,
    whose: anybodys,
    prepare: async (world, whose) => ({ path: `/files/${await world.file(whose, 'complete')}` }),
  },
};
