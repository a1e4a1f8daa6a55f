import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

const processSchema = z.strictObject({
  name: z.string(),
  pid: z.int().positive(),
  /** See processStartTime. */
  startTime: z.string(),
});

const recordSchema = z.strictObject({
  version: z.literal(1),
  /** Random name of one runtime; its processes carry it in their environment. */
  owner: z.string().min(1),
  daemon: processSchema.omit({ name: true }),
  processes: z.array(processSchema),
});

export type RecordedProcess = z.infer<typeof processSchema>;
export type ProcessRecord = z.infer<typeof recordSchema>;

/** The environment variable that marks an instance's processes, their children included, with the record's owner. */
export const ownerVariable = "SWITCHYARD_RUNTIME";

/** The record on disk cannot be understood. */
export class ProcessRecordError extends Error {
  constructor(file: string, cause: unknown) {
    super(`${file} is damaged. Check that no process of the local cloud is left, then delete the file.`, { cause });
    this.name = "ProcessRecordError";
  }
}

function recordFile(stateDirectory: string): string {
  return path.join(stateDirectory, "processes.json");
}

/** What runs for the daemon of this folder; undefined when there never was one. Errors: ProcessRecordError. */
export function readProcessRecord(stateDirectory: string): ProcessRecord | undefined {
  const file = recordFile(stateDirectory);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new ProcessRecordError(file, error);
  }
}

/** Synchronous: between the start of a process and its record the daemon must not be able to do anything else. */
export function writeProcessRecord(stateDirectory: string, record: ProcessRecord): void {
  mkdirSync(stateDirectory, { recursive: true });
  const file = recordFile(stateDirectory);
  const temporary = `${file}.${record.owner}.tmp`;
  writeFileSync(temporary, JSON.stringify(record), { mode: 0o600 });
  renameSync(temporary, file);
}
