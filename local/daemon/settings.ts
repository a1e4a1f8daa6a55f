import { z } from "zod";
import { mostWorkers } from "../compute/load-balancer.ts";

/** What the simulators do; times in ms. */
export const settingsSchema = z.strictObject({
  /** Between the API's answer and the data plane's following. Ten minutes were seen on a real cloud. */
  propagationDelayMs: z.int().min(0).max(600_000),
  /** From the first router worker that follows to the last; the others are spread evenly between. */
  propagationSpreadMs: z.int().min(0).max(600_000),
  /** false: within its delay each worker takes the new routes, falls back to the older ones, and takes the new ones for good. */
  propagationInOrder: z.boolean(),
  /** Workers behind a listener that opens from now on; each follows for itself. */
  routerWorkers: z.int().min(1).max(mostWorkers),
  /** Between the end of a request and its entry in Cloud Logging; entries of the same time come in any order. */
  logDelayMs: z.int().min(0).max(600_000),
  /** Added to the start of every Cloud Run instance. */
  coldStartDelayMs: z.int().min(0).max(60_000),
  /** Between a Service's annotation (or a change of its endpoints) and its endpoint groups. */
  negDelayMs: z.int().min(0).max(600_000),
});

export type Settings = z.infer<typeof settingsSchema>;

export const defaultSettings: Settings = {
  propagationDelayMs: 0,
  propagationSpreadMs: 0,
  propagationInOrder: true,
  routerWorkers: 1,
  logDelayMs: 0,
  coldStartDelayMs: 0,
  negDelayMs: 500,
};

export const settingsPatchSchema = settingsSchema.partial();

/** A patch without the names whose value is undefined, which would hide what holds. */
export function givenSettings(patch: z.infer<typeof settingsPatchSchema>): Partial<Settings> {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
}
