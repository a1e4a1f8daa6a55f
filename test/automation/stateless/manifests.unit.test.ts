import { describe, expect, test } from "vitest";
import { readManifests } from "../../../automation/stateless/manifests.ts";
import { scan } from "../../../automation/stateless/scan.ts";

function read(text: string, file = "a.yaml", named = true) {
  return readManifests([{ file, text, named }]);
}

const service = "apiVersion: v1\nkind: Service\nmetadata: { name: web }\n";

describe("documents", () => {
  test("are taken one by one, empty ones skipped, each with its line", () => {
    const { resources, problems } = read(`# first\n---\n${service}---\n---\n# nothing\n---\n${service}`);
    expect(resources.map(({ type, name, where }) => [type, name, where])).toEqual([
      ["v1/Service", "web", "a.yaml:3"],
      ["v1/Service", "web", "a.yaml:10"],
    ]);
    expect(problems).toEqual([]);
  });

  test("that do not parse are told with file and line, and the rest is still read", () => {
    const { resources, problems } = read(`${service}---\nkind: Pod\n  name: x\n---\n${service}`);
    expect(resources).toHaveLength(2);
    expect(problems).toMatchObject([
      { rule: "manifest-unreadable", level: "cannot-tell", where: expect.stringMatching(/^a\.yaml:[5-7]$/) },
    ]);
  });

  test("with a key twice are not guessed at", () => {
    const { resources, problems } = read(`${service}kind: StatefulSet\n`);
    expect(resources).toEqual([]);
    expect(problems).toMatchObject([{ where: "a.yaml:4", reason: expect.stringContaining("unique") }]);
  });

  test("with aliases that multiply, or nested beyond measure, are told and end", () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (const [from, to] of ["ab", "bc", "cd", "de", "ef"].map((pair) => [...pair])) {
      bomb.push(`${to}: &${to} [${Array.from({ length: 9 }, () => `*${from}`).join(",")}]`);
    }
    expect(read(bomb.join("\n")).problems).toMatchObject([{ rule: "manifest-unreadable", where: "a.yaml:1" }]);
    expect(read("[".repeat(50_000)).problems).toMatchObject([{ rule: "manifest-unreadable" }]);
  });

  test("with carriage returns and a byte order mark are read", () => {
    expect(read(`\uFEFF${service.replaceAll("\n", "\r\n")}`).resources).toHaveLength(1);
  });
});

describe("lists", () => {
  const item = { apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "shop" } };

  test("of Kubernetes and of JSON are taken apart, also within another", () => {
    const list = { apiVersion: "v1", kind: "List", items: [item, { apiVersion: "v1", kind: "List", items: [item] }] };
    expect(read(JSON.stringify(list), "a.json").resources.map(({ name }) => name)).toEqual(["shop/web", "shop/web"]);
    expect(read(JSON.stringify([item, item]), "a.json").resources).toHaveLength(2);
  });

  test("of one kind give it to their items", () => {
    const { resources } = read("apiVersion: apps/v1\nkind: StatefulSetList\nitems:\n  - metadata: { name: db }\n");
    expect(resources).toMatchObject([{ type: "apps/v1/StatefulSet", name: "db", where: "a.yaml:4" }]);
  });

  test("have the line of everything, in JSON too", () => {
    const pod = { ...item, kind: "Pod", spec: { hostNetwork: true, containers: [] } };
    const text = JSON.stringify({ apiVersion: "v1", kind: "List", items: [item, pod] }, undefined, 2);
    const { findings } = scan(read(text, "a.json").resources);
    const line = text.split("\n").findIndex((one) => one.includes("hostNetwork")) + 1;
    expect(findings.find(({ rule }) => rule === "host-network")?.where).toBe(`a.json:${line}`);
  });
});

describe("what is no manifest", () => {
  test("is told where a person named the file, and left out, by name, where it was found in a folder", () => {
    expect(read("replicaCount: 2\nimage: x\n", "values.yaml")).toMatchObject({
      resources: [],
      problems: [{ where: "values.yaml:1", level: "cannot-tell" }],
      skipped: [],
    });
    expect(read("replicaCount: 2\nimage: x\n", "values.yaml", false)).toEqual({
      resources: [],
      problems: [],
      skipped: ["values.yaml"],
    });
  });

  test("beside manifests in one file is told", () => {
    expect(read(`${service}---\nhello: world\n`, "a.yaml", false).problems).toMatchObject([{ where: "a.yaml:5" }]);
  });

  test("and cannot be read, is told with the reason", () => {
    const { problems } = readManifests([{ file: "a.yaml", text: undefined, problem: "EACCES", named: false }]);
    expect(problems).toMatchObject([{ where: "a.yaml:1", reason: "EACCES." }]);
  });
});

describe("a template that is not rendered", () => {
  test.each([
    ["apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n", 4],
    ["{{- if .Values.enabled }}\napiVersion: v1\nkind: Service\n{{- end }}\n", 1],
    ['apiVersion: v1\nkind: Service\nmetadata: { name: "{{ .Values.name }}" }\n', 3],
  ])("is told as such: %j", (text, line) => {
    const [problem] = read(text).problems;
    expect(problem?.reason).toBe("This is a template that is not rendered.");
    expect(problem?.fix).toContain("helm template");
    expect(Number(problem?.where.split(":")[1])).toBeLessThanOrEqual(line);
  });

  test("is not what braces in a dashboard or an alert are", () => {
    const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndata:\n  a: "{{ range .Alerts }}{{ .Labels.job }}{{ end }} {{ $value }}"\n`;
    expect(read(text).problems).toEqual([]);
  });
});

test("no reason or fix shows the value of a setting", () => {
  const marker = "hunter2-marker";
  const env = [
    { name: "DATABASE_URL", value: `sqlite:///data/${marker}.db?key=${marker}` },
    { name: "SESSION_STORE", value: "memory" },
    { name: "PEERS", value: `db-0.db-headless:${marker}` },
  ];
  const args = [`--db=sqlite:///${marker}.db`, `--session-store=memory ${marker}`, `--join=a-0.a-headless/${marker}`];
  const pod = { containers: [{ name: "x", image: "x:1", env, args }] };
  const { findings } = scan([
    { type: "apps/v1/Deployment", name: "x", where: "x", object: { spec: { template: { spec: pod } } } },
    { type: "v1/Secret", name: "y", where: "y", object: { stringData: { DATABASE_URL: `file:/${marker}.db` } } },
  ]);
  expect(new Set(findings.map(({ rule }) => rule))).toEqual(
    new Set(["file-database", "local-sessions", "ordinal-address"]),
  );
  expect(JSON.stringify(findings)).not.toContain(marker);
});
