/** Names by which Parquet files are known, apart from their reader: a page fetches that only for who gives one. */

/** The file of a Parquet source that holds its texts. */
export const PARQUET_TEXTS = "metadata.jsonl";

/** Whether a file's name is that of a Parquet file. */
export const isParquetName = (name: string): boolean => /\.parquet$/i.test(name);
