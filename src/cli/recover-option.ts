/** What the commands that train have in common. */
import { GROUPS } from "../train/run/options.js";

export const RECOVER_OPTION = {
  type: "flag",
  default: true,
  description: "going on by itself, at most three times, from the last checkpoint with a new device where the GPU's was lost",
  group: GROUPS.run,
} as const;
