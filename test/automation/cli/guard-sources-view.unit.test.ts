import { expect, it } from "vitest";
import { describeSources } from "../../../automation/cli/guard-sources-view.ts";
import { findSources } from "../../../automation/guard/edit/sources.ts";

const found = (text: string) => ({
  folder: "fleet",
  files: 2,
  uses: findSources([{ path: "a.yaml", text }]),
  unreadable: [{ path: "fleet/b.yaml", why: "permission denied" }],
});

it("says of each place what it becomes, and what nobody knows", () => {
  expect(describeSources(found("hub: gcr.io/istio-release\nsee: https://registry.istio.io/docs\n"))).toEqual([
    "Not read: fleet/b.yaml: permission denied",
    "a.yaml:1  hub",
    "  gcr.io/istio-release",
    "  becomes docker.io/istio",
    "a.yaml:2  text",
    "  https://registry.istio.io/docs",
    "  a person has to look: nothing says where this went",
    "",
    "2 places in 1 file of 2 name hosts that Istio has retired: from 1.31 on nothing new is there.",
  ]);
});

it("says that nothing was found", () => {
  expect(describeSources(found("hub: docker.io/istio\n")).at(-1)).toBe(
    "Nothing in the 2 files of fleet names a retired host of Istio.",
  );
});
