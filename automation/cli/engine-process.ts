import { hostname } from "node:os";

/** This process, as a swap's journal names who drives it. */
export const engineProcess = Object.freeze({ pid: process.pid, host: hostname() });
