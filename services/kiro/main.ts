import { runAgent } from "./run.ts";
import { processRequest } from "./work.ts";

await runAgent(processRequest);
