/** Parquet files of image bytes and captions, as Hugging Face keeps data sets: each is a folder with a metadata.jsonl (`../files/parquet.ts`). */
import { isParquetName, PARQUET_TEXTS } from "../files/parquet-names.js";
import { imagefolder } from "./imagefolder.js";
import type { Layout } from "./layout.js";

const TEXTS = new RegExp(`\\.parquet/${PARQUET_TEXTS.replace(".", "\\.")}$`, "i");

export const parquet: Layout = {
  name: "parquet",
  takes: "captions",
  lacking: "no .parquet",
  example: ["train.parquet   columns image {bytes, path} and text, caption or captions"],
  signs: (files, { name }) => files.filter((path) => TEXTS.test(path) || (isParquetName(name) && path === PARQUET_TEXTS)),
  read: (contents, signs, options) => imagefolder.read(contents, signs, options),
};
