import { parse } from "yaml";
import { z } from "zod";

const kubeconfigSchema = z.object({
  "current-context": z.string().optional(),
  contexts: z
    .array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), namespace: z.string().optional() }) }))
    .default([]),
  clusters: z.array(z.object({ name: z.string(), cluster: z.object({ server: z.string() }) })).default([]),
});

export interface KubeconfigTarget {
  /** The cluster's address without scheme and trailing slash, as container.Cluster's `endpoint` gives it. */
  readonly endpoint: string;
  readonly namespace: string | undefined;
}

/** A kubeconfig that cannot be used; the message says why. */
export class KubeconfigError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "KubeconfigError";
  }
}

/** Whether the text is a kubeconfig rather than the path of one. */
export function isKubeconfigText(text: string): boolean {
  return text.includes("\n") || text.trimStart().startsWith("{");
}

/** The cluster that a kubeconfig's current context names, or the one of the given context. Errors: KubeconfigError. */
export function readKubeconfig(text: string, context?: string): KubeconfigTarget {
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    throw new KubeconfigError("The kubeconfig is neither YAML nor JSON.", { cause });
  }
  const checked = kubeconfigSchema.safeParse(document);
  if (!checked.success) {
    const problems = checked.error.issues.map((issue) => `${issue.path.join(".") || "document"}: ${issue.message}`);
    throw new KubeconfigError(`The kubeconfig does not have the form of one: ${problems.join("; ")}.`);
  }
  const config = checked.data;
  const wanted = context ?? config["current-context"] ?? config.contexts[0]?.name;
  const selected = config.contexts.find((entry) => entry.name === wanted);
  if (selected === undefined) {
    const known = config.contexts.map((entry) => entry.name).join(", ") || "none";
    throw new KubeconfigError(`The kubeconfig has no context ${wanted ?? "at all"}; contexts there: ${known}.`);
  }
  const cluster = config.clusters.find((entry) => entry.name === selected.context.cluster);
  if (cluster === undefined) {
    throw new KubeconfigError(
      `The kubeconfig has no cluster ${selected.context.cluster}, which context ${selected.name} names.`,
    );
  }
  return { endpoint: endpointOf(cluster.cluster.server), namespace: selected.context.namespace };
}

function endpointOf(server: string): string {
  return server.replace(/^https?:\/\//, "").replace(/\/+$/, "");
}
