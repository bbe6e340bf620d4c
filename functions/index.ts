// The one file that acts when loaded: settings, container, registration, shutdown hook.

import { app } from '@azure/functions';
import { readSettings } from '../shared/config/settings';
import { functionName } from '../shared/http/function-name';
import { createHandler } from '../shared/http/handler';
import { createLog } from '../shared/log';
import { createContainer } from './container';

const settings = readSettings(process.env);
const log = createLog(settings.logLevel, (level, line) => {
  console[level](line);
});
const container = createContainer(settings, log);

// Without streaming a chunked request loses its body and uploads are held whole several times (design §11).
app.setup({ enableHttpStream: true });

for (const route of container.routes) {
  app.http(functionName(route), {
    methods: [route.method],
    route: route.path,
    // The broker verifies its own tokens; function keys would be a second, shared secret.
    authLevel: 'anonymous',
    handler: createHandler(route, container.handling),
  });
}

for (const timer of container.timers) {
  app.timer(timer.name, { schedule: timer.schedule, handler: timer.run });
}

app.hook.appTerminate(() => container.close());
