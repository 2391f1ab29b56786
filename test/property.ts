/**
 * fast-check for the tests of properties, with a seed that stands still: a commit passes or fails, whenever it is run. Look further
 * with `PETALGRAD_TEST_SEED=123 npm test`.
 */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env.PETALGRAD_TEST_SEED ?? 1) });

export default fc;
