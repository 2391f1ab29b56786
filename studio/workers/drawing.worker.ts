/** The engine for drawing, in a thread of its own: the page asks, and gets pixels. */
import { expose } from "comlink";
import { DrawingDesk } from "./drawing-desk.js";
import { withSentences } from "./engine.js";

expose(withSentences(new DrawingDesk()));
