/**
 * A training step as one program that pauses where the ranks' gradients meet (learning.ts). They set out at a pause, and what does not need
 * them runs meanwhile; at the next one they are back. Whether somebody asks to stop goes along, so that all ranks stop after the same step.
 */
import { UserError } from "../../errors.js";
import type { Device } from "../../gpu/device.js";
import { Memory } from "../../gpu/memory.js";
import { RoundTrip } from "../../gpu/round-trip.js";
import { compile, type CompileOptions } from "../../tensor/compile.js";
import type { InputValues, Program } from "../../tensor/program.js";
import { SharedLearning, type SharedSum } from "./learning.js";
import type { World } from "./world.js";

/** What all ranks know after a step. */
export interface SharedResult {
  /** Means over the ranks. */
  readonly numbers: Readonly<Record<string, number>>;
  /** True where a rank was asked to stop. */
  readonly stop: boolean;
}

/** Numbers of the host that go along with each sum: how many ranks were asked to stop. */
const HOSTS_OWN = 1;

/** The last step that was asked for in a world, of whichever program. */
const lastOf = new WeakMap<World, Promise<unknown>>();

export class SharedProgram {
  private constructor(
    readonly world: World,
    readonly program: Program,
    readonly sums: readonly { readonly sum: SharedSum; readonly trip: RoundTrip }[],
  ) {}

  /** @param build Records a step; every loss must go through the learning that it is given. */
  static async compile(
    device: Device,
    world: World,
    build: (learning: SharedLearning) => void,
    options: CompileOptions = {},
  ): Promise<SharedProgram> {
    const learning = new SharedLearning(world.rank, world.size);
    const program = await compile(
      device,
      () => {
        build(learning);
        return {};
      },
      options,
    );
    const memory = ({ memory: held, name }: SharedSum["stores"][number]): Memory => {
      if (held instanceof Memory) return held;
      throw new UserError(`${name}: its values are not on the device`);
    };
    const sums = learning.sums.map((sum) => ({ sum, trip: new RoundTrip(device, sum.stores.map(memory), HOSTS_OWN) }));
    return new SharedProgram(world, program, sums);
  }

  /** Bytes that a rank sends out in a step. */
  get bytes(): number {
    return this.sums.reduce((sum, { trip }) => sum + trip.bytes, 0);
  }

  /**
   * A step, once the one before is done, of this program or of another: its sums must not mix with theirs.
   * @param where For people, in case the others do not come: "step 12".
   * @param signal Aborted where this rank is asked to stop.
   */
  run(inputs: InputValues, where: string, signal: AbortSignal): Promise<SharedResult> {
    const before = lastOf.get(this.world) ?? Promise.resolve();
    const result = before.then(() => this.#step(inputs, where, signal));
    lastOf.set(
      this.world,
      result.catch(() => undefined),
    );
    return result;
  }

  async #step(inputs: InputValues, where: string, signal: AbortSignal): Promise<SharedResult> {
    const { size } = this.world;
    const numbers: Record<string, number> = {};
    let stop = false;
    const under = new Map<string, Promise<void>>();
    const share = async ({ sum, trip }: (typeof this.sums)[number]): Promise<void> => {
      await trip.run(async (values, extra) => {
        if (extra.length > 0) extra[0] = signal.aborted ? 1 : 0;
        await this.world.sum(values, `${where}, ${sum.what}`);
        if (extra.length === 0) return;
        stop = extra[0]! > 0;
        // The last of the stores: its end is padding.
        const told = values.length - extra.length - sum.stores.at(-1)!.length;
        sum.numbers.forEach((name, i) => (numbers[name] = values[told + i]! / size));
      });
    };
    await this.program.runInParts(inputs, (pause) => {
      const begin = this.sums.find(({ sum }) => pause === `begin ${sum.what}`);
      if (!begin) return under.get(pause);
      const sum = share(begin);
      // Awaited at its end, which is another pause.
      sum.catch(() => undefined);
      under.set(`end ${begin.sum.what}`, sum);
      return undefined;
    });
    return { numbers, stop };
  }

  destroy(): void {
    this.program.destroy();
    for (const { sum, trip } of this.sums) {
      trip.destroy();
      for (const store of sum.stores) store.destroy();
    }
  }
}
