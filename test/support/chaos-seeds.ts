// Which seeds the chaos suite plays: twenty, or those that the environment chooses.

export function chosenChaosSeeds(
  environment: Readonly<Record<string, string | undefined>>,
): readonly number[] {
  const first = Number(environment['CHAOS_FIRST_SEED'] ?? 1);
  return Array.from({ length: Number(environment['CHAOS_SEEDS'] ?? 20) }, (_none, index) => first + index);
}
