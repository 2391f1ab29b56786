/** Every thread of the page; what one is for is its name. They have one file, so that they share the engine's text. */
import { expose } from "comlink";
import { withSentences } from "./engine.js";
import type { ThreadName } from "./start.js";

type Desk = Readonly<Record<string | symbol, (...given: unknown[]) => unknown>>;

const DESKS: Readonly<Record<ThreadName, () => Promise<object>>> = {
  drawing: async () => new (await import("./drawing-desk.js")).DrawingDesk(),
  training: async () => new (await import("../train/training-desk.js")).TrainingDesk(),
  pictures: async () => new (await import("../pictures/pictures-desk.js")).PicturesDesk(),
  shelf: async () => new (await import("../train/shelf.js")).Shelf(),
};

const desk = DESKS[self.name as ThreadName]().then((made) => withSentences(made) as Desk);

// What the page asks meanwhile is answered once the desk is there.
expose(
  new Proxy(
    {},
    {
      get:
        (_, name) =>
        async (...given: unknown[]): Promise<unknown> =>
          (await desk)[name]!(...given),
    },
  ),
);
