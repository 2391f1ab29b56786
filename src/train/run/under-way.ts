/** Promises that are begun before they are awaited: none of them fails unheard, and none outlives the work it belongs to. */

/** Begins a promise that is awaited later, or never: should it fail meanwhile, nobody is told until then. */
export type Begin = <T>(promise: Promise<T>) => Promise<T>;

/**
 * Runs `work`, and comes back only when all that it began has come to rest: after a failure, too, so that nothing is recorded, written or
 * reported behind the back of who was told of it. What fails is what `work` awaits first; later failures are of the same cause or of no use.
 */
export async function withWorkUnderWay<Result>(work: (begin: Begin) => Promise<Result>): Promise<Result> {
  const begun = new Set<Promise<unknown>>();
  const begin: Begin = (promise) => {
    const forget = (): void => void begun.delete(rest);
    const rest: Promise<void> = promise.then(forget, forget);
    begun.add(rest);
    return promise;
  };
  try {
    return await work(begin);
  } finally {
    // What comes to rest may have begun something itself.
    while (begun.size > 0) await Promise.all(begun);
  }
}
