/** Which room is shown, and with what: the part of the address behind "#", such as `#/draw?text=a+red+petal&seed=3`. */
import { signal } from "@preact/signals";

export const ROOMS = ["draw", "walk", "restyle", "train", "inside", "runs"] as const;
export type RoomName = (typeof ROOMS)[number];

/** A room and what a link gives it. */
export interface Route {
  readonly room: RoomName;
  readonly query: URLSearchParams;
}

/** Reads the part behind "#"; anything unknown leads to the first room. */
export function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { room: ROOMS.find((room) => room === path) ?? "draw", query: new URLSearchParams(query) };
}

export const route = signal(routeOf(location.hash));
addEventListener("hashchange", () => (route.value = routeOf(location.hash)));

/** The address of the model that a link names, if it names one: a file that somebody dropped has a name only. */
export function linkedModel({ query }: Route): string | undefined {
  const linked = query.get("model");
  return linked !== null && /[/:]/.test(linked) ? linked : undefined;
}

/** The address of a room. */
export const hashOf = (room: RoomName, query?: URLSearchParams): string => `#/${room}${query?.size ? `?${query}` : ""}`;

/** Keeps what a room shows in the address, without a step in the history: the link that brings it back. */
export function remember(query: URLSearchParams): void {
  history.replaceState(null, "", hashOf(route.peek().room, query));
}
