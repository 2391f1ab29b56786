/** What is said of images by their probabilities. */
import { expect, it } from "vitest";
import { ordinal, percent, placesOf } from "../../studio/parts/judgement.js";

it("images have their places where the discriminator says nearly nothing of all", () => {
  expect(placesOf([1e-7, 3e-6, 1e-9, 3e-6])).toEqual([3, 1, 4, 1]);
  expect(placesOf([0.5, undefined])).toBeUndefined();
  expect(placesOf([0.5])).toBeUndefined();
  expect([1, 2, 3, 4, 11, 12, 13, 16, 21].map(ordinal)).toEqual(["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "16th", "21st"]);
  expect([0, 0.0004, 0.0006, 0.05, 0.0994, 0.0996, 0.5].map(percent)).toEqual(["<0.1", "<0.1", "0.1", "5.0", "9.9", "10", "50"]);
});
