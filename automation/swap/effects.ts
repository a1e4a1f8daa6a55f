import { z } from "zod";

/** What a swap does to the world, as data. Carried out in perform.ts, nowhere else. */
export const effect = z.discriminatedUnion("kind", [
  /** Brings the candidate platform's stack up with the image, and with so many instances whatever its autoscaler's least is. */
  z.object({
    kind: z.literal("deploy"),
    platform: z.string(),
    image: z.string(),
    instances: z.number().optional(),
  }),
  /** Keeps the old side at so many instances, whatever its autoscaler would do. */
  z.object({ kind: z.literal("hold"), platform: z.string(), instances: z.number() }),
  /** Gives platforms back to their autoscalers. */
  z.object({ kind: z.literal("release"), platforms: z.array(z.string()) }),
  /** Waits for the candidate's endpoint groups and brings the traffic stack up with both platforms. */
  z.object({ kind: z.literal("attach"), platforms: z.array(z.string()) }),
  /** Writes the balancer's weights; a platform that is absent has no entry afterwards. */
  z.object({ kind: z.literal("write-weights"), weights: z.record(z.string(), z.number()) }),
  /** Waits until the candidate is ready and runs the acceptance suite on its dark route. Changes nothing. */
  z.object({ kind: z.literal("accept"), platform: z.string() }),
  /** Brings the traffic stack up without the platform that was left. */
  z.object({ kind: z.literal("detach"), platforms: z.array(z.string()) }),
  /** Destroys the stack of the platform that was left. */
  z.object({ kind: z.literal("remove"), platform: z.string() }),
]);

export type Effect = z.infer<typeof effect>;

/** One line for people. */
export function describeEffect(value: Effect): string {
  switch (value.kind) {
    case "deploy":
      return `deploy ${value.platform}${value.instances === undefined ? "" : ` with ${value.instances} instances at least`}`;
    case "hold":
      return `hold ${value.platform} at ${value.instances} instances`;
    case "release":
      return `give ${value.platforms.join(" and ")} back to the autoscaler`;
    case "attach":
      return `attach ${value.platforms.join(" and ")} to the balancer`;
    case "write-weights":
      return `weights ${Object.entries(value.weights)
        .map(([platform, share]) => `${platform} ${share} %`)
        .join(", ")}`;
    case "accept":
      return `acceptance suite on ${value.platform}`;
    case "detach":
      return `keep only ${value.platforms.join(" and ")} on the balancer`;
    case "remove":
      return `remove ${value.platform}`;
  }
}
