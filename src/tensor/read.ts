/** `await tensor.read()`: compile, run once, give the values back. For exploring, not for loops. */
import { UserError } from "../errors.js";
import { currentDevice } from "../gpu/device.js";
import { compile } from "./compile.js";
import { setReader } from "./tensor.js";

setReader(async (value) => {
  const program = await compile(await currentDevice(), () => ({ value }));
  try {
    const [missing] = program.inputs;
    if (missing !== undefined)
      throw new UserError(`read: ${value.toString()} depends on the input "${missing}", whose values a program's run gives`);
    return (await program.run()).value;
  } finally {
    program.destroy();
  }
});
