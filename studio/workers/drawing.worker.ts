/** The engine for drawing, in a thread of its own. */
export {};
