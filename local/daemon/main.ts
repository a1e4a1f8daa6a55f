import { parseArgs } from "node:util";
import { z } from "zod";
import { type Daemon, startDaemon } from "./daemon.ts";
import { givenSettings, settingsPatchSchema } from "./settings.ts";

/**
 * The daemon's process: `main.ts --root DIR [--owned] [--listener RULE=PORT]… [--settings JSON]`. Prints one JSON line on stdout, `{"ready":true,…}` with
 * what daemon.json says, or `{"ready":false,"error":{"name","message"}}` and exit code 1. With --owned it lives as long as its stdin is open.
 */

/** For instances and requests when asked to stop, ms. */
const stopGraceMs = 10_000;
/** The owner is gone: everything is to be gone within 5 s. */
const orphanedGraceMs = 3_000;

const listenerSchema = z
  .string()
  .regex(/^[^=]+=\d{1,5}$/, "must be RULE=PORT")
  .transform((text): [string, number] => {
    const [rule = "", port = ""] = text.split("=");
    return [rule, Number(port)];
  })
  .refine(([, port]) => port >= 1 && port <= 65535, "the port must be from 1 to 65535");

const settingsTextSchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      context.addIssue({ code: "custom", message: `--settings is not JSON: ${error.message}` });
      return z.NEVER;
    }
  })
  .pipe(settingsPatchSchema);

const argumentsSchema = z.object({
  root: z.string({ error: "--root DIR is needed" }).min(1),
  owned: z.boolean().default(false),
  listener: z.array(listenerSchema).default([]),
  settings: settingsTextSchema.default({}),
});

function readArguments(): z.infer<typeof argumentsSchema> {
  const { values } = parseArgs({
    options: {
      root: { type: "string" },
      owned: { type: "boolean" },
      listener: { type: "string", multiple: true },
      settings: { type: "string" },
    },
  });
  return argumentsSchema.parse(values);
}

function printLine(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function reportFailure(error: unknown): void {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  process.stderr.write(`${message}\n`);
  printLine({ ready: false, error: { name, message } });
}

async function run(): Promise<void> {
  const options = readArguments();
  let daemon: Daemon | undefined;
  let requested: number | undefined;
  const starting = new AbortController();

  const stop = (graceMs: number): void => {
    requested = Math.min(requested ?? graceMs, graceMs);
    starting.abort(new Error("The local cloud was stopped while it started."));
    if (daemon === undefined) return;
    daemon.close(requested).then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  let signals = 0;
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => {
      signals += 1;
      // A second one does not wait; the runtime's watchdog ends the instances.
      if (signals > 1) process.exit(1);
      stop(stopGraceMs);
    });
  }
  if (options.owned) {
    for (const event of ["end", "close", "error"] as const) process.stdin.once(event, () => stop(orphanedGraceMs));
    process.stdin.resume();
    // The owner's end of the pipe may be gone.
    process.stdout.on("error", () => stop(orphanedGraceMs));
  }

  daemon = await startDaemon({
    root: options.root,
    settings: givenSettings(options.settings),
    listenerPorts: Object.fromEntries(options.listener),
    signal: starting.signal,
    onStopRequest: () => stop(stopGraceMs),
  });
  printLine({ ready: true, ...daemon.info });
  if (requested !== undefined) stop(requested);
}

try {
  await run();
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
  // Nothing of a failed start may keep the process alive.
  process.stdout.write("", () => process.exit());
}
