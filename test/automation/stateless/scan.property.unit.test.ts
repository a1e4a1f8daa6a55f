import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ScannedResource,
  type StatelessClass,
  statelessClasses,
  unknownValue,
} from "../../../automation/stateless/finding.ts";
import { resourceOfPulumi } from "../../../automation/stateless/pulumi-resource.ts";
import { scan } from "../../../automation/stateless/scan.ts";
import { readCorpus } from "./corpus.ts";

const corpus = await readCorpus();
const google: readonly ScannedResource[] = [
  resourceOfPulumi(
    "gcp:cloudrunv2/service:Service",
    "volumes",
    cloudRun({ volumes: [{ name: "b", gcs: { bucket: "b" } }] }),
    "a",
  ),
  resourceOfPulumi(
    "gcp:cloudrunv2/service:Service",
    "share",
    cloudRun({ volumes: [{ name: "n", nfs: { server: "s", path: "/" } }] }),
    "b",
  ),
  resourceOfPulumi(
    "gcp:cloudrunv2/service:Service",
    "memory",
    cloudRun({ volumes: [{ name: "m", emptyDir: { medium: "MEMORY", sizeLimit: "2Gi" } }] }),
    "c",
  ),
  resourceOfPulumi("gcp:cloudrunv2/service:Service", "sticky", cloudRun({ sessionAffinity: true }), "d"),
  resourceOfPulumi("gcp:cloudrunv2/service:Service", "fine", cloudRun({}), "e"),
  resourceOfPulumi("gcp:compute/backendService:BackendService", "ring", { localityLbPolicy: "RING_HASH" }, "f"),
  resourceOfPulumi("gcp:sql/databaseInstance:DatabaseInstance", "sql", { databaseVersion: "POSTGRES_16" }, "g"),
];

function cloudRun(template: object): Record<string, unknown> {
  const containers = [{ image: "docker.io/example/web:1", envs: [{ name: "DATABASE_URL", value: "postgres://db/x" }] }];
  return { name: "web", location: "europe-west1", template: { containers, ...template } };
}

/** One corpus entry's resources, or Google's. */
const sets: readonly (readonly ScannedResource[])[] = [
  ...corpus.map(({ manifests }) => manifests.resources).filter((resources) => resources.length > 0),
  ...google.map((resource) => [resource]),
];
const anySet = fc.constantFrom(...sets);

const harmless: readonly ScannedResource[] = corpus
  .filter((entry) => entry.class === "stateless")
  .flatMap(({ manifests }) => manifests.resources)
  // A storage class says of another object what becomes of its disk.
  .filter(({ type }) => !type.endsWith("/StorageClass"));

/** Every place in a value where something stands. */
function places(value: unknown, path: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] {
  const inner =
    typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, part]) =>
          places(part, [...path, Array.isArray(value) ? Number(key) : key]),
        )
      : [];
  return [path, ...inner];
}

function without(value: unknown, path: readonly (string | number)[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return unknownValue;
  if (Array.isArray(value)) return value.map((part, index) => (index === key ? without(part, rest) : part));
  return { ...(value as object), [key]: without((value as Record<string, unknown>)[key], rest) };
}

describe("a scan", () => {
  test("gives the same findings whatever the order of the resources", () => {
    fc.assert(
      fc.property(
        fc.array(anySet, { minLength: 1, maxLength: 4 }).chain((chosen) => {
          const all = chosen.flat();
          return fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }));
        }),
        ([given, shuffled]) => {
          const [one, other] = [scan(given), scan(shuffled)];
          expect(other.verdict).toBe(one.verdict);
          const sorted = (findings: typeof one.findings) =>
            findings.map(({ rule, resource, path }) => `${resource.where} ${resource.name} ${rule} ${path}`).toSorted();
          expect(sorted(other.findings)).toEqual(sorted(one.findings));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("keeps its verdict when something harmless is added", () => {
    fc.assert(
      fc.property(anySet, fc.shuffledSubarray([...harmless], { minLength: 1, maxLength: 5 }), (given, added) => {
        expect(scan([...given, ...added]).verdict).toBe(scan(given).verdict);
      }),
      { numRuns: 500 },
    );
  });

  test("is as bad as the worst of its parts", () => {
    fc.assert(
      fc.property(fc.array(anySet, { minLength: 1, maxLength: 4 }), (chosen) => {
        const rank = (verdict: string): number =>
          verdict === "cannot-tell" ? 0.5 : statelessClasses.indexOf(verdict as StatelessClass);
        const parts = chosen.map((part) => rank(scan(part).verdict));
        expect(rank(scan(chosen.flat()).verdict)).toBeGreaterThanOrEqual(Math.max(...parts));
      }),
      { numRuns: 300 },
    );
  });
});

test("a value that is not known never makes of anything else a stateless one: every value of every bad resource", () => {
  let replaced = 0;
  for (const resources of sets) {
    if (scan(resources).verdict === "stateless") continue;
    for (const [index, resource] of resources.entries()) {
      for (const path of places(resource.object)) {
        const changed = resources.map((one, at) =>
          at === index ? { ...one, object: without(one.object, path) as Record<string, unknown> } : one,
        );
        replaced += 1;
        if (scan(changed).verdict === "stateless") expect.fail(`${resource.where}: ${path.join(".")}`);
      }
    }
  }
  expect(replaced).toBeGreaterThan(1_500);
});

test("and of a stateless one nothing worse than cannot-tell", () => {
  let untold = 0;
  for (const resources of sets) {
    if (scan(resources).verdict !== "stateless") continue;
    for (const [index, resource] of resources.entries()) {
      for (const path of places(resource.object)) {
        const changed = resources.map((one, at) =>
          at === index ? { ...one, object: without(one.object, path) as Record<string, unknown> } : one,
        );
        const { verdict } = scan(changed);
        if (verdict === "cannot-tell") untold += 1;
        else if (verdict !== "stateless") expect.fail(`${resource.where}: ${path.join(".")}: ${verdict}`);
      }
    }
  }
  expect(untold).toBeGreaterThan(300);
});
