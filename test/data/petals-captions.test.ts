/** Which attributes a caption of petals names. */
import { describe, expect, it } from "vitest";
import { petalsClasses } from "../../src/data/petals-classes.js";
import { attributesNamed, petalsCaptions } from "../../src/data/petals-captions.js";
import { RandomStream } from "../../src/random/philox.js";

describe("the attributes that captions name", () => {
  it("are found in the grammar's own sentences as often as it says", () => {
    let [counts, centres, all] = [0, 0, 0];
    for (let classIndex = 0; classIndex < 130; classIndex++) {
      const named = petalsClasses()[classIndex]!;
      for (const caption of petalsCaptions(named, new RandomStream(5, classIndex))) {
        const says = attributesNamed(caption, named);
        all++;
        if (says.petalCount) counts++;
        if (says.centreColour) centres++;
      }
    }
    // The grammar names a count in half of its captions, a centre's colour in three of five.
    expect(counts / all).toBeGreaterThan(0.44);
    expect(counts / all).toBeLessThan(0.56);
    expect(centres / all).toBeGreaterThan(0.53);
    expect(centres / all).toBeLessThan(0.66);
  });

  it("are told from words that stand elsewhere", () => {
    const named = { ...petalsClasses()[0]!, petalCount: 5 as const, centreColour: "green" as const };
    expect(attributesNamed("red petals above broad green leaves", named)).toEqual({
      ...{ petalColour: true, petalCount: false, centreColour: false },
    });
    expect(attributesNamed("five red petals around a small light green center.", named)).toMatchObject({
      petalCount: true,
      centreColour: true,
    });
    expect(attributesNamed("petals that are red, five in number, and a green eye", named)).toMatchObject({
      petalCount: true,
      centreColour: true,
    });
  });
});
