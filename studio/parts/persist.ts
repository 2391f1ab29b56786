/** Asks the browser to keep what this page stores when the disk fills up; one that knows no such question goes on without. */
export function persist(): void {
  const { storage } = navigator as Partial<Navigator>;
  void (storage as Partial<StorageManager> | undefined)?.persist?.().catch(() => false);
}
