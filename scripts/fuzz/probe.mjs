// Loaded into the broker's process by a fuzz run: on SIGUSR2 it prints what the process holds after a full
// garbage collection.

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
