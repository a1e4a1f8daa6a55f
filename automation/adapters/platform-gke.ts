import { z } from "zod";
import { HotSwapError, SwitchyardError } from "../errors.ts";
import type { Platform } from "../ports/platform.ts";
import { gkeAgentClient } from "./agent-gke.ts";
import type { PlatformContext } from "./platform-context.ts";

/** Groups appear some seconds after the Service; a new cluster's controller takes longer, ms. */
const groupsDeadlineMs = 300_000;
const pollMs = 500;
/** The zones must have been the same for this long before they are taken as all, ms. */
const settledMs = 1_500;

const outputs = z.object({ negName: z.string() });

/** GKE: its controller makes one endpoint group per zone, which the balancer needs. */
export function createGkePlatform(context: PlatformContext): Platform {
  const { clock, groups } = context;
  return {
    name: "gke",
    agent: () => gkeAgentClient.connect(context.route),
    async trafficConfig(raw, signal) {
      const parsed = outputs.safeParse(raw);
      if (!parsed.success) {
        throw new SwitchyardError("not-deployed", {
          message: "Platform gke is not up: its stack has no output negName",
          next: "To bring it up:   npx switchyard up gke.local",
          cause: parsed.error,
        });
      }
      const { negName } = parsed.data;
      const startedAt = clock.now();
      let zones: readonly string[] = [];
      let since = startedAt;
      for (;;) {
        const found = (await groups.find(negName, signal)).map((group) => group.zone).toSorted();
        if (found.join() !== zones.join()) {
          zones = found;
          since = clock.now();
        }
        if (zones.length > 0 && clock.now() - since >= settledMs) return { "switchyard:gkeZones": zones };
        if (clock.now() - startedAt >= groupsDeadlineMs) {
          throw new HotSwapError("endpoints-missing", {
            platform: "gke",
            message: `No network endpoint group named ${negName} appeared within ${groupsDeadlineMs / 1_000} s`,
            next: ["To see what the controller says:   kubectl -n kiro describe service"],
          });
        }
        await clock.sleep(pollMs, signal);
      }
    },
  };
}
