/** Looks after the runs in the browser's file system, in a thread of its own: it answers while the training's compiles. */
import { expose } from "comlink";
import { Shelf } from "../train/shelf.js";
import { withSentences } from "./engine.js";

expose(withSentences(new Shelf()));
