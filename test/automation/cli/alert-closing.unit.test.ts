import { describe, expect, it } from "vitest";
import { AlertDesk } from "../../../automation/alerts/desk.ts";
import { closeAlerts } from "../../../automation/cli/alert-closing.ts";
import { parseConfig } from "../../../automation/cli/config-file.ts";
import { HotSwapError, SwitchyardError } from "../../../automation/errors.ts";
import { createFakeNotifier } from "../../support/fake-notifier.ts";
import { createMemoryStateStore } from "../../support/memory-state-store.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";
import { settings as usual } from "../alerts/alerts.ts";

const settings = { ...usual, targets: usual.targets.slice(0, 1) };
const targets = "alerts: {targets: [{name: team, kind: slack, url_from: SLACK_WEBHOOK_URL}]}";

function world(more = targets) {
  const clock = createVirtualClock();
  const store = createMemoryStateStore();
  const team = createFakeNotifier("team");
  const config = parseConfig(`environments: {prod: {cloud: local, ${more}}}`).environments["prod"];
  if (config === undefined) throw new Error("no environment");
  const open = () => {
    const desk = new AlertDesk({ store, settings, notifiers: { team }, clock });
    return { name: "prod", config, alerts: () => desk };
  };
  return { clock, store, team, open };
}

const failed = new HotSwapError("endpoints-missing", { platform: "gke", message: "no endpoints" });

describe("a command that ends", () => {
  it("with a HotSwapError tells people once, by its code", async () => {
    const { clock, team, open } = world();
    await clock.run(async () => {
      expect(await closeAlerts([open(), open()], failed)).toEqual([]);
      expect(team.taken.map(({ alert }) => [alert.code, alert.severity, alert.platform])).toEqual([
        ["endpoints-missing", "critical", "gke"],
      ]);
    });
  });

  it("with a refusal, or well, tells nobody", async () => {
    const { clock, team, open } = world();
    await clock.run(async () => {
      await closeAlerts([open()], new SwitchyardError("swap-in-progress", { message: "another one" }));
      await closeAlerts([open()], undefined);
      await closeAlerts([], failed);
      expect(team.asked()).toBe(0);
    });
  });

  it("warns of a target that is down, and the next one sends what waits", async () => {
    const { clock, team, open } = world();
    await clock.run(async () => {
      team.fail("connect ECONNREFUSED");
      expect(await closeAlerts([open()], failed)).toEqual([
        "alert target team did not take what it is to be told: connect ECONNREFUSED. 1 notice kept, sent again by the next command and by npx switchyard alert retry --env prod",
      ]);
      team.fail(undefined);
      await clock.sleep(5_000);
      expect(await closeAlerts([open()], undefined)).toEqual([]);
      expect(team.taken).toHaveLength(1);
    });
  });

  it("reads no store where nobody is to be told, or where that would start a local cloud", async () => {
    for (const more of ["region: us-central1", `${targets}, state: {store: dynamodb}`]) {
      const { clock, store, open } = world(more);
      await clock.run(async () => {
        store.fail("state-unreachable");
        expect(await closeAlerts([open()], undefined)).toEqual([]);
      });
    }
  });

  it("says that nothing could be kept", async () => {
    const { clock, store, open } = world();
    await clock.run(async () => {
      store.fail("disk-full");
      expect((await closeAlerts([open()], failed)).join()).toContain("alerts could not be kept");
    });
  });
});
