/** What every worker of the page shares: a device that is opened once and again after it was lost, and errors as sentences. */
import "../../src/tensor/read.js";
import { DeviceLostError } from "../../src/errors.js";
import { type Device, openDevice } from "../../src/gpu/device.js";
import { sentenceFor } from "./sentence.js";

/** What the page knows of the device. */
export interface AdapterReport {
  readonly description: string;
  /** Computed by the processor: slow, but right. */
  readonly software: boolean;
}

export const adapterReport = ({ description, traits }: Device): AdapterReport => ({ description, software: traits.software });

let device: Promise<Device> | undefined;

/** The worker's device. A lost one is replaced; what was bound to it must be made again. */
export async function theDevice(): Promise<Device> {
  if (device && (await device.catch(() => undefined))?.lost === undefined) return device;
  device = openDevice();
  return device;
}

/** Calls what needs the device, once more with a new one where it was lost meanwhile. */
export async function survivingLoss<Result>(work: (device: Device) => Promise<Result>): Promise<Result> {
  try {
    return await work(await theDevice());
  } catch (error) {
    if (!(error instanceof DeviceLostError)) throw error;
    return work(await theDevice());
  }
}

/** The same functions, whose failures are sentences for a person: what crosses to the page is a message, not a class. */
export function withSentences<Api extends object>(api: Api): Api {
  return new Proxy(api, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== "function") return member;
      return async (...given: unknown[]): Promise<unknown> => {
        try {
          return await (member.apply(target, given) as unknown);
        } catch (error) {
          throw error instanceof DOMException && error.name === "AbortError" ? error : new Error(sentenceFor(error));
        }
      };
    },
  });
}
