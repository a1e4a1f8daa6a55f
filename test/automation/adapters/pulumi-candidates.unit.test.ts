import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BuildProgress } from "../../../automation/adapters/pulumi-build.ts";
import {
  type Candidate,
  chooseEngine,
  compareVersions,
  minimumPulumiVersion,
  parseVersion,
} from "../../../automation/adapters/pulumi-candidates.ts";

const onPath = (version: string | undefined, problem?: string): Candidate => ({
  source: "path",
  pulumi: "/usr/bin/pulumi",
  version,
  ...(problem === undefined ? {} : { problem }),
});
const cached = (version: string): Candidate => ({ source: "cache", pulumi: `/cache/${version}/bin/pulumi`, version });

describe("which engine is taken", () => {
  test("the one on the PATH, even when the cache has a newer one", () => {
    expect(chooseEngine([cached("3.300.0"), onPath("3.230.0")]).chosen?.pulumi).toBe("/usr/bin/pulumi");
  });

  test("the newest of the cache when the one on the PATH is too old, and it says why", () => {
    const { chosen, rejected } = chooseEngine([onPath("3.9.0"), cached("3.230.0"), cached("3.240.1")]);
    expect(chosen?.version).toBe("3.240.1");
    expect(rejected).toEqual([
      { source: "path", path: "/usr/bin/pulumi", reason: `it is 3.9.0, older than ${minimumPulumiVersion}` },
    ]);
  });

  test.each([
    [onPath("4.0.0"), "it is 4.0.0; a version 3 is needed"],
    [onPath("nightly"), 'it calls itself "nightly", which is no version'],
    [onPath(undefined, "it cannot be run: EACCES"), "it cannot be run: EACCES"],
  ])("none of another kind", (candidate, reason) => {
    expect(chooseEngine([candidate])).toEqual({
      chosen: undefined,
      rejected: [{ source: "path", path: "/usr/bin/pulumi", reason }],
    });
  });

  test("exactly the oldest is still taken", () => {
    expect(chooseEngine([onPath(minimumPulumiVersion)]).chosen?.version).toBe(minimumPulumiVersion);
  });

  test("versions are compared by number, not by text", () => {
    const version = fc.tuple(fc.nat(9), fc.nat(999), fc.nat(99));
    fc.assert(
      fc.property(version, version, (a, b) => {
        const expected = Math.sign(a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
        expect(Math.sign(compareVersions(a.join("."), `v${b.join(".")}`))).toBe(expected);
      }),
    );
    expect(parseVersion("v3.230.0-alpha.1+dirty")).toEqual([3, 230, 0]);
    expect(parseVersion("3.230")).toBeUndefined();
  });
});

describe("a build's progress", () => {
  test("counts downloads and packages, never goes back and ends below 100", () => {
    const progress = new BuildProgress({ modules: 2, packages: 4 });
    const seen = [
      progress.take("go: downloading example.com/a v1.0.0"),
      progress.take("go: finding module for package x"),
      progress.take("go: downloading example.com/b v1.0.0"),
    ];
    progress.modulesAreThere();
    for (const name of ["internal/abi", "runtime", "example.com/a/v2", "main", "one/more"])
      seen.push(progress.take(name));
    expect(seen).toEqual([17, 17, 33, 50, 67, 83, 99, 99]);
  });
});
