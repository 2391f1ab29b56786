/** Names in the browser's file system that the rooms and threads share. */

/** Folder of all runs, each in a folder of its name. */
export const RUNS = "runs";
/** What runs share: text encoders, embedded captions, tuning. */
export const CACHE = "cache";
/** A run's name and notes, beside what training writes. */
export const STUDIO_FILE = "studio.json";

/** The lock that a training holds, so that no other tab trains the same run. */
export const lockOf = (id: string): string => `petalgrad-run-${id}`;
