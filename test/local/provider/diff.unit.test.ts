import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Properties } from "../../../local/compute/resources.ts";
import { diff, differencePath } from "../../../local/provider/diff.ts";
import { projected } from "../../../local/provider/operations.ts";
import { UNKNOWN } from "../../../local/provider/properties.ts";
import type { ProviderSettings, ResourceType } from "../../../local/provider/resource-type.ts";

const settings: ProviderSettings = { project: "p", region: "r", zone: "r-a", cluster: undefined };

const type: ResourceType = {
  token: "thing",
  replaceOn: ["name", "network", "parts[*].disk", "settings.frozen"],
  replaceWhen: (olds, news) => (Number(news["size"]) < Number(olds["size"]) ? ["size"] : []),
  autoName: { property: "name", maxLength: 63 },
  unknownAtPreview: [],
  id: (inputs) => `things/${String(inputs["name"])}`,
  outputs: (inputs) => inputs,
};

function changes(olds: Properties, news: Properties, ignore: readonly string[] = []): string[] {
  return diff(type, olds, news, settings, ignore).differences.map(
    (difference) => `${difference.kind} ${differencePath(difference)}${difference.replaces ? " replaces" : ""}`,
  );
}

describe("differences", () => {
  test("are found by path, with what replaces", () => {
    const olds: Properties = { name: "a", parts: [{ disk: 1, cpu: 1 }, { disk: 1 }], gone: true, same: { x: [1] } };
    const news: Properties = { name: "b", parts: [{ disk: 1, cpu: 2 }, { disk: 2 }], added: 1, same: { x: [1] } };
    expect(changes(olds, news)).toEqual([
      "update name replaces",
      "update parts[0].cpu",
      "update parts[1].disk replaces",
      "delete gone",
      "add added",
    ]);
  });

  test("an object that comes or goes as a whole replaces if a part of it does", () => {
    expect(changes({}, { settings: { frozen: 1, free: 2 } })).toEqual(["add settings replaces"]);
    expect(changes({ settings: { free: 2 } }, {})).toEqual(["delete settings"]);
    expect(changes({ parts: [] }, { parts: [{ disk: 1 }] })).toEqual(["add parts[0] replaces"]);
  });

  test("a change below a replacing path replaces", () => {
    expect(changes({ network: { a: 1 } }, { network: { a: 2 } })).toEqual(["update network.a replaces"]);
  });

  test("null is absent, and the bridge's own notes are no difference", () => {
    expect(changes({ a: null, __defaults: ["x"] }, { b: null, __defaults: [] })).toEqual([]);
  });

  test("an unknown value may be another one", () => {
    expect(changes({ name: "a", size: 1 }, { name: UNKNOWN, size: UNKNOWN })).toEqual([
      "update name replaces",
      "update size",
    ]);
  });

  test("what the program ignores is none, with all below it", () => {
    expect(changes({ a: { w: [1, 2] } }, { a: { w: [2, 1, 3] } }, ["a.w"])).toEqual([]);
  });

  test("how a value changes can decide", () => {
    expect(changes({ size: 1 }, { size: 2 })).toEqual(["update size"]);
    expect(changes({ size: 2 }, { size: 1 })).toEqual(["update size replaces"]);
  });

  test("equal values have none", () => {
    fc.assert(
      fc.property(fc.object({ key: fc.string({ minLength: 1 }), values: [fc.string(), fc.integer()] }), (value) => {
        const properties = structuredClone(value) as Properties;
        expect(changes(properties, structuredClone(properties))).toEqual([]);
      }),
    );
  });
});

describe("the order of a replacement", () => {
  const deletesFirst = (olds: Properties, news: Properties): boolean =>
    diff(type, olds, news, settings).deleteBeforeReplace;

  test("a name that the program gives and keeps is freed first", () => {
    expect(deletesFirst({ name: "a", network: 1 }, { name: "a", network: 2 })).toBe(true);
    expect(deletesFirst({ name: "a", network: 1 }, { name: "b", network: 2 })).toBe(false);
  });

  test("a name that the provider made is not", () => {
    const made = { name: "a-1", __defaults: ["name"] };
    expect(deletesFirst({ ...made, network: 1 }, { ...made, network: 2 })).toBe(false);
  });

  test("nothing is deleted for an update", () => {
    expect(deletesFirst({ name: "a", free: 1 }, { name: "a", free: 2 })).toBe(false);
  });

  test("without a name, the id decides", () => {
    const { autoName: _rule, ...grant } = type;
    const nameless: ResourceType = { ...grant, id: (inputs) => String(inputs["network"]) };
    expect(diff(nameless, { network: 1 }, { network: 2 }, settings).deleteBeforeReplace).toBe(false);
    const fixed: ResourceType = { ...grant, id: () => "one" };
    expect(diff(fixed, { network: 1 }, { network: 2 }, settings).deleteBeforeReplace).toBe(true);
  });
});

describe("live inputs after a refresh", () => {
  test("hold what the program gave and none of the platform's defaults", () => {
    const given: Properties = { name: "a", spec: { replicas: 2 }, list: [{ w: 1 }], gone: 1 };
    const live: Properties = {
      name: "a",
      spec: { replicas: 7, strategy: "rolling" },
      list: [
        { w: 3, d: 1 },
        { w: 9, d: 1 },
      ],
      more: 1,
    };
    expect(projected(given, live)).toEqual({
      name: "a",
      spec: { replicas: 7 },
      list: [{ w: 3 }, { w: 9, d: 1 }],
    });
  });
});
