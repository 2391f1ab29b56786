/**
 * Decoding images on several ranks. Rank 0 prepares a data set as ever: it alone reads the files, keeps the journal and writes. What it decodes goes in
 * rounds: the images' files to all ranks, the pixels of each from the rank that decoded them back. Pixels are a function of the file, so
 * the packed file is to the byte that of one alone.
 */
import type { Decoding, ImageDecoder } from "../../data/layouts/decode-images.js";
import type { DecodedImage } from "../../data/layouts/rows.js";
import { reasonOf } from "../../errors.js";
import { packed, sharedBy, unpacked } from "../../train/run/shared-work.js";
import type { World } from "../../train/run/world.js";

/** Images of a rank in a round, decoded at the same time. */
const EACH = 8;
/** So long is waited for more images before a round begins with fewer, in ms. */
const PATIENCE = 20;

interface Asked {
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly resolve: (image: DecodedImage) => void;
  readonly reject: (error: unknown) => void;
}

/** Rank 0's side. */
export class SharedDecoding implements Pick<Decoding, "decode" | "atOnce"> {
  /** A round is decoded while the next is read. */
  readonly atOnce: number;
  readonly #waiting: Asked[] = [];
  #round: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly world: World,
    readonly decoder: ImageDecoder,
  ) {
    this.atOnce = 2 * EACH * world.size;
  }

  readonly decode: ImageDecoder = (bytes, size) =>
    new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, size, resolve, reject });
      this.#begin();
    });

  /** Lets the other ranks go: nothing more is decoded. */
  async end(): Promise<void> {
    await this.#round;
    await roundOf(this.world, this.decoder, [], 0);
  }

  #begin(): void {
    if (this.#round) return;
    clearTimeout(this.#timer);
    if (this.#waiting.length < EACH * this.world.size) this.#timer = setTimeout(() => this.#start(), PATIENCE);
    else this.#start();
  }

  #start(): void {
    clearTimeout(this.#timer);
    const most = this.#waiting.splice(0, EACH * this.world.size);
    // Those of another size, which there are none of in one data set, would go in a round of their own.
    const size = most[0]!.size;
    const asked = most.filter((one) => one.size === size);
    this.#waiting.unshift(...most.filter((one) => one.size !== size));
    this.#round = this.#run(asked, size).finally(() => {
      this.#round = undefined;
      if (this.#waiting.length > 0) this.#begin();
    });
  }

  async #run(asked: readonly Asked[], size: number): Promise<void> {
    try {
      const images = asked.map(({ bytes }) => bytes);
      const outcomes = await roundOf(this.world, this.decoder, images, size);
      asked.forEach(({ resolve, reject }, i) => {
        const outcome = outcomes[i]!;
        if (typeof outcome === "string") reject(new Error(outcome));
        else resolve(outcome);
      });
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}

/** The other ranks' side: decodes what rank 0 hands out, until it lets them go. */
export async function decodeForFirst(world: World, decoder: ImageDecoder): Promise<void> {
  while ((await roundOf(world, decoder, [], 0)).length > 0);
}

/** @param images Rank 0's; the others get them. @returns for each its pixels, or why it has none */
async function roundOf(
  world: World,
  decoder: ImageDecoder,
  images: readonly Uint8Array[],
  size: number,
): Promise<(DecodedImage | string)[]> {
  const sent = world.rank === 0 ? packed([new Uint8Array(Float64Array.of(size).buffer), ...images]) : new Uint8Array();
  const [head, ...handed] = unpacked<Uint8Array<ArrayBuffer>>(await world.broadcast(sent, "images to decode", "endless"));
  const side = new Float64Array(head!.buffer)[0]!;
  const share = sharedBy(world);
  const outcomes = await share("images decoded", handed.length, async (i) => written(await decodedOrWhy(decoder, handed[i]!, side)), EACH);
  return outcomes.map(read);
}

const decodedOrWhy = (decoder: ImageDecoder, bytes: Uint8Array, size: number): Promise<DecodedImage | string> =>
  decoder(bytes, size).catch((error: unknown) => reasonOf(error));

/** Side (0 where there is none) and work as doubles, then the pixels or the reason. */
function written(outcome: DecodedImage | string): Uint8Array {
  const [side, work, rest] =
    typeof outcome === "string" ? [0, 0, new TextEncoder().encode(outcome)] : [outcome.side, outcome.work, outcome.pixels];
  const bytes = new Uint8Array(16 + rest.length);
  bytes.set(new Uint8Array(Float64Array.of(side, work).buffer));
  bytes.set(rest, 16);
  return bytes;
}

function read(bytes: Uint8Array): DecodedImage | string {
  const [side, work] = new Float64Array(bytes.slice(0, 16).buffer) as unknown as [number, number];
  const rest = bytes.subarray(16);
  return side === 0 ? new TextDecoder().decode(rest) : { side, work, pixels: rest };
}
