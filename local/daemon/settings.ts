import { z } from "zod";

/** Times that the simulators use, all in ms. */
export const settingsSchema = z.strictObject({
  /** Between the API's answer and the data plane's following. Ten minutes were seen on a real cloud. */
  propagationDelayMs: z.int().min(0).max(600_000),
  /** Added to the start of every Cloud Run instance. */
  coldStartDelayMs: z.int().min(0).max(60_000),
  /** Between a Service's annotation (or a change of its endpoints) and its endpoint groups. */
  negDelayMs: z.int().min(0).max(600_000),
});

export type Settings = z.infer<typeof settingsSchema>;

export const defaultSettings: Settings = { propagationDelayMs: 0, coldStartDelayMs: 0, negDelayMs: 500 };

export const settingsPatchSchema = settingsSchema.partial();
