/** The few file operations that state needs. A port, so that a full or read-only disk can be tested as root. */
export interface FileSystem {
  /** undefined when there is no such file. */
  read(path: string): Promise<string | undefined>;
  /** Temporary file, fsync, rename, fsync of the folder. Errors: disk-full, disk-read-only, disk-error. */
  writeAtomic(path: string, text: string, mode?: number): Promise<void>;
  /** The bytes as they are, for who counts positions; undefined when there is no such file. */
  readBytes(path: string): Promise<Uint8Array | undefined>;
  /** Appends and fsyncs; the folder exists afterwards. Same errors. */
  append(path: string, text: string): Promise<void>;
  /**
   * Overwrites from a byte position and fsyncs (the folder too when the file is new); what is behind stays. Doing it twice
   * is doing it once. Same errors.
   */
  writeAt(path: string, position: number, text: string): Promise<void>;
  /** Creates the file with all of its text in one step; false when it exists already. Same errors. */
  createExclusive(path: string, text: string): Promise<boolean>;
  list(folder: string): Promise<readonly string[]>;
  remove(path: string): Promise<void>;
  copy(from: string, to: string): Promise<void>;
}
