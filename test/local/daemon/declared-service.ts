import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Service } from "@pulumi/gcp/cloudrunv2/service.js";
import { BackendService } from "@pulumi/gcp/compute/backendService.js";
import { GlobalForwardingRule } from "@pulumi/gcp/compute/globalForwardingRule.js";
import { RegionNetworkEndpointGroup } from "@pulumi/gcp/compute/regionNetworkEndpointGroup.js";
import { TargetHttpProxy } from "@pulumi/gcp/compute/targetHttpProxy.js";
import { URLMap } from "@pulumi/gcp/compute/urlmap.js";
import { z } from "zod";
import { buildImage } from "../../../local/registry/image.ts";
import { attachedStack } from "./attached-engine.ts";
import type { DaemonProcess } from "./daemon-process.ts";

const echo = join(import.meta.dirname, "../../fixtures/images/echo");

/** A service of one warm instance behind a listener of port 80. */
export async function declareService(target: DaemonProcess, folder: string, root: string): Promise<void> {
  const { image } = await buildImage({ folder: echo, imagesDirectory: join(root, ".switchyard", "images") });
  const states = join(folder, "states");
  await mkdir(states);
  const location = "us-central1";
  const stack = await attachedStack(states, target.info.providers, "app", async () => {
    const service = new Service("echo", {
      name: "echo",
      location,
      deletionProtection: false,
      scaling: { minInstanceCount: 1 },
      template: { containers: [{ image }] },
    });
    const group = new RegionNetworkEndpointGroup("echo", {
      name: "echo",
      region: location,
      cloudRun: { service: service.name },
    });
    const backend = new BackendService("echo", {
      name: "echo",
      loadBalancingScheme: "EXTERNAL_MANAGED",
      backends: [{ group: group.selfLink }],
    });
    const map = new URLMap("echo", { name: "echo", defaultService: backend.selfLink });
    const proxy = new TargetHttpProxy("echo", { name: "echo", urlMap: map.selfLink });
    new GlobalForwardingRule("echo", {
      name: "echo-http",
      loadBalancingScheme: "EXTERNAL_MANAGED",
      portRange: "80",
      target: proxy.selfLink,
    });
  });
  await stack.up();
}

const instancesSchema = z.object({ instances: z.array(z.object({ name: z.string(), pid: z.number() })) });

export async function instances(target: DaemonProcess): Promise<z.infer<typeof instancesSchema>["instances"]> {
  return instancesSchema.parse((await target.control("GET", "/usage")).body).instances;
}

export async function listenerUrl(target: DaemonProcess): Promise<string> {
  const url = (await target.status()).listeners.find(({ name }) => name === "echo-http")?.url;
  if (url === undefined) throw new Error("There is no listener.");
  return url;
}
