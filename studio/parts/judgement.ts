/** What the discriminator says of images, in words that tell also where it says nearly 0 % of all. */

/** Whole, but where that would hide that it is small. */
export const percent = (share: number): string => (share < 0.0005 ? "<0.1" : (100 * share).toFixed(share < 0.0995 ? 1 : 0));

/** The place of each by its probability, from 1; undefined while one is not judged yet, or where there is but one. */
export function placesOf(probabilities: readonly (number | undefined)[]): readonly number[] | undefined {
  if (probabilities.length < 2 || probabilities.includes(undefined)) return undefined;
  const all = probabilities as readonly number[];
  return all.map((own) => 1 + all.filter((other) => other > own).length);
}

/** "1st", "2nd", "3rd", "4th" ... */
export function ordinal(place: number): string {
  const last = place % 10;
  const teen = Math.floor(place / 10) % 10 === 1;
  return `${place}${teen ? "th" : last === 1 ? "st" : last === 2 ? "nd" : last === 3 ? "rd" : "th"}`;
}

/** For a tooltip. */
export const JUDGEMENT =
  "How likely the discriminator holds this to be a real image of the sentence, and the image’s place among these by that. One that was " +
  "trained to compare the images of a batch knows drawn ones by their likeness and says nearly 0 % of all: then the place tells more.";
