// npm run migrate: a step of its own before a new version of the broker starts (design §7).

import { migrateTopicStore } from './stack/migrate-topic-store';

migrateTopicStore(process.env, (line) => {
  console.log(line);
})
  .then(() => {
    console.log('The topic store is in the form of this version.');
  })
  .catch((error: unknown) => {
    const { message, cause } = error as Error;
    console.error(cause instanceof Error ? `${message} ${cause.message}` : message);
    process.exitCode = 1;
  });
