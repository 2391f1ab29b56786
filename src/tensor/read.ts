/** `await tensor.read()`: compile, run once, give the values back. For exploring, not for loops. */
import { currentDevice } from "../gpu/device.js";
import { compile } from "./compile.js";
import { setReader } from "./tensor.js";

setReader(async (value) => {
  const program = await compile(await currentDevice(), () => ({ value }));
  try {
    return (await program.run()).value;
  } finally {
    program.destroy();
  }
});
