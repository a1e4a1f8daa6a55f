import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Config } from "@oclif/core";
import { beforeAll, describe, expect, it } from "vitest";
import { commandIds, loadCommands, neededCommands } from "../../../automation/cli/commands/index.ts";
import { catalogue } from "../../../automation/errors.ts";

const checkout = join(import.meta.dirname, "../../..");

const commands = await loadCommands();
let config: Config;
beforeAll(async () => {
  config = await Config.load(checkout);
});

const words = (id: string): string => id.replaceAll(":", " ");

describe.each(commandIds)("%s", (id) => {
  const summary = () => config.findCommand(id, { must: true });

  it("says in one sentence what it does", () => {
    expect(summary().summary).toMatch(/^[A-Z].{10,120}\.$/);
  });

  it("has an example that can be pasted: its own words, with flags that it has", () => {
    const command = summary();
    const [example, ...others] = command.examples ?? [];
    expect(others).toEqual([]);
    const text = typeof example === "string" ? example : "";
    expect(text).toContain(`<%= config.bin %> ${words(id)}`);
    const given =
      text
        .split(words(id))[1]
        ?.split(/\s+/)
        .filter((part) => part.startsWith("--")) ?? [];
    for (const flag of given) expect(Object.keys(command.flags), text).toContain(flag.slice(2));
    const required = Object.values(command.args).filter((argument) => argument.required);
    if (required.length > 0) expect(text.split(words(id))[1]?.trim()).not.toBe("");
  });

  it("takes --json and --debug, and describes every flag and argument", () => {
    const { flags, args } = summary();
    expect(Object.keys(flags)).toEqual(expect.arrayContaining(["json", "debug"]));
    for (const [name, { description }] of [...Object.entries(flags), ...Object.entries(args)]) {
      expect(description, name).toMatch(/\.$/);
    }
  });
});

describe("the audit log", () => {
  // A command that is new says for itself whether it changes anything; this list is the second pair of eyes.
  const changing = [
    "alert:resolve",
    "alert:silence",
    "alert:unsilence",
    "audit:set-aside",
    "cost:veto",
    "cost:watch",
    "demo",
    "destroy",
    "failover:run",
    "failover:watch",
    "guard:listen",
    "guard:monitor",
    "guard:registry:add",
    "guard:registry:import",
    "guard:registry:remove",
    "guard:registry:update",
    "guard:resume",
    "guard:rollback",
    "guard:run",
    "guard:sources",
    "image:build",
    "init",
    "local:start",
    "local:stop",
    "refresh",
    "state:migrate",
    "state:set-aside",
    "swap:abort",
    "swap:decommission",
    "swap:extend-bake",
    "swap:pause",
    "swap:promote",
    "swap:resume",
    "swap:retry",
    "swap:rollback",
    "swap:start",
    "swap:watch",
    "traffic:set",
    "up",
  ];

  it.each(Object.entries(commands))("%s says for itself whether it changes anything", (_id, command) => {
    expect(Object.hasOwn(command, "mutates"), "static override mutates = true or false").toBe(true);
    expect(typeof command.mutates).toBe("boolean");
  });

  it("has exactly the commands that change something", () => {
    const found = Object.entries(commands).flatMap(([id, { mutates }]) => (mutates === false ? [] : [id]));
    expect(found.toSorted()).toEqual(changing);
  });
});

describe("a process loads", () => {
  it.each([
    [["swap", "start", "--to", "gke"], ["swap:start"]],
    [["guard", "registry", "show", "prod-eu-1"], ["guard:registry:show"]],
    [["cost", "--json"], ["cost"]],
    [["cost", "watch", "--once"], ["cost:watch"]],
    [["up", "gke.local"], ["up"]],
    [["swap:start"], ["swap:start"]],
    [["--version"], []],
  ])("for %j only %j", (argv, ids) => {
    expect(neededCommands(argv)).toEqual(ids);
  });

  it.each([[[]], [["--help"]], [["cost", "--help"]], [["swap"]], [["swap", "strat"]], [["constructor"]]])(
    "for %j every command, of which help and the nearest name tell",
    (argv) => {
      expect(neededCommands(argv)).toEqual(commandIds);
    },
  );
});

it("every file below commands/ is a command of the index, by its words", async () => {
  const folder = join(checkout, "automation/cli/commands");
  const files = (await readdir(folder, { recursive: true })).filter(
    (name) => name.endsWith(".ts") && name !== "index.ts",
  );
  const ids = files.map((name) => name.replace(/\.ts$/, "").replaceAll("/", ":"));
  expect(ids.toSorted()).toEqual(commandIds.toSorted());
});

describe("the published pages", () => {
  it("docs/commands.md has every command, and no other", async () => {
    const page = await readFile(join(checkout, "docs/commands.md"), "utf8");
    const sections = [...page.matchAll(/^## (.+)$/gm)].map(([, name]) => name);
    expect(sections.toSorted()).toEqual(commandIds.map(words).toSorted());
    for (const id of commandIds) expect(page).toContain(config.findCommand(id, { must: true }).summary);
  });

  it("docs/errors.md has every code of the catalogue with its exit code, and no other", async () => {
    const page = await readFile(join(checkout, "docs/errors.md"), "utf8");
    const sections = [...page.matchAll(/^## (.+)\n\nExit code (\d+)\. (.+)$/gm)].map(([, code, exitCode, what]) => [
      code,
      { exitCode: Number(exitCode), what },
    ]);
    const expected = Object.entries(catalogue).map(([code, { exitCode, what }]) => [code, { exitCode, what }]);
    expect(Object.fromEntries(sections)).toEqual(Object.fromEntries(expected));
    expect([...page.matchAll(/^## /gm)]).toHaveLength(expected.length);
  });
});

it("no example, hint or page names a command that does not exist", async () => {
  const known = new Set(commandIds.map(words));
  const topics = new Set(
    commandIds.flatMap((id) => id.split(":").map((_, depth, all) => all.slice(0, depth).join(" "))),
  );
  const sources = (await readdir(join(checkout, "automation"), { recursive: true }))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(checkout, "automation", name));
  const unknown: string[] = [];
  for (const path of [...sources, join(checkout, "docs/errors.md"), join(checkout, "docs/commands.md")]) {
    const text = await readFile(path, "utf8");
    for (const [, found = ""] of text.matchAll(/(?:npx |`)switchyard ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*){0,2})/g)) {
      const prefixes = found.split(" ").map((_, depth, all) => all.slice(0, depth + 1).join(" "));
      if (!prefixes.some((prefix) => known.has(prefix)) && !topics.has(found)) unknown.push(`${path}: ${found}`);
    }
  }
  expect(unknown).toEqual([]);
});
