/** Petals of free attributes. */
import { describe, expect, it } from "vitest";
import { freePetals } from "../../src/evaluate/free-petals.js";

describe("petals of free attributes", () => {
  it("are functions of the seed, combine everything, and never hide the centre", async () => {
    const never = new AbortController().signal;
    const make = (count: number, seed: number) => freePetals(16, count, seed, () => undefined, never);
    const petals = await make(400, 1);
    const named = Array.from({ length: 400 }, (_, i) => petals.attributes!(i).named);
    expect(new Set(named.map((n) => `${n.petalColour} ${n.petalCount}`)).size).toBe(48);
    // Chance of two independent attributes: no count goes with a centre's colour.
    const both = named.filter((n) => n.petalCount === 5 && n.centreColour === "brown").length;
    expect(both).toBeGreaterThan(3);
    for (const n of named) expect(n.petalColour).not.toBe(n.centreColour);
    expect((await make(30, 1)).pixels(29)).toEqual(petals.pixels(29));
    expect((await make(30, 2)).pixels(29)).not.toEqual(petals.pixels(29));
    await expect(freePetals(16, 400, 1, () => undefined, AbortSignal.abort())).rejects.toThrow();
  });
});
