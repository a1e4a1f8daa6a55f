import { beforeEach, describe, expect, it } from "vitest";
import type { CloudRunError } from "../../../local/cloud-run/cloud-run-error.ts";
import { ImageNotFoundError } from "../../../local/registry/image-error.ts";
import { coldStartDelayMs, image, name, ServiceFixture, settings } from "./service-fixture.ts";

let fixture: ServiceFixture;
beforeEach(() => {
  fixture = new ServiceFixture();
});

describe("a deployment", () => {
  it("starts one instance after the cold start and gives it the contract's environment", async () => {
    const status = await fixture.deploy(settings({}, { COLOUR: "blue" }));
    expect(status).toMatchObject({
      latestCreatedRevision: "agent-00001-aaa",
      latestReadyRevision: "agent-00001-aaa",
      generation: 1,
    });
    expect(status.uri).toMatch(/^https:\/\/agent-\d{12}\.us-central1\.run\.app$/);
    expect(fixture.runtime.started.map(({ spec }) => spec)).toMatchObject([
      {
        platform: "cloud-run",
        image,
        env: { COLOUR: "blue", K_SERVICE: "agent", K_REVISION: "agent-00001-aaa", K_CONFIGURATION: "agent" },
        memoryLimitBytes: 512 * 1024 * 1024,
      },
    ]);
  });

  it("starts the minimum", async () => {
    await fixture.deploy(settings({ scaling: { minInstanceCount: 3 } }));
    expect(fixture.metrics).toMatchObject({ instanceCount: 3 });
  });

  it("makes no revision when only service settings change, and acts on them", async () => {
    await fixture.deploy(settings());
    const status = await fixture.deploy({ ...settings(), scaling: { minInstanceCount: 2 } });
    expect(status).toMatchObject({ latestReadyRevision: "agent-00001-aaa", generation: 2 });
    await fixture.clock.advance(coldStartDelayMs);
    expect(fixture.metrics).toMatchObject({ instanceCount: 2 });
  });

  it("is the same when nothing changes", async () => {
    const first = await fixture.deploy(settings());
    expect(await fixture.deploy(settings())).toEqual(first);
    expect(fixture.runtime.started).toHaveLength(1);
  });

  it("rolls to a new revision: requests in flight finish on the old one, new ones go to the new one", async () => {
    await fixture.deploy(settings());
    const held = fixture.take();
    await fixture.deploy(settings({}, { COLOUR: "green" }));
    const [old, fresh] = fixture.runtime.started;
    expect(fixture.take().instance).toBe(fresh?.name);
    expect(old?.signals).toEqual([]);
    held.release();
    expect(old?.signals).toEqual(["SIGTERM"]);
    expect(fixture.metrics).toMatchObject({ revision: "agent-00002-aaa", instanceCount: 1 });
  });

  it("starts as many instances of the new revision as the load needs before it rolls", async () => {
    await fixture.deploy(settings({ scaling: { minInstanceCount: 3 } }));
    for (let count = 0; count < 6; count += 1) fixture.take();
    await fixture.deploy(settings({}, { COLOUR: "green" }));
    expect(fixture.metrics).toMatchObject({ revision: "agent-00002-aaa", instanceCount: 5 });
  });

  it("that fails says so in Google's words with the last output, and leaves the traffic where it was", async () => {
    await fixture.deploy(settings());
    fixture.probeAnswer = "port 1 did not accept connections within 240 s";
    const failure: CloudRunError = await fixture.deploy(settings({}, { BAD: "1" })).then(
      () => Promise.reject(new Error("It was deployed.")),
      (error) => error,
    );
    expect(failure.message).toContain(
      "Container failed to start. Failed to start and then listen on the port defined by the PORT environment variable.",
    );
    expect(failure.message).toContain(fixture.probeAnswer);
    expect(fixture.cloudRun.get(name)?.status).toMatchObject({
      latestCreatedRevision: "agent-00002-aaa",
      latestReadyRevision: "agent-00001-aaa",
    });
    expect(fixture.take().instance).toBe(fixture.runtime.started[0]?.name);
    expect(fixture.runtime.instances()).toHaveLength(1);
  });

  it("of an image that is not there names the command that builds it", async () => {
    fixture.runtime.startError = new ImageNotFoundError(image, "the local registry does not have it");
    await expect(fixture.deploy(settings())).rejects.toThrow(/switchyard image build/);
  });

  it("that is refused for its settings leaves no service behind", async () => {
    await expect(fixture.deploy(settings({ timeout: "1h" }))).rejects.toThrow(/template\.timeout: must be a duration/);
    expect(fixture.cloudRun.get(name)).toBeUndefined();
    await expect(fixture.cloudRun.deploy("agent", settings(), new AbortController().signal)).rejects.toThrow(
      /projects\/P\/locations/,
    );
  });

  it("that is cancelled leaves nothing of the new revision", async () => {
    await fixture.deploy(settings());
    const controller = new AbortController();
    const deployed = fixture.cloudRun.deploy(name, settings({}, { COLOUR: "green" }), controller.signal);
    deployed.catch(() => undefined);
    await fixture.clock.advance(coldStartDelayMs / 2);
    controller.abort();
    await expect(deployed).rejects.toThrow(/was cancelled; traffic is unchanged/);
    await fixture.clock.advance(1000);
    expect(fixture.runtime.started).toHaveLength(1);
  });

  it("pinned to a former revision goes back to it", async () => {
    await fixture.deploy(settings());
    await fixture.deploy(settings({}, { COLOUR: "green" }));
    const pin = { type: "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", revision: "agent-00001-aaa", percent: 100 };
    const status = await fixture.deploy({ ...settings({}, { COLOUR: "green" }), traffics: [pin] });
    expect(status.latestReadyRevision).toBe("agent-00002-aaa");
    expect(fixture.metrics).toMatchObject({ revision: "agent-00001-aaa", instanceCount: 1 });
    await expect(fixture.deploy({ ...settings(), traffics: [{ ...pin, revision: "agent-nine" }] })).rejects.toThrow(
      "Revision 'agent-nine' not found.",
    );
  });

  it("refuses a revision name that is taken", async () => {
    await fixture.deploy(settings({ revision: "agent-blue" }));
    await expect(fixture.deploy(settings({ revision: "agent-blue" }, { A: "1" }))).rejects.toThrow(
      "Revision named 'agent-blue' with different configuration already exists.",
    );
  });
});
