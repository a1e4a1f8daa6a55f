/**
 * What istioctl prints of a simulated cluster. The real one also talks to istiod's debug interface through the API server's port
 * forwarding, which no simulated pod has: so the test's own program asks for this and prints it. The real one is tried in
 * test/automation/adapters/istiod.e2e.test.ts.
 */
import { writeFile } from "node:fs/promises";
import { z } from "zod";
import type { SimulatedCluster } from "../../../automation/guard/simulation/cluster.ts";
import { SimulatedInspector } from "../../../automation/guard/simulation/inspector.ts";

const questionSchema = z.strictObject({ client: z.string(), args: z.array(z.string()) });

export async function istioctlReply(
  cluster: SimulatedCluster,
  question: unknown,
): Promise<{ readonly status: number; readonly body: string }> {
  const { client, args } = questionSchema.parse(question);
  const inspector = new SimulatedInspector(cluster, client);
  switch (args[0] === "x" ? args[1] : args[0]) {
    case "analyze":
      return { status: 200, body: JSON.stringify(await inspector.analyze()) };
    case "precheck":
      return { status: 200, body: JSON.stringify(await inspector.precheck()) };
    case "version": {
      const { controlPlanes, proxies } = await inspector.versions();
      const body = {
        clientVersion: { version: client },
        meshVersion: controlPlanes.map(({ revision, version }) => ({
          Component: "pilot",
          Revision: revision,
          Info: { version },
        })),
        dataPlaneVersion: proxies.map(({ id, version }) => ({ ID: id, IstioVersion: version })),
      };
      return { status: 200, body: JSON.stringify(body) };
    }
    case "proxy-status": {
      const proxies = Map.groupBy(await inspector.proxyStatus(), ({ controlPlane }) => controlPlane);
      const documents = [...proxies].map(([version, of]) => ({
        resources: of.map(({ id, version: own, state }) => ({
          node: { id, metadata: { ISTIO_VERSION: own } },
          genericXdsConfigs: [{ typeUrl: "cluster", configStatus: state === "synced" ? "SYNCED" : "STALE" }],
        })),
        controlPlane: { identifier: JSON.stringify({ Component: "istiod", Info: { version } }) },
      }));
      return { status: 200, body: documents.map((one) => JSON.stringify(one)).join("\n") };
    }
    default:
      return { status: 400, body: `unknown command ${args.join(" ")}` };
  }
}

/** A program for `guard.istioctl`, of a version. It has no environment but HOME and KUBECONFIG, as guard starts it. */
export async function writeIstioctl(path: string, version: string): Promise<void> {
  const program = `#!${process.execPath}
const { readFileSync } = require("node:fs");
const args = process.argv.slice(2);
const client = ${JSON.stringify(version)};
async function main() {
  if (args.includes("--remote=false")) return JSON.stringify({ clientVersion: { version: client } });
  if (args.includes("--list-analyzers")) return "* annotations.K8sAnalyzer:\\n* gateway.SecretAnalyzer:\\n";
  const { clusters } = JSON.parse(readFileSync(process.env.KUBECONFIG, "utf8"));
  const reply = await fetch(clusters[0].cluster.server + "/istioctl", {
    method: "POST",
    body: JSON.stringify({ client, args }),
  });
  if (!reply.ok) throw new Error(await reply.text());
  return reply.text();
}
main().then(
  (text) => process.stdout.write(text),
  (error) => {
    process.stderr.write("Error: " + error.message + "\\n");
    process.exitCode = 1;
  },
);
`;
  await writeFile(path, program, { mode: 0o755 });
}
