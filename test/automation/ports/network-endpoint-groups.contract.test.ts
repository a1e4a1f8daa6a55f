import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createGoogleClient } from "../../../automation/adapters/google-client.ts";
import { createGoogleNetworkEndpointGroups } from "../../../automation/adapters/google-network-endpoint-groups.ts";
import type { ZonalEndpointGroup } from "../../../local/compute/compute.ts";
import { startLocalCompute } from "../../support/local-compute.ts";

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

test("the local cloud's groups appear once the cluster has made them, one per zone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-groups-"));
  endings.push(() => rm(folder, { recursive: true }));
  let made: readonly ZonalEndpointGroup[] = [];
  const compute = await startLocalCompute({ folder, weights: { gke: 1_000 }, endpointGroups: () => made });
  endings.push(() => compute.close());
  const groups = createGoogleNetworkEndpointGroups({
    client: createGoogleClient({
      env: {
        CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: compute.endpoint,
        GOOGLE_OAUTH_ACCESS_TOKEN: compute.token,
      },
    }),
    project: compute.project,
  });
  expect(await groups.find("kiro-gke")).toEqual([]);
  const zones = ["us-central1-a", "us-central1-b"];
  made = [
    ...zones.map((zone) => ({ project: compute.project, zone, name: "kiro-gke", size: 1 })),
    { project: compute.project, zone: "us-central1-a", name: "other", size: 1 },
  ];
  expect(await groups.find("kiro-gke")).toEqual(zones.map((zone) => ({ name: "kiro-gke", zone })));
});
