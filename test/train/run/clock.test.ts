/** What a training says of its speed: measured by steps that translate no kernels, and not by time in which nobody was at work. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Clock, duration } from "../../../src/train/run/clock.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

it("tells once, after five steps, by the fastest of them", () => {
  const told: string[] = [];
  const clock = new Clock(100, (text) => told.push(text));
  [9000, 2500, 1500, 1000, 1100, 1000].forEach((ms, i) => {
    vi.advanceTimersByTime(ms);
    clock.tick(i + 1, 16);
  });
  expect(told).toEqual(["1.00 s a step: about 95 seconds for the 95 steps to go"]);
});

it("gives images a second without the time between", () => {
  const clock = new Clock(100, () => undefined);
  vi.advanceTimersByTime(2000);
  expect(clock.tick(1, 16)).toBe(8);
  vi.advanceTimersByTime(60_000);
  clock.resume();
  vi.advanceTimersByTime(2000);
  expect(clock.tick(2, 16)).toBe(8);
});

it("rounds durations to what one says", () => {
  expect([40, 99.5, 720, 9000, 268_000].map(duration)).toEqual(["40 seconds", "100 seconds", "12 minutes", "2.5 hours", "3.1 days"]);
});
