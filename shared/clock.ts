// Time as a dependency, so that decisions get "now" as a parameter and tests can move it.

/** Milliseconds since the Unix epoch. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();
