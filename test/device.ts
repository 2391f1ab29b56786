/** One device for all tests of a file: opened on first use, destroyed when the file is done. */
import { afterAll } from "vitest";
import { type Device, openDevice } from "../src/index.js";

let opened: Promise<Device> | undefined;

export const device = (): Promise<Device> => (opened ??= openDevice());

afterAll(async () => {
  const used = await opened;
  opened = undefined;
  used?.destroy();
});
