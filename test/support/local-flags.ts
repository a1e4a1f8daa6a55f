import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFailBack, type HttpFailBack } from "../../automation/adapters/fail-back-http.ts";
import { serveControlApi } from "../../local/daemon/control-api.ts";
import { type FailBackFlags, openFailBackFlags } from "../../local/daemon/fail-back-flags.ts";
import { createRequestFeedLog } from "../../local/router/feed.ts";
import { removeFolder } from "./remove-folder.ts";

export const controlToken = "token-of-a-test";

/** The daemon's fail-back flags behind its control API, without a cloud. */
export interface LocalFlags {
  readonly folder: string;
  readonly controlUrl: string;
  readonly flags: FailBackFlags;
  failBack(scope: string): HttpFailBack;
  /** Ends the listeners; the folder stays. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** `folder`: the state of an earlier one. */
export async function startLocalFlags(folder?: string): Promise<LocalFlags> {
  const state = folder ?? (await mkdtemp(join(tmpdir(), "switchyard-flags-")));
  const flags = await openFailBackFlags({ folder: state, fixedPorts: {}, random: Math.random });
  const absent = (): never => {
    throw new Error("this test asks for the fail-back flags only");
  };
  const control = await serveControlApi(
    {
      feed: createRequestFeedLog(),
      status: absent,
      counters: { snapshot: absent },
      darkCounters: { snapshot: absent },
      workloads: absent,
      weights: absent,
      usage: absent,
      exits: absent,
      resources: absent,
      log: absent,
      failBack: flags,
      dynamoDb: absent,
      changeSettings: absent,
      stop: absent,
    },
    controlToken,
  );
  let stopped: Promise<unknown> | undefined;
  const stop = async (): Promise<void> => {
    stopped ??= Promise.all([control.close(), flags.close()]);
    await stopped;
  };
  return {
    folder: state,
    controlUrl: control.url,
    flags,
    failBack: (scope) => createFailBack({ controlUrl: control.url, token: controlToken, scope }),
    stop,
    async close() {
      await stop();
      await removeFolder(state);
    },
  };
}
