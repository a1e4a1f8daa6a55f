import { type FSWatcher, watch } from "node:fs";

/** Not every disk tells of its changes: then it is looked at so often, ms. */
const lookEveryMs = 20;
/** As long as there is no folder that could tell, ms. */
const awaitEveryMs = 2;

/** Tells at once when something is written in a swap's folder: its lines follow each other within milliseconds. */
export class JournalEye {
  readonly #folder: string;
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: () => void = () => undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Resolves when something has changed since the last call, or after a while. */
  async change(): Promise<void> {
    this.#open();
    if (!this.#changed)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#watcher === undefined ? awaitEveryMs : lookEveryMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    this.#changed = false;
  }

  close(): void {
    this.#watcher?.close();
  }

  #open(): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.#folder, () => {
        this.#changed = true;
        this.#wake();
      });
      // Then the timer has to do.
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch (error) {
      // The swap has not begun.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
}
