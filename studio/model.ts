/** The opened model, for all rooms. */
export function openAtFirst(): Promise<void> {
  return Promise.resolve();
}

export function openFile(_file: File): void {}
