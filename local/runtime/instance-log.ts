import { createWriteStream, renameSync, type WriteStream } from "node:fs";

/** Size at which a log is put aside as `<file>.1`, bytes; the one before is dropped. */
const rotateBytes = 4 * 1024 * 1024;
/** What may wait to be written before output is dropped, bytes: a slow disk must not fill the daemon's memory. */
const pendingBytes = 4 * 1024 * 1024;
/** What is kept for messages, characters. */
const tailLength = 4096;

/** One instance's output: to a file of bounded size, and its end in memory. */
export class InstanceLog {
  readonly #file: string;
  #stream: WriteStream;
  #written = 0;
  #tail = "";
  #failure: Error | undefined;

  constructor(file: string) {
    this.#file = file;
    this.#stream = this.#open("a");
  }

  /** The last lines of the output, at most 4,096 characters. */
  get tail(): string {
    const cut = this.#tail.length === tailLength ? this.#tail.slice(this.#tail.indexOf("\n") + 1) : this.#tail;
    return cut.trimEnd();
  }

  write(chunk: Buffer | string): void {
    this.#tail = (this.#tail + chunk.toString()).slice(-tailLength);
    if (this.#failure !== undefined || this.#stream.writableLength > pendingBytes) return;
    if (this.#written > rotateBytes) this.#rotate();
    this.#written += chunk.length;
    this.#stream.write(chunk);
  }

  async close(): Promise<void> {
    if (this.#failure !== undefined) return;
    await new Promise<void>((resolve) => {
      this.#stream.once("error", () => resolve());
      this.#stream.end(resolve);
    });
  }

  #open(flags: "a" | "w"): WriteStream {
    const stream = createWriteStream(this.#file, { flags, mode: 0o600 });
    // A full disk must not end the instance: the tail in memory goes on and says why the file does not.
    stream.on("error", (error) => {
      this.#failure ??= error;
      this.#tail = `${this.#tail}\n(log file ${this.#file} cannot be written: ${error.message})\n`.slice(-tailLength);
    });
    return stream;
  }

  #rotate(): void {
    this.#written = 0;
    this.#stream.end();
    try {
      renameSync(this.#file, `${this.#file}.1`);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.write(`\n(log file ${this.#file} cannot be rotated: ${this.#failure.message})\n`);
      return;
    }
    this.#stream = this.#open("w");
  }
}
