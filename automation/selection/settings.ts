/** The section `selection` of an environment in switchyard.yaml: which platform it should run on. */
import { z } from "zod";

export const selectionConfig = z
  .strictObject({
    platform: z
      .enum(["cloud-run", "gke"])
      .optional()
      .describe("The platform to run on, whatever else is preferred. One that is ruled out is refused."),
    prefer: z
      .enum(["environment", "cost"])
      .default("environment")
      .describe(
        "What decides between platforms that are possible: environment (cloud-run for dev and the like, gke for prod and the like) or cost (the cheapest). Default environment.",
      ),
    hysteresis: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.1)
      .describe("By how much of its cost another platform must be cheaper than the serving one, 0-0.9. Default 0.1."),
    requires: z
      .strictObject({
        gpu: z.number().int().min(0).max(8).default(0).describe("GPUs of an instance. Default 0, up to 8."),
        longest_request: z
          .number()
          .gt(0)
          .max(604_800)
          .optional()
          .describe("Longest request or connection that must not be cut, seconds."),
        websocket: z.boolean().default(false).describe("Whether clients open WebSockets. Default false."),
        streaming: z.boolean().default(false).describe("Whether responses are streamed. Default false."),
        regions: z
          .array(z.string().min(1))
          .min(1)
          .optional()
          .describe("Regions in which data may be, for example [europe-west1]. Default: any."),
        min_instances: z
          .number()
          .int()
          .min(0)
          .max(1_000)
          .default(0)
          .describe("Instances that must always run. Default 0."),
        scale_to_zero: z
          .boolean()
          .default(false)
          .describe("Whether nothing may run while nobody asks anything. Default false."),
        private_network: z
          .boolean()
          .default(false)
          .describe("Whether the agent must have an address in a network (VPC) of the project. Default false."),
        cpu_outside_requests: z
          .boolean()
          .default(false)
          .describe("Whether the agent works while it serves no request. Default false."),
      })
      .superRefine((value, context) => {
        if (value.scale_to_zero && value.min_instances > 0)
          context.addIssue({ code: "custom", path: ["scale_to_zero"], message: "contradicts min_instances" });
      })
      .prefault({})
      .describe("What the platform must be able to do."),
  })
  .describe("Which platform the environment should run on (`switchyard select`).");

export type SelectionConfig = z.infer<typeof selectionConfig>;
