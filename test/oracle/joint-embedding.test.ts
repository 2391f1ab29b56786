/** The losses of joint embeddings against PyTorch: values and gradients. */
import { expect, it } from "vitest";
import { grad } from "../../src/autograd/grad.js";
import { openDevice } from "../../src/gpu/device.js";
import { compile } from "../../src/tensor/compile.js";
import { infoNce, jointEmbeddingHinge } from "../../src/tensor/losses.js";
import { input, type Tensor } from "../../src/tensor/tensor.js";
import { expectClose, expectScalars, fixture } from "./fixture.js";

interface Facts {
  readonly scale: number;
  readonly hinge_image: number;
  readonly hinge_symmetric: number;
  readonly worst_image: number;
  readonly worst_symmetric: number;
  readonly info_nce: number;
}

it("hinge of images alone and both ways, of all others and of the worst, and InfoNCE with its inverse temperature", async () => {
  const { facts, values, under, shape } = await fixture<Facts>("joint-embedding");
  const [image, text, scale] = [input("image", shape("image")), input("text", shape("text")), input("scale", [1])];
  const losses = {
    hinge_image: { loss: jointEmbeddingHinge(image, text, { symmetric: false }), sources: { image, text } },
    hinge_symmetric: { loss: jointEmbeddingHinge(image, text), sources: { image, text } },
    worst_image: { loss: jointEmbeddingHinge(image, text, { symmetric: false, others: "max" }), sources: { image, text } },
    worst_symmetric: { loss: jointEmbeddingHinge(image, text, { others: "max" }), sources: { image, text } },
    info_nce: { loss: infoNce(image, text, scale), sources: { image, text, scale } },
  };
  const names = Object.keys(losses) as (keyof typeof losses)[];
  const program = await compile(await openDevice(), () => {
    const outputs = names.flatMap((name): [string, Tensor][] => {
      const { loss, sources } = losses[name];
      const gradients = grad(loss, Object.values(sources));
      return [[name, loss], ...Object.keys(sources).map((source, i): [string, Tensor] => [`${name}.${source}`, gradients[i]!])];
    });
    return Object.fromEntries(outputs);
  });
  const results = await program.run({ image: values("image"), text: values("text"), scale: [facts.scale] });
  for (const name of names) {
    expectScalars({ [name]: results[name]![0]! }, { [name]: facts[name] }, 1e-5);
    const gradients = Object.keys(losses[name].sources).map((source): [string, Float32Array] => [source, results[`${name}.${source}`]!]);
    expectClose(new Map(gradients), under(name), { relative: 1e-5 });
  }
  // The hinge's cases both occur: pairs within the margin and beyond it.
  const { hinge_image, hinge_symmetric } = facts;
  expect(hinge_image).toBeGreaterThan(0);
  expect(hinge_symmetric).toBeGreaterThan(hinge_image);
});
