/** The seed that finds each of the bugs made on purpose with the least work, where that is not the first. */

export const knownSeeds: Readonly<Record<string, number>> = {};
