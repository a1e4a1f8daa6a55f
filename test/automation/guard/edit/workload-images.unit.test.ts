import { describe, expect, it } from "vitest";
import { editVersions } from "../../../../automation/guard/edit/edit-versions.ts";
import { plain } from "../../../../automation/guard/edit/fleet.ts";
import { inventory } from "../../../../automation/guard/edit/inventory.ts";
import { Kustomize } from "../../../../automation/guard/edit/kustomize.ts";
import { Repository } from "../../../../automation/guard/edit/repository.ts";
import { revisionStep } from "../../../../automation/guard/edit/revision-step.ts";
import { at } from "../../../../automation/guard/edit/tree.ts";
import { type Component, components } from "../../../../automation/guard/rules/evidence.ts";
import { applied, cluster, filesOf, helmRepository, release, type Texts } from "./repositories.ts";

const clusters = [cluster("one", "a")];
const step = { clusters, targets: ["one"], from: "1.30.5", to: "1.31.1" };
const move = (texts: Texts, only: readonly Component[] = components) =>
  editVersions({ files: filesOf(texts), ...step, components: only });
const pod = (image: string, list = "containers") => `${list}: [{name: istio-proxy, image: "${image}"}]`;
const deployment = (image: string) =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: edge, namespace: edge}\nspec: {template: {spec: {${pod(image)}}}}\n`;
const cron = (image: string) =>
  `apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: edge}\nspec: {jobTemplate: {spec: {template: {spec: {${pod(image, "initContainers")}}}}}}\n`;
const istio = { "a/istio.yaml": `${helmRepository()}---\n${release()}` };
const with_ = (kustomization: string, workload: string): Texts => ({
  ...istio,
  "a/kustomization.yaml": `resources: [istio.yaml, edge.yaml]\n${kustomization}`,
  "a/edge.yaml": workload,
});
const entry = (text: string) => `images: [{name: docker.io/istio/proxyv2, ${text}}]\n`;
const home = "docker.io/istio/proxyv2";

describe("images of a kustomization", () => {
  const built = (workload: string, text: string, path = ["spec", "template", "spec", "containers", "0", "image"]) => {
    const { objects } = new Kustomize(new Repository(filesOf(with_(entry(text), workload)))).build("a", "test");
    const tree = at(objects.at(-1)?.tree, path);
    return tree === undefined ? undefined : plain(tree);
  };

  it.each([
    ["a tag", home, "newTag: 1.30.5", `${home}:1.30.5`],
    ["another tag", `${home}:latest`, "newTag: 1.30.5", `${home}:1.30.5`],
    ["a tag for a digest", `${home}@sha256:aa`, "newTag: 1.30.5", `${home}:1.30.5`],
    [
      "a name, and the tag stays",
      `${home}:1.2.3`,
      "newName: r.example.com:5000/proxyv2",
      "r.example.com:5000/proxyv2:1.2.3",
    ],
    ["both", home, "newName: r/proxyv2, newTag: 1.30.5", "r/proxyv2:1.30.5"],
    ["a digest before a tag", home, 'newTag: 1.30.5, digest: "sha256:bb"', `${home}@sha256:bb`],
    ["nothing, of another name", "docker.io/istio/proxyv2-more:1", "newTag: 1.30.5", "docker.io/istio/proxyv2-more:1"],
    ["nothing, where it says nothing", `${home}:1`, "other: x", `${home}:1`],
  ])("give %s", (_name, image, text, expected) => {
    expect(built(deployment(image), text)).toBe(expected);
  });

  it("mean containers that begin a pod too, wherever its template stands", () => {
    const path = ["spec", "jobTemplate", "spec", "template", "spec", "initContainers", "0", "image"];
    expect(built(cron(home), "newTag: 1.30.5", path)).toBe(`${home}:1.30.5`);
  });
});

describe("a workload that no chart makes", () => {
  it("moves with its component, by the tag that kustomize gives it, and nothing else does", () => {
    const texts = with_(`${entry("newTag: 1.30.5")}#1.30.5\n`, deployment(home));
    const moved = with_(`${entry("newTag: 1.31.1")}#1.30.5\n`, deployment(home));
    expect(applied(texts, move(texts, ["gateway", "istiod"]))).toEqual({
      ...moved,
      "a/istio.yaml": istio["a/istio.yaml"].replace("1.30.5", "1.31.1"),
    });
    expect(applied(texts, move(texts, ["istiod"]))["a/kustomization.yaml"]).toBe(texts["a/kustomization.yaml"]);
  });

  it("is in the inventory, with the place that says its version", () => {
    const [one] = inventory(filesOf(with_(entry("newTag: 1.30.5"), deployment(home))), clusters);
    expect(one?.homes).toContainEqual({
      release: "Deployment edge/edge",
      component: "gateway",
      field: "image of container istio-proxy",
      value: `${home}:1.30.5`,
      shape: "images",
      path: "a/kustomization.yaml",
      document: 0,
      pointer: "/images/0/newTag",
    });
  });

  it("moves with the gateways of a revisioned upgrade", () => {
    const texts = with_("", deployment(`${home}:1.30.5`));
    const files = filesOf({
      ...texts,
      "a/istio.yaml": `${helmRepository()}---\n${release({ spec: "  values: {revision: 1-30-5}\n" })}---\n${release({ name: "istiod-1-31-1", version: "1.31.1", spec: "  values: {revision: 1-31-1}\n" })}`,
    });
    const edited = revisionStep({ files, ...step, step: { kind: "gateways" } });
    expect(edited).toMatchObject({ edits: [{ path: "a/edge.yaml", after: deployment(`${home}:1.31.1`) }] });
  });

  it.each([
    ["a digest", entry('digest: "sha256:bb"'), deployment(home), "is pinned by digest"],
    ["another version", entry("newTag: 1.29.0"), deployment(home), "it says docker.io/istio/proxyv2:1.29.0"],
    ["no version of an entry", entry("newTag: latest"), deployment(home), "is no version"],
    ["no version", "", deployment(`${home}:latest`), '"docker.io/istio/proxyv2:latest" is no version'],
    [
      "a marker of somebody who moves it",
      'images:\n- name: docker.io/istio/proxyv2\n  newTag: 1.30.5 # {"$imagepolicy": "flux-system:istio:tag"}\n',
      deployment(home),
      "an image policy writes its line",
    ],
  ])("at %s is refused", (_name, kustomization, workload, why) => {
    expect(move(with_(kustomization, workload))).toMatchObject({
      kind: "refused",
      problems: [expect.objectContaining({ why: expect.stringContaining(why) })],
    });
  });

  it("is left alone where the injector fills its image in, or where it is not of Istio", () => {
    for (const image of ["auto", "docker.io/istio/proxyv2", "docker.io/acme/pilot:1.29.0", "acme/web:1.30.5"])
      expect(applied(istio, move(with_("", deployment(image)))), image).toMatchObject({
        "a/istio.yaml": expect.stringContaining("1.31.1"),
      });
  });
});
