/** Choosing among given embeddings by name. */
import { nameForm } from "../names.js";
import { UserError } from "../../errors.js";
import type { GivenEmbeddings } from "./given.js";

/**
 * The embedding that a name stands for: the mean of a class's, of an image's, or `NAME:K`, the K-th of them. Where the embeddings have no
 * names, NAME is the number of a row, or of an image where an array has a dimension for them, from 1.
 * @throws UserError when there is none of that name
 */
export function embeddingOf({ path, size, values, images }: GivenEmbeddings, name: string): Float32Array {
  const [, base, chosen] = /^(.*?)(?::(\d+))?$/s.exec(nameForm(name))!;
  const rows = images
    ? rowsOf(images, base!)
    : [Number(base) - 1].filter((row) => values.length > row * size && row >= 0 && Number.isInteger(row));
  if (rows.length === 0) {
    const numbered = !images || images[0]!.name === "";
    const way = numbered
      ? `its ${images ? "images" : "rows"} have numbers, from 1 to ${images?.length ?? values.length / size}`
      : `its first image is ${images[0]!.name}`;
    throw new UserError(`${path} has no embeddings of "${base}": ${way}`);
  }
  if (chosen !== undefined && !(Number(chosen) >= 1 && Number(chosen) <= rows.length))
    throw new UserError(`${path} has ${rows.length} embeddings of ${base}: there is no ${name}`);
  const wanted = chosen === undefined ? rows : [rows[Number(chosen) - 1]!];
  const mean = new Float32Array(size);
  for (const row of wanted) for (let d = 0; d < size; d++) mean[d]! += values[row * size + d]! / wanted.length;
  return mean;
}

/** Rows of an image ("class/image", "image", or its number), or of all images of a class. */
function rowsOf(images: NonNullable<GivenEmbeddings["images"]>, name: string): number[] {
  const rows: { readonly names: readonly string[]; readonly rows: number[] }[] = [];
  let at = 0;
  images.forEach((image, i) => {
    const [last, folder] = image.name.split("/").reverse();
    const names = image.name === "" ? [String(i + 1)] : [image.name, last!, ...(folder === undefined ? [] : [folder])];
    rows.push({ names, rows: Array.from({ length: image.count }, () => at++) });
  });
  return rows.filter(({ names }) => names.includes(name)).flatMap((image) => image.rows);
}
