/** Choosing among given embeddings by name or by number. */
import { describe, expect, it } from "vitest";
import type { GivenEmbeddings } from "../../../src/data/embeddings/given.js";
import { embeddingOf } from "../../../src/data/embeddings/pick.js";

const values = Float32Array.of(1, 10, 3, 30, 5, 50, 7, 70, 9, 90);
const given = (images: GivenEmbeddings["images"]): GivenEmbeddings => ({ path: "x", size: 2, values, images });
const named = given([
  { name: "a/a1", count: 2 },
  { name: "a/a2", count: 1 },
  { name: "b/b1", count: 2 },
]);

describe("embeddingOf", () => {
  it.each([
    ["a/a1", [2, 20]],
    ["a1:2", [3, 30]],
    ["a", [3, 30]],
    ["a:3", [5, 50]],
    ["b1", [8, 80]],
  ])("%s, of named images", (name, vector) => {
    expect([...embeddingOf(named, name)]).toEqual(vector);
  });

  it("rows, and images without names, by their numbers", () => {
    expect([...embeddingOf(given(undefined), "5")]).toEqual([9, 90]);
    const images = given([1, 2, 2].map((count) => ({ name: "", count })));
    expect([...embeddingOf(images, "2")]).toEqual([4, 40]);
    expect([...embeddingOf(images, "3:1")]).toEqual([7, 70]);
  });

  it("says what there is", () => {
    expect(() => embeddingOf(named, "c")).toThrow('x has no embeddings of "c": its first image is a/a1');
    expect(() => embeddingOf(named, "a1:3")).toThrow("x has 2 embeddings of a1: there is no a1:3");
    expect(() => embeddingOf(given(undefined), "0")).toThrow('x has no embeddings of "0": its rows have numbers, from 1 to 5');
    expect(() => embeddingOf(given(undefined), "6")).toThrow("from 1 to 5");
    expect(() => embeddingOf(given(undefined), "a")).toThrow("from 1 to 5");
    expect(() => embeddingOf(given([{ name: "", count: 5 }]), "2")).toThrow("its images have numbers, from 1 to 1");
  });
});
