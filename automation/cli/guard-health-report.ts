/** The findings of a batch's last checks, as a file for people and other programs. */
import { z } from "zod";
import type { Loaded } from "../guard/registry/registry.ts";
import type { GuardStore } from "../ports/guard-store.ts";

/** What a run keeps of its checks (guard/run/check.ts). */
const stored = z.object({
  at: z.number(),
  verdict: z.enum(["blocked", "undecided", "passed"]),
  findings: z.array(z.unknown()),
  refusals: z.array(z.string()),
  problems: z.array(z.string()),
});

/** JSON; a cluster without checks says so. */
export async function healthReport(store: Pick<GuardStore, "document">, batch: readonly Loaded[]): Promise<string> {
  const clusters = await Promise.all(
    batch.map(async ({ record: { entry, state, run } }) => {
      const id = run?.step.evidence;
      const text = id === undefined ? undefined : await store.document("evidence", id);
      const found = text === undefined ? undefined : stored.parse(JSON.parse(text));
      const base = { cluster_id: entry.clusterId, state, istio: entry.currentIstioVersion };
      if (found === undefined) return { ...base, checked: false };
      const { at, ...said } = found;
      return { ...base, checked: true, checked_at: new Date(at).toISOString(), ...said };
    }),
  );
  return `${JSON.stringify({ clusters }, undefined, 2)}\n`;
}
