/** What people configured in the mesh: EnvoyFilters, and what istioctl says of all of it. Pure. */
import { z } from "zod";
import type { EksFacts } from "../../ports/clusters.ts";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import type { AnalysisMessage } from "../../ports/mesh-inspector.ts";
import type { Evidence } from "../rules/evidence.ts";
import { list, metadata, nameOf, read } from "./objects.ts";

const filter = z.object({
  metadata,
  spec: z
    .object({
      configPatches: list(
        z.object({
          match: z.object({ proxy: z.object({ proxyVersion: z.string().nullish() }).nullish() }).nullish(),
        }),
      ),
    })
    .nullish(),
});

/** Errors: Unreadable. */
export function envoyFilterSection(filters: readonly KubernetesObject[]): NonNullable<Evidence["envoyFilters"]> {
  return read(filter, filters).map(({ metadata: meta, spec }) => ({
    name: nameOf(meta),
    proxyVersions: [
      ...new Set(
        (spec?.configPatches ?? [])
          .map(({ match }) => match?.proxy?.proxyVersion ?? "")
          .filter((pattern) => pattern !== ""),
      ),
    ],
  }));
}

type Analysis = NonNullable<Evidence["analysis"]>;
export type StoredMessage = Analysis["messages"][number];

/** Messages with a code of Istio's, each once. */
export function analysisSection(messages: readonly AnalysisMessage[], baseline: readonly StoredMessage[]): Analysis {
  const found = new Map<string, StoredMessage>();
  for (const { code, level, origin } of messages)
    if (/^IST\d{4}$/.test(code)) found.set(`${code} ${level} ${origin}`, { code, level, origin });
  return { messages: [...found.values()], baseline: [...baseline] };
}

export function eksSection(facts: EksFacts): NonNullable<Evidence["eks"]> {
  const { status, updateInProgress, insights, upgradedAt } = facts;
  return {
    status,
    updateInProgress,
    insights: insights.map(({ name, status: one }) => ({ name, status: one })),
    ...(upgradedAt === undefined ? {} : { upgradedAt }),
  };
}
