import { Service } from "@pulumi/gcp/cloudrunv2/service.js";
import type { PulumiFn, Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEngine, type TestEngine } from "../../support/engine.ts";
import { createFakeCloud } from "../../support/fake-cloud.ts";

const fake = createFakeCloud();
let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine(fake.cloud);
});
afterAll(() => engine.close());

describe("a Cloud Run service", () => {
  test("up", async () => {
    const stack = await engine.stack("dev", async () => {
      const s = new Service("agent", { location: "us-central1", template: { containers: [{ image: "img@sha256:1" }] } });
      return { uri: s.uri, name: s.name, labels: s.effectiveLabels };
    });
    const r = await stack.up({ onOutput: (t) => process.stderr.write(t) });
    expect(r.outputs).toEqual({});
  });
});
