// The suites by name: `npm run bench -- NAME`. The first one runs when none is named.

import { abuse } from './abuse/abuse-suite';
import { files } from './files/files-suite';
import { messagePath } from './message-path';
import { retention } from './retention/retention-suite';
import type { Suite } from './suite';
import { schemaCompilation, schemas } from './schemas/schema-suites';
import { topicAdministration } from './topics/topic-suite';

export const suites: readonly [Suite, ...Suite[]] = [
  messagePath,
  topicAdministration,
  retention,
  files,
  schemas,
  schemaCompilation,
  abuse,
];
