/** What the page says when something goes wrong: one sentence that says what to do, never a stack or a class's name. */
import { afterEach, expect, it, vi } from "vitest";
import { DeviceLostError, LimitError, NonFiniteError, UserError } from "../../src/errors.js";
import { NO_ADAPTER } from "../../src/gpu/device.js";
import { sentenceFor } from "../../studio/workers/sentence.js";

afterEach(() => vi.unstubAllGlobals());

it.each([
  ["a lost device", new DeviceLostError("the GPU device was lost (unknown): a stack"), /lost.*: try again\.$/],
  ["a small adapter", new LimitError("w needs 300 MiB, this adapter's buffers end at 256 MiB"), /too small for it: w needs 300 MiB.*\.$/],
  ["full storage", new DOMException("quota", "QuotaExceededError"), /storage for this page is full: delete runs/],
  ["refused memory", new RangeError("Array buffer allocation failed"), /no more memory: close other tabs, or take a smaller preset/],
  ["a wrong file", new UserError("cat.png is no safetensors file"), /^cat\.png is no safetensors file/],
  ["a loss that is not finite", new NonFiniteError("step 3: lossD is NaN"), /^step 3: lossD is NaN|^Step 3: lossD is NaN/],
  ["anything else", "text", /^text$/],
])("%s", (_, error, sentence) => {
  const said = sentenceFor(error);
  expect(said).toMatch(sentence);
  expect(said).not.toMatch(/\n|Error:|\bat \S+:\d/);
});

it("no WebGPU is another thing than no adapter", () => {
  vi.stubGlobal("navigator", {});
  expect(sentenceFor(new UserError(NO_ADAPTER))).toMatch(/^This browser has no WebGPU: use a current/);
  vi.stubGlobal("navigator", { gpu: {} });
  expect(sentenceFor(new UserError(NO_ADAPTER))).toMatch(/^The browser found no graphics adapter.*: update the graphics driver/);
});
