import { expect, test } from "vitest";
import { SwitchyardError } from "../../../automation/errors.ts";
import { collectMetrics } from "../../../automation/metrics/collect.ts";
import { growth, latencyBetween, requestsBetween } from "../../../automation/metrics/span.ts";
import { known, type PlatformMetrics, unreadable } from "../../../automation/ports/platform-metrics.ts";
import { histogram, snapshot } from "../../support/platform-snapshot.ts";

test("the counts of a span are the difference, class by class", () => {
  const later = snapshot({
    requests: known({ requests: 150, errors: 5, errorsByClass: { application: 1, gateway: 4 } }),
    latency: known(histogram(80, 60, 5, 5)),
  });
  expect(requestsBetween(snapshot(), later, "requests")).toEqual(
    known({ requests: 50, errors: 2, errorsByClass: { application: 0, gateway: 2 } }),
  );
  expect(latencyBetween(snapshot(), later, "latency")).toMatchObject({ value: { count: 50, upTo: [0, 41, 45] } });
});

test("a source that began anew, and one that cannot be read, give no counts and no zero", () => {
  const restarted = snapshot({ since: 5_000 });
  expect(requestsBetween(snapshot(), restarted, "requests").kind).toBe("unreadable");
  expect(latencyBetween(snapshot(), restarted, "latency").kind).toBe("unreadable");
  const fewer = snapshot({ requests: known({ requests: 1, errors: 0, errorsByClass: {} }) });
  expect(requestsBetween(snapshot(), fewer, "requests").kind).toBe("unreadable");
  const blind = snapshot({ requests: unreadable("down") });
  expect(requestsBetween(snapshot(), blind, "requests")).toEqual(unreadable("down"));
  expect(requestsBetween(blind, snapshot(), "requests")).toEqual(unreadable("down"));
});

test("a count of restarts that fell began anew, and all of it is new", () => {
  expect(growth(known(3), known(5))).toEqual(known(2));
  expect(growth(known(3), known(1))).toEqual(known(1));
  expect(growth(known(3), unreadable("down"))).toEqual(unreadable("down"));
});

const sourceOf = (read: PlatformMetrics["read"]): PlatformMetrics => ({
  description: { source: "test", complete: true, delayMs: 0 },
  read,
});
const down = new SwitchyardError("metrics-unreachable", { message: "nobody listens" });
const both = { platforms: ["cloud-run", "gke"], since: 0, now: 9_000 };

test("one platform that cannot be read does not hide the other, and is nowhere zero", async () => {
  const collected = await collectMetrics(
    sourceOf(async (platform) => {
      if (platform === "gke") throw down;
      return snapshot({ platform });
    }),
    both,
  );
  expect(collected.unreachable).toEqual({ gke: "nobody listens" });
  const [cloudRun, gke] = collected.platforms;
  expect(cloudRun?.requests).toMatchObject({ value: { requests: 100 } });
  const { platform, at, since, ...readings } = gke ?? snapshot();
  expect({ platform, at, since }).toEqual({ platform: "gke", at: 9_000, since: 0 });
  for (const reading of Object.values(readings)) expect(reading).toEqual(unreadable("nobody listens"));
});

test("a source of which nothing can be read is an error, and a fault of ours is not swallowed", async () => {
  await expect(
    collectMetrics(
      sourceOf(() => Promise.reject(down)),
      both,
    ),
  ).rejects.toBe(down);
  const fault = new TypeError("ours");
  await expect(
    collectMetrics(
      sourceOf(() => Promise.reject(fault)),
      both,
    ),
  ).rejects.toBe(fault);
});
