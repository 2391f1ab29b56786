/** Given embeddings in all their forms, and how they find the images of a data set. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { zipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeNpy } from "../../../../src/formats/npy.js";
import { PackedDataset } from "../../../../src/data/packed.js";
import { Alphabet } from "../../../../src/data/alphabet.js";
import { EmbeddedDataset, placeVectors } from "../../../../src/data/embeddings/embedded-dataset.js";
import { openEmbeddings } from "../../../../src/node/datasets/embeddings/given-embeddings.js";
import { writeSafetensors } from "../../../../src/formats/safetensors.js";
import { forgeNpy, npyHeader } from "../../../formats/npy-writer.js";
import { ArrayParts, writePickle } from "../../../formats/pickle-writer.js";
import { lua, torchTensor, writeTorch7 } from "../../../formats/torch7-writer.js";

const SIZE = 4;
let folder: string;
const inside = (name: string) => join(folder, name);
function put(name: string, bytes: Uint8Array): string {
  mkdirSync(dirname(inside(name)), { recursive: true });
  writeFileSync(inside(name), bytes);
  return inside(name);
}

/** Vector k of an image: its number and k, recognisable. */
const vectors = (image: number, count: number): Float32Array =>
  Float32Array.from({ length: count * SIZE }, (_, i) => 100 * image + 10 * Math.floor(i / SIZE) + (i % SIZE));
const bytesOf = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
const join2 = (...parts: Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]));

/** Classes a and b with two images each; three captions an image, the last has two. */
function dataset(): PackedDataset {
  const names = ["a1", "a2", "b1", "b2"];
  return new PackedDataset({
    name: "tiny",
    size: 4,
    classes: ["a", "b"],
    split: { train: [0], test: [1] },
    alphabet: Alphabet.original(),
    report: { images: 4, captions: 11, skipped: [], notes: [] },
    images: names.map((name, i) => ({
      name,
      classIndex: i >> 1,
      side: 4,
      captions: ["first", "second", "third"].slice(0, i === 3 ? 2 : 3).map((word) => `${word} of ${name}`),
    })),
    pixels: new Uint8Array(4 * 48),
  });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "petalgrad-embeddings-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("forms", () => {
  const image = (i: number, count: number) =>
    writeTorch7(
      lua({
        img: `b/${i}.jpg`,
        txt: torchTensor([count, SIZE], vectors(i, count)),
        char: torchTensor([201, count], new Float64Array(201 * count)),
      }),
    );

  it("the authors' folder of .t7 files, other files beside them", async () => {
    put("a/a2.t7", image(2, 3));
    put("a/a1.t7", image(1, 2));
    put("b/b1.t7", image(3, 1));
    put("trainvalids.txt", Buffer.from("1\n"));
    put("a/notes.txt", Buffer.from("x"));
    const given = await openEmbeddings(folder);
    expect(given).toMatchObject({
      size: SIZE,
      images: [
        { name: "a/a1", count: 2 },
        { name: "a/a2", count: 3 },
        { name: "b/b1", count: 1 },
      ],
    });
    expect(given.values).toEqual(join2(vectors(1, 2), vectors(2, 3), vectors(3, 1)));
  });

  it.each([{ protocol: 2 as const, python2: true }, { protocol: 4 as const }])("StackGAN's pickles of both splits: %o", async (options) => {
    const one = (i: number, count: number) => new ArrayParts([count, SIZE], "f4", bytesOf(vectors(i, count)));
    put("train/char-CNN-RNN-embeddings.pickle", writePickle([one(1, 3), one(2, 3)], options));
    put("train/filenames.pickle", writePickle(["a/a1", "a/a2"], options));
    put("train/class_info.pickle", writePickle([1, 1], options));
    // One array of all images, as numpy makes of a list of equal ones.
    put(
      "test/char-CNN-RNN-embeddings.pickle",
      writePickle(new ArrayParts([2, 2, SIZE], "f4", bytesOf(join2(vectors(3, 2), vectors(4, 2)))), options),
    );
    put("test/filenames.pickle", writePickle(["jpg/b1", "jpg/b2"], options));
    const given = await openEmbeddings(folder);
    expect(given.images).toMatchObject([
      { name: "a/a1", count: 3 },
      { name: "a/a2", count: 3 },
      { name: "jpg/b1", count: 2 },
      { name: "jpg/b2", count: 2 },
    ]);
    expect(given.values).toEqual(join2(vectors(1, 3), vectors(2, 3), vectors(3, 2), vectors(4, 2)));
    const alone = await openEmbeddings(inside("test/char-CNN-RNN-embeddings.pickle"));
    expect(alone.values).toEqual(join2(vectors(3, 2), vectors(4, 2)));
  });

  it("arrays: .npy, .npz with names, .safetensors", async () => {
    const values = vectors(1, 6);
    expect(await openEmbeddings(put("e.npy", writeNpy([6, SIZE], values)))).toMatchObject({ size: SIZE, values, images: undefined });
    expect(await openEmbeddings(put("e3.npy", writeNpy([2, 3, SIZE], values)))).toMatchObject({
      size: SIZE,
      images: [
        { name: "", count: 3 },
        { name: "", count: 3 },
      ],
    });
    const names = forgeNpy(npyHeader("|S8", [2]), Buffer.from("a/a1.jpgb/b1.jpg"));
    const npz = zipSync({ "embeddings.npy": writeNpy([2, 3, SIZE], values), "filenames.npy": names });
    expect((await openEmbeddings(put("e.npz", npz))).images).toMatchObject([
      { name: "a/a1", count: 3 },
      { name: "b/b1", count: 3 },
    ]);
    const safetensors = await writeSafetensors([["embeddings", { dtype: "F64", shape: [6, SIZE], data: Float64Array.from(values) }]]);
    expect(await openEmbeddings(put("e.safetensors", safetensors))).toMatchObject({ size: SIZE, values });
  });

  it("what is none is refused in one line", async () => {
    const refused = async (path: string, message: string | RegExp) => {
      await expect(openEmbeddings(path)).rejects.toThrow(message);
      await expect(openEmbeddings(path)).rejects.toMatchObject({
        name: expect.stringMatching(/^(User|Format|Data)Error$/) as string,
        message: expect.not.stringContaining("\n") as string,
      });
    };
    await refused(inside("nothing"), "no such file or folder of embeddings");
    await refused(folder, "holds no embeddings: neither .t7 files in class folders nor StackGAN's pickles");
    await refused(put("e.txt", Buffer.from("1 2 3")), "embeddings are read from .npy, .npz");
    await refused(put("flat.npy", writeNpy([4], vectors(1, 1))), "is an array of [4]; embeddings are numbers of [captions, size]");
    await refused(put("nan.npy", writeNpy([2, 2], Float32Array.of(1, 2, 3, NaN))), "nan.npy: vector 2 holds a value that is not finite");
    await refused(
      put("two.npz", zipSync({ "x.npy": writeNpy([1, 1], Float32Array.of(1)), "y.npy": writeNpy([1, 1], Float32Array.of(1)) })),
      'holds 2 arrays, and none is named "embeddings"',
    );
    await refused(put("x.pickle", writePickle(["a"], { protocol: 2 })), "filenames.pickle cannot be read");
    put("filenames.pickle", writePickle(["a/a1", "a/a2"], { protocol: 2 }));
    await refused(put("x.pickle", writePickle(["a"], { protocol: 2 })), "x.pickle is a list of something else than arrays");
    const one = new ArrayParts([1, SIZE], "f4", bytesOf(vectors(1, 1)));
    await refused(
      put("x.pickle", writePickle([one], { protocol: 2 })),
      "has the embeddings of 1 images, and filenames.pickle beside it names 2",
    );
    const longer = new ArrayParts([1, 5], "f4", new Uint8Array(20));
    await refused(
      put("x.pickle", writePickle([one, longer], { protocol: 2 })),
      "x.pickle: the vectors of a/a2 are 5 long, those of a/a1 4",
    );
    put("t/a/a1.t7", writeTorch7(lua({ img: "x" })));
    await refused(inside("t"), /a1\.t7 has no tensor "txt" of \[captions, size\]/);
  });
});

describe("a data set's images", () => {
  const given = (images: { name: string; count: number }[] | undefined, rows: number) => ({
    path: "x",
    size: SIZE,
    values: new Float32Array(rows * SIZE),
    images,
  });

  it("are found by name, whatever folder stands before, the others left out", () => {
    const places = placeVectors(
      given(
        [
          { name: "b/b1", count: 2 },
          { name: "jpg/a2", count: 1 },
          { name: "a/none", count: 4 },
          { name: "a/a1", count: 3 },
        ],
        10,
      ),
      dataset(),
    );
    expect([...places.count]).toEqual([3, 1, 2, 0]);
    expect([...places.first]).toEqual([7, 2, 0, 0]);
    expect(places.unknown).toEqual(["a/none"]);
    const embedded = new EmbeddedDataset(dataset(), places, 10);
    expect(embedded.captions).toBe(10);
    expect(embedded.imagesOfSplit("test")).toEqual([2]);
    expect(embedded.imagesOfClass(1)).toEqual([2]);
    expect(embedded.captionsOf(0)).toEqual(["first of a1", "second of a1", "third of a1"]);
    expect(embedded.captionsOf(3)).toEqual([]);
    expect(embedded.firstCaption(0)).toBe(7);
    expect([7, 8, 9, 2, 0, 1].map((i) => embedded.caption(i))).toEqual([
      "first of a1",
      "second of a1",
      "third of a1",
      "first of a2",
      "first of b1",
      "second of b1",
    ]);
    expect(embedded.imageOfCaption(2)).toBe(1);
  });

  it("more vectors than captions are named by their number", () => {
    const places = placeVectors(given([{ name: "b2", count: 4 }], 4), dataset());
    expect(new EmbeddedDataset(dataset(), places, 4).captionsOf(3)).toEqual(["first of b2", "second of b2", "b/b2:3", "b/b2:4"]);
    expect(new EmbeddedDataset(dataset(), places, 4).split).toEqual({ train: [], test: [1] });
  });

  it("go by the data set's order where there are no names: a row a caption, a row an image, several an image", () => {
    expect([...placeVectors(given(undefined, 11), dataset()).first]).toEqual([0, 3, 6, 9]);
    expect([...placeVectors(given(undefined, 11), dataset()).count]).toEqual([3, 3, 3, 2]);
    expect([...placeVectors(given(undefined, 4), dataset()).count]).toEqual([1, 1, 1, 1]);
    const five = Array.from({ length: 4 }, () => ({ name: "", count: 5 }));
    expect([...placeVectors(given(five, 20), dataset()).first]).toEqual([0, 5, 10, 15]);
  });

  it("other data is refused", () => {
    expect(() => placeVectors(given(undefined, 12), dataset())).toThrow(
      "x has 12 vectors, and tiny has 11 captions of 4 images: they are of other data",
    );
    expect(() => placeVectors(given([{ name: "", count: 2 }], 2), dataset())).toThrow("has the embeddings of 1 images, and tiny has 4");
    expect(() => placeVectors(given([{ name: "c/c1", count: 2 }], 2), dataset())).toThrow(
      "x: none of its images (the first is c/c1) is in tiny (whose first is a/a1)",
    );
    expect(() =>
      placeVectors(
        given(
          [
            { name: "a/a1", count: 1 },
            { name: "x/a1", count: 1 },
          ],
          2,
        ),
        dataset(),
      ),
    ).toThrow("the embeddings of x/a1 come twice");
  });
});
