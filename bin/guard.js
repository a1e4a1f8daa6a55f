#!/usr/bin/env node
// `guard X` is `switchyard guard X`. Plain JavaScript, as switchyard.js, which runs itself again with its own arguments.
import { fileURLToPath } from "node:url";

const topic = process.argv[2] === "--version" ? [] : ["guard"];
process.argv.splice(1, 1, fileURLToPath(new URL("switchyard.js", import.meta.url)), ...topic);
await import("./switchyard.js");
