/** Trains, in a thread of its own. */
import { expose } from "comlink";
import { TrainingDesk } from "../train/training-desk.js";
import { withSentences } from "./engine.js";

expose(withSentences(new TrainingDesk()));
