/** A room whose code is fetched when it is first entered. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Trouble } from "./trouble.js";

export function later(load: () => Promise<ComponentType>): ComponentType {
  let loaded: ComponentType | undefined;
  return function Later() {
    const [state, setState] = useState<"loading" | "there" | "failed">(loaded ? "there" : "loading");
    useEffect(() => {
      if (loaded) return;
      load().then(
        (Room) => {
          loaded = Room;
          setState("there");
        },
        () => setState("failed"),
      );
    }, []);
    if (loaded) {
      const Room = loaded;
      return <Room />;
    }
    return state === "failed" ? (
      <Trouble text="This room could not be fetched: the page has changed, or the network is down. Reload it." />
    ) : (
      <p class="muted" role="status">
        Fetching …
      </p>
    );
  };
}
