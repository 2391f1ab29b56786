/** The house of the page: its rooms, of which one is shown, and what all of them share. */
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { DropTarget } from "./parts/drop-target.js";
import { later } from "./parts/later.js";
import { Trouble } from "./parts/trouble.js";
import { hashOf, linkedModel, type RoomName, route } from "./route.js";
import { DrawRoom } from "./rooms/draw.js";
import { InsideRoom } from "./rooms/inside.js";
import { RestyleRoom } from "./rooms/restyle.js";
import { WalkRoom } from "./rooms/walk.js";
import { hasServer } from "./runs/server.js";
import { model, obstacle, openAddress, openAtFirst, openFile } from "./model.js";

/** The rooms, in the order of their doors. */
const DOORS: readonly { readonly room: RoomName; readonly title: string; readonly Room: ComponentType }[] = [
  { room: "draw", title: "Draw", Room: DrawRoom },
  { room: "walk", title: "Walk", Room: WalkRoom },
  { room: "restyle", title: "Restyle", Room: RestyleRoom },
  { room: "train", title: "Train", Room: later(async () => (await import("./rooms/train.js")).TrainRoom) },
  { room: "inside", title: "Look inside", Room: InsideRoom },
  // A static host has no runs to show.
  ...(hasServer ? [{ room: "runs" as const, title: "Runs", Room: later(async () => (await import("./rooms/runs.js")).RunsRoom) }] : []),
];

export function App() {
  const { room } = route.value;
  const door = DOORS.find((door) => door.room === room) ?? DOORS[0]!;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => void openAtFirst(linkedModel(route.peek())), []);
  // A link that is pasted into the tab.
  useEffect(() => {
    const linked = linkedModel(route.value);
    const state = model.peek();
    if (linked !== undefined && state.kind === "open" && linked !== state.address) void openAddress(linked);
  }, [route.value]);
  useEffect(() => {
    document.title = `${door.title} · petalgrad studio`;
  }, [door]);
  return (
    <DropTarget onFile={openFile}>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), heading.current?.focus())}>
        Skip to the room
      </a>
      <header class="top">
        <a class="name" href={hashOf("draw")}>
          <img src="./petal.svg" alt="" width="24" height="24" /> petalgrad studio
        </a>
        <nav aria-label="Rooms">
          {DOORS.map(({ room, title }) => (
            <a href={hashOf(room)} aria-current={room === door.room ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main id="main">
        <h1 ref={heading} tabIndex={-1}>
          {door.title}
        </h1>
        <Trouble text={obstacle.value} />
        <door.Room />
      </main>
    </DropTarget>
  );
}
