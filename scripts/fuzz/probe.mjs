// Loaded into the broker's process by a fuzz run: on SIGUSR2 it prints what the process holds after a full
// garbage collection.

// The first stack that is printed would parse the bundle's source map, which is 60 MB once it is parsed.
process.setSourceMapsEnabled(false);

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const timers = resources.filter((name) => name === 'Timeout' || name === 'Immediate').length;
  console.log(
    `probe ${JSON.stringify({ heapBytes: heapUsed + external, handles: resources.length - timers, timers })}`,
  );
});
