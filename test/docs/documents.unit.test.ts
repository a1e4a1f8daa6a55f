import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { type Command, Config, Flags, Parser } from "@oclif/core";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { faults } from "../../automation/drill/faults.ts";
import { sampleNeed } from "../../automation/swap/gates/advance.ts";
import { defaultLeaseMs } from "../../automation/swap/lease.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../automation/swap/settings.ts";
import { checkout } from "../support/cli.ts";
import {
  anchors,
  codeBlocks,
  type Document,
  readDocuments,
  shellWords,
  switchyardCommands,
  withoutCodeBlocks,
} from "./documents.ts";

let documents: readonly Document[];
let config: Config;
beforeAll(async () => {
  documents = await readDocuments();
  config = await Config.load(checkout);
});

/** What stands for a value that a message puts in. */
const placeholder = "x";

/** What is wrong with a command line after `npx switchyard`; undefined when it parses. */
async function problemOf(words: readonly string[]): Promise<string | undefined> {
  // A name alone, or in a message nothing but values that are put in.
  if (words.join() === "--help" || words.every((word) => word === placeholder)) return undefined;
  const known = [3, 2, 1]
    .map((count) => ({ id: words.slice(0, count).join(":"), rest: words.slice(count) }))
    .find(({ id }) => config.findCommand(id) !== undefined);
  if (known === undefined) {
    // A topic alone lists its commands.
    return words.length === 1 && config.topics.some(({ name }) => name === words[0]) ? undefined : "no such command";
  }
  const loaded: Command.Class | undefined = await config.findCommand(known.id)?.load();
  if (loaded === undefined) return "it cannot be loaded";
  try {
    await Parser.parse([...known.rest], {
      args: loaded.args,
      flags: { ...loaded.baseFlags, ...loaded.flags, json: Flags.boolean(), help: Flags.boolean() },
      strict: loaded.strict,
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message.split("\n")[0];
  }
}

/** Made from the source, which has its own tests. */
const generated: readonly string[] = ["docs/commands.md", "docs/errors.md", "docs/guard-states.md"];

/** `section.name` for every setting of a JSON Schema, at any depth; `section` is the property that it is under. */
function settingNames(part: unknown, section = ""): readonly string[] {
  if (typeof part !== "object" || part === null) return [];
  return Object.entries(part).flatMap(([key, inner]: [string, unknown]) =>
    key === "properties" && typeof inner === "object" && inner !== null
      ? Object.entries(inner).flatMap(([name, setting]) => [`${section}.${name}`, ...settingNames(setting, name)])
      : settingNames(inner, section),
  );
}

async function commandProblems(path: string, text: string): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const words of switchyardCommands(text)) {
    // What stands for a value of the reader's; a number may have to stand there.
    const problem = await problemOf(words.map((word) => (/^<[\w-]+>$/.test(word) ? "1" : word)));
    if (problem !== undefined) problems.push(`${path}: npx switchyard ${words.join(" ")}: ${problem}`);
  }
  return problems;
}

describe("the documents", () => {
  test("every relative link leads to a file that is there, and to a heading that it has", () => {
    const broken: string[] = [];
    for (const { path, text } of documents) {
      for (const [, target = ""] of withoutCodeBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [file = "", anchor] = target.split("#");
        const found = file === "" ? path : normalize(join(dirname(path), file));
        if (!existsSync(join(checkout, found))) broken.push(`${path}: ${target}`);
        if (anchor === undefined) continue;
        const page = documents.find((document) => document.path === found);
        if (page === undefined || !anchors(page.text).includes(anchor)) broken.push(`${path}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  test("every path of the checkout that is named is there", () => {
    const missing: string[] = [];
    const inCheckout = /^(?:automation|bin|components|docs|local|policy|services|stacks|test|tools)\/[\w./-]*$/;
    for (const { path, text } of documents) {
      for (const [, name = ""] of withoutCodeBlocks(text).matchAll(/`([^`\n]+)`/g)) {
        if (inCheckout.test(name) && !existsSync(join(checkout, name))) missing.push(`${path}: ${name}`);
      }
      for (const line of codeBlocks(text, "sh").join("").split("\n")) {
        for (const word of shellWords(line)) {
          if (inCheckout.test(word) && !existsSync(join(checkout, word))) missing.push(`${path}: ${word}`);
        }
      }
    }
    expect(missing).toEqual([]);
  });

  test("every `npx switchyard` command parses: it exists, with its flags and arguments", async () => {
    const problems = await Promise.all(documents.map(({ path, text }) => commandProblems(path, text)));
    expect(problems.flat()).toEqual([]);
    expect(documents.flatMap(({ text }) => switchyardCommands(text)).length).toBeGreaterThan(50);
  });

  test("every npm script that is named exists", async () => {
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await readFile(join(checkout, "package.json"), "utf8")));
    const named = documents.flatMap(({ text }) => [...text.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:]+)/g)]);
    expect(named.length).toBeGreaterThan(3);
    for (const [, script = ""] of named) {
      expect(scripts, script).toHaveProperty([script]);
      // A script that starts a file of ours needs that file.
      for (const file of (scripts[script] ?? "").match(/\b(?:test|tools|bin)\/[\w/-]+\.[jt]s\b/g) ?? []) {
        expect(existsSync(join(checkout, file)), file).toBe(true);
      }
    }
  });

  test("every setting that is named with its section exists in switchyard.yaml", async () => {
    const unknown: string[] = [];
    let named = 0;
    const schema: unknown = JSON.parse(
      await readFile(join(checkout, "docs", "schema", "switchyard.schema.json"), "utf8"),
    );
    const known = new Set(settingNames(schema));
    for (const { path, text } of documents.filter((document) => !generated.includes(document.path))) {
      for (const [, section = "", name = ""] of withoutCodeBlocks(text).matchAll(
        /`(local_cloud|swap|failover|state|gates|dead_man|metrics)\.([a-z_]+)`/g,
      )) {
        named += 1;
        if (!known.has(`${section}.${name}`)) unknown.push(`${path}: ${section}.${name}`);
      }
    }
    expect(unknown).toEqual([]);
    expect(named).toBeGreaterThan(2);
  });

  test("numbers that follow from the source are those of the source", () => {
    const texts = new Map(documents.map(({ path, text }) => [path, text.replaceAll(/\s+/g, " ")]));
    const readme = texts.get("README.md") ?? "";
    const architecture = texts.get("docs/architecture.md") ?? "";
    expect(readme).toContain(`${faults.length} faults, a swap each`);
    const settings = toSwapSettings(hotSwapConfig.parse({ profile: "standard" }), platformConfig.parse({}));
    const [early = "", late = ""] = [5, 25].map((share) => sampleNeed(settings, share).toLocaleString("en"));
    expect(readme).toContain(`5 % ${early} `);
    expect(readme).toContain(`25 % ${late} `);
    expect(architecture).toContain(`\`standard\` (${early} requests a step, ${late} from 25 % on`);
    expect(texts.get("docs/adr/0016-gates.md")).toContain(
      `that is ${early} requests below 25 % (margin 0.5 points) and ${late} from there on`,
    );
    const seconds = defaultLeaseMs / 1_000;
    for (const text of [readme, architecture, texts.get("docs/adr/0014-lease-and-fence.md") ?? ""])
      expect(text).toMatch(new RegExp(`lease[^.]*?${seconds} s`));
  });

  test("every decision is in the list of decisions, under its own title, and numbers rise", () => {
    const decisions = documents.filter(({ path }) => /^docs\/adr\/\d{4}-/.test(path));
    const list = documents.find(({ path }) => path === "docs/adr/README.md")?.text ?? "";
    // Numbers are given out before they are written, so that one may be missing for a while; none is used twice.
    let last = 0;
    for (const { path, text } of decisions) {
      const [, number = "", title = ""] = /^# (\d+)\. (.+)$/m.exec(text) ?? [];
      const name = path.slice("docs/adr/".length);
      expect(Number(number), path).toBeGreaterThan(last);
      last = Number(number);
      expect(name.slice(0, 4), path).toBe(number.padStart(4, "0"));
      expect(list, path).toContain(`| [${name.slice(0, 4)}](${name}) | ${title} |`);
      for (const part of ["Context", "Decision", "Consequences"]) expect(text, path).toContain(`\n## ${part}\n`);
    }
    expect(decisions.length).toBeGreaterThan(20);
  });

  test("no document has an exclamation mark in its prose, or a path of this machine", () => {
    for (const { path, text } of documents) {
      expect(withoutCodeBlocks(text).replaceAll(/`[^`\n]*`|<!--.*?-->/g, ""), path).not.toMatch(/!(?!\[)/);
      expect(text, path).not.toMatch(/\/(?:root|home|work|tmp|Users)\//);
    }
  });
});

describe("what the program tells people to type", () => {
  test("every `npx switchyard` command in a message parses", async () => {
    const folder = join(checkout, "automation");
    const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".ts"));
    const problems = await Promise.all(
      files.map(async (file) => {
        const source = await readFile(join(folder, file), "utf8");
        // A value that is put in may be any word; `env` is a whole flag.
        const said = source
          .replaceAll(/\$\{env\}/g, `--env ${placeholder}`)
          .replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, placeholder)
          .replaceAll("\\n", "\n")
          .replaceAll("\\`", "`");
        return commandProblems(`automation/${file}`, said);
      }),
    );
    expect(problems.flat()).toEqual([]);
  });
});
