/** The setting `state` of an environment in switchyard.yaml. */
import { z } from "zod";

export const stateStores = ["files", "dynamodb"] as const;

const tableName = /^[A-Za-z0-9_.-]{3,255}$/;
const awsRegion = /^[a-z]{2}(-[a-z]+)+-\d$/;

export const stateConfig = z
  .strictObject({
    store: z
      .enum(stateStores)
      .default("files")
      .describe(
        "Where swaps keep their journals and the lease: files (below .switchyard, for one machine) or dynamodb (for several). Default files.",
      ),
    table: z
      .string()
      .regex(tableName, "must be 3 to 255 letters, digits, hyphens, dots and underscores")
      .optional()
      .describe("DynamoDB table; several environments may share one. Default switchyard."),
    region: z
      .string()
      .regex(awsRegion, "must be a region of AWS, for example eu-central-1")
      .optional()
      .describe("Region of the table. Needed for AWS."),
    endpoint: z
      .url({ protocol: /^https?$/, error: "must be a URL, for example http://127.0.0.1:8000" })
      .optional()
      .describe(
        "Another server than AWS's; plain HTTP only on this machine. Default for cloud: local: the local cloud's own.",
      ),
  })
  .superRefine((value, context) => {
    if (value.store === "dynamodb") return;
    for (const name of ["table", "region", "endpoint"] as const) {
      if (value[name] !== undefined)
        context.addIssue({ code: "custom", path: [name], message: "is a setting of store: dynamodb" });
    }
  })
  .describe("Where the state of swaps is kept.");
