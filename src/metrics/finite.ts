/** What every measure asks of its values first: comparisons and maxima pass over NaN, so that a broken network could score well. */
import { NonFiniteError } from "../errors.js";

/**
 * @param what Names the values in the message.
 * @throws NonFiniteError where one is NaN or infinite
 */
export function requireFinite(values: ArrayLike<number>, what: string): void {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]))
      throw new NonFiniteError(`${what}: value ${i + 1} of ${values.length} is ${values[i]}, so nothing can be measured`);
}
