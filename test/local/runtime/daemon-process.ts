/** A stand-in for the daemon, to be killed: `node daemon-process.ts IMAGES LOGS IMAGE`; prints the ids of what it has started. */
import { openRegistry } from "../../../local/registry/registry.ts";
import { createProcessRuntime } from "../../../local/runtime/process-runtime.ts";
import { systemClock } from "../../../local/runtime/system-clock.ts";

const [imagesDirectory = "", logsDirectory = "", image = ""] = process.argv.slice(2);
const runtime = createProcessRuntime({ registry: openRegistry(imagesDirectory), logsDirectory, clock: systemClock });
const spec = { platform: "gke", image, env: { IGNORE_SIGTERM: "1" } };
const instances = [
  await runtime.start({ ...spec, name: "plain" }),
  await runtime.start({ ...spec, name: "family", command: ["sh", "-c", "sleep 600 & setsid sleep 600 & wait"] }),
];
process.stdout.write(`${JSON.stringify(instances.map(({ pid }) => pid))}\n`);
