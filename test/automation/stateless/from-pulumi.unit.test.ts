import { expect, test } from "vitest";
import { parseReport } from "../../../automation/adapters/pulumi-policy.ts";
import { unknownValue } from "../../../automation/stateless/finding.ts";
import { scannedFromPulumi } from "../../../automation/stateless/from-pulumi.ts";

const urn = "urn:pulumi:gke.local::switchyard::kubernetes:apps/v1:Deployment::agent";
const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const secret = { "4dabf18193072939515e22adb298388d": secretSignature, ciphertext: "v1:…" };

test("a Kubernetes resource is its object, by its own apiVersion and kind, else by the token", () => {
  const object = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "agent", namespace: "prod" } };
  expect(scannedFromPulumi({ type: "kubernetes:apps/v1:DeploymentPatch", urn, properties: object })).toEqual({
    type: "apps/v1/Deployment",
    name: "prod/agent",
    object,
    where: urn,
  });
  expect(scannedFromPulumi({ type: "kubernetes:core/v1:Pod", urn, properties: {} })).toMatchObject({
    type: "v1/Pod",
    name: "agent",
  });
});

test("what is not known, and what is secret, is not known to the rules, in lists too", () => {
  const properties = { template: { image: unknownText, args: ["run", unknownText], env: secret } };
  expect(scannedFromPulumi({ type: "gcp:cloudrunv2/service:Service", urn, properties })?.object).toEqual({
    template: { image: unknownValue, args: ["run", unknownValue], env: unknownValue },
  });
});

test("a secret that is in clear is read by the rules; one that is no JSON is not known", () => {
  const clear = (plaintext: string) => ({ "4dabf18193072939515e22adb298388d": secretSignature, plaintext });
  const properties = { env: [{ name: "DATABASE_URL", value: clear('"file:/data/app.db"') }], other: clear("{") };
  expect(scannedFromPulumi({ type: "gcp:a/b:C", urn, properties })?.object).toEqual({
    env: [{ name: "DATABASE_URL", value: "file:/data/app.db" }],
    other: unknownValue,
  });
});

test("objects that throw where an unknown value is read are read all the same", () => {
  const throwing = new Proxy(
    { image: unknownText },
    {
      get() {
        throw new Error("can't be known during preview");
      },
    },
  );
  expect(scannedFromPulumi({ type: "gcp:a/b:C", urn, properties: { spec: throwing } })?.object).toEqual({
    spec: { image: unknownValue },
  });
});

test("Pulumi's own resources are none", () => {
  expect(scannedFromPulumi({ type: "pulumi:providers:gcp", urn, properties: {} })).toBeUndefined();
});

test("a report is the whole stack's; where the engine stopped before, what single resources showed; else there is none", () => {
  const finding = {
    rule: "host-path",
    level: "hard",
    resource: { type: "apps/v1/Deployment", name: "agent", where: urn },
    where: urn,
    path: "spec",
    reason: "It is there.",
    fix: "Take it away.",
    class: "stateful",
  };
  const single = JSON.stringify({ verdict: "stateful", findings: [finding], scanned: 1, whole: false });
  const whole = JSON.stringify({ verdict: "stateful", findings: [finding], scanned: 4, whole: true });
  expect(parseReport(`${single}\n${whole}\n`)).toEqual({ verdict: "stateful", findings: [finding], scanned: 4 });
  expect(parseReport(`${single}\n${single}\n{"torn`)).toMatchObject({ verdict: "stateful", scanned: 2 });
  expect(parseReport("")).toBeUndefined();
});
