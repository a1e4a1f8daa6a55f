import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { buildImage } from "../../../local/registry/image.ts";
import type { Selection } from "../../../local/router/routing-table.ts";
import { systemClock } from "../../../local/runtime/system-clock.ts";
import { backendAt, type StartedRouter, selectionOf, startRouter } from "../../local/router/router-fixture.ts";
import { type AgentProcess, startAgentProcess } from "../../support/agent-process.ts";
import { type LocalFlags, startLocalFlags } from "../../support/local-flags.ts";
import { removeFolder } from "../../support/remove-folder.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const darkHost = "dark.agent.example";

/** The image kiro-failing as files below the checkout, where it finds its packages. */
export async function buildFailingAgent(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  await mkdir(join(root, ".switchyard"), { recursive: true });
  const images = await mkdtemp(join(root, ".switchyard", "test-images-"));
  const folder = join(root, "test", "fixtures", "images", "kiro-failing");
  const { directory } = await buildImage({ folder, imagesDirectory: images });
  return { folder: join(directory, "rootfs"), remove: () => removeFolder(images) };
}

export interface SceneOptions {
  /** Environment of an agent beside the scene's own. */
  readonly candidate?: Readonly<Record<string, string>>;
  readonly old?: Readonly<Record<string, string>>;
  /** Folder of the candidate's image; default the agent's own. */
  readonly candidateFolder?: string;
  /** Whether the agents know of the flag; default true. */
  readonly lever?: boolean;
  /** From a written weight to its effect, ms; default 60,000. */
  readonly propagationMs?: number;
  /** Where agents believe the dark route to be; default the scene's router. */
  readonly routeUrl?: string;
}

/** Two agents behind one real router: gke is the candidate, cloud-run the old side. The router follows weights late. */
export interface FailBackScene {
  readonly router: StartedRouter;
  readonly flags: LocalFlags;
  readonly candidate: AgentProcess;
  readonly old: AgentProcess;
  /** Accepted at once, followed after the delay. Percent of the candidate. */
  writeWeight(candidate: number): void;
}

export async function failBackScene(options: SceneOptions = {}): Promise<FailBackScene> {
  const flags = await startLocalFlags();
  onTestFinished(() => flags.close());
  let share = 1;
  const places = new Map<string, Selection>();
  const router = await startRouter(({ host, headers }, random) => {
    const dark = host === darkHost;
    const platform = dark ? headers["x-switchyard-platform"]?.toString() : random < share ? "gke" : "cloud-run";
    const place = places.get(platform ?? "");
    return place === undefined
      ? { kind: "answer", status: 503, body: "no healthy upstream" }
      : { ...place, ...(dark ? { weighted: false } : {}) };
  });

  const start = async (
    platform: string,
    env: Readonly<Record<string, string>>,
    folder?: string,
  ): Promise<AgentProcess> => {
    const lever = {
      KIRO_FAIL_BACK_URL: await flags.failBack("kiro").flagUrl(platform),
      KIRO_FAIL_BACK_ROUTE_URL: options.routeUrl ?? router.url,
      KIRO_FAIL_BACK_ROUTE_HOST: darkHost,
    };
    const agent = await startAgentProcess(
      {
        KIRO_PLATFORM: platform,
        KIRO_INSTANCE: `${platform}-1`,
        KIRO_LAME_DUCK_SECONDS: "0",
        ...(options.lever === false ? {} : lever),
        ...env,
      },
      folder,
    );
    onTestFinished(() => agent.end());
    places.set(
      platform,
      selectionOf(backendAt(agent.url), { side: platform, responseHeaders: [["x-switchyard-side", platform]] }),
    );
    return agent;
  };
  const [candidate, old] = await Promise.all([
    start("gke", options.candidate ?? {}, options.candidateFolder),
    start("cloud-run", options.old ?? {}),
  ]);
  return {
    router,
    flags,
    candidate,
    old,
    writeWeight(percent) {
      const timer = systemClock.setTimeout(() => {
        share = percent / 100;
      }, options.propagationMs ?? 60_000);
      onTestFinished(() => timer.cancel());
    },
  };
}

export const processBody = (data: Record<string, unknown>, requestId = "r-1"): string =>
  JSON.stringify({
    data,
    headers: {},
    method: "POST",
    path: "/process",
    query_params: {},
    timestamp: "2026-11-20T12:00:00Z",
    request_id: requestId,
  });
