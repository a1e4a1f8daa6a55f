import { expect, test } from "vitest";
import { prometheusText } from "../../../automation/metrics/prometheus-text.ts";
import { swapFigures } from "../../../automation/metrics/swap-figures.ts";
import { known, unreadable } from "../../../automation/ports/platform-metrics.ts";
import { snapshot } from "../../support/platform-snapshot.ts";

const given = (platforms: Parameters<typeof prometheusText>[0]["platforms"]): Promise<string> =>
  prometheusText({ environment: "local", platforms, swaps: swapFigures([]) });

test("names, labels and values are those that dashboards are written against", async () => {
  const text = await given([snapshot({ queued: known(4) })]);
  for (const line of [
    "# TYPE switchyard_requests_total counter",
    'switchyard_requests_total{environment="local",platform="gke",route="weighted"} 100',
    'switchyard_requests_total{environment="local",platform="gke",route="dark"} 7',
    'switchyard_request_errors_total{environment="local",platform="gke",route="weighted",class="gateway"} 2',
    "# TYPE switchyard_request_duration_seconds histogram",
    'switchyard_request_duration_seconds_bucket{environment="local",platform="gke",le="0.1"} 99',
    'switchyard_request_duration_seconds_bucket{environment="local",platform="gke",le="+Inf"} 100',
    'switchyard_request_duration_seconds_sum{environment="local",platform="gke"} 1.85',
    'switchyard_request_duration_seconds_count{environment="local",platform="gke"} 100',
    'switchyard_instances{environment="local",platform="gke",state="ready"} 2',
    'switchyard_instances{environment="local",platform="gke",state="most"} 10',
    'switchyard_cpu_cores{environment="local",platform="gke"} 0.4',
    'switchyard_resource_share{environment="local",platform="gke",resource="memory"} 0.1',
    'switchyard_instance_restarts_total{environment="local",platform="gke"} 0',
    'switchyard_requests_queued{environment="local",platform="gke"} 4',
    'switchyard_swaps_total{environment="local",end="rolled-back"} 0',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("what cannot be read has no line, so that nobody takes it for zero", async () => {
  const none = unreadable("down");
  const text = await given([
    snapshot({
      requests: none,
      darkRequests: none,
      latency: none,
      instances: none,
      resources: none,
      restarts: none,
      scaling: none,
    }),
  ]);
  const ofPlatform = text.split("\n").filter((line) => line.includes('platform="gke"'));
  expect(ofPlatform).toEqual([]);
  expect(text).not.toMatch(/switchyard_swap_success_ratio\{/);
});
