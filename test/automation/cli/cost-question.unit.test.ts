import { describe, expect, test } from "vitest";
import { readUsage } from "../../../automation/cli/cost-question.ts";

const fileOf = (text: string | undefined) => ({ read: async () => text });

describe("a usage file", () => {
  test("with a setting that it does not know is refused with the nearest one and those that it does", async () => {
    const refused = readUsage(fileOf("requests: 5\nduratoin: 250\ncloud_run: {biling: request-based}\n"), "usage.yaml");
    await expect(refused).rejects.toMatchObject({
      code: "invalid-config",
      data: {
        problems: expect.arrayContaining([
          expect.stringMatching(/^duratoin: no such setting.*duration.*\(known here: requests, duration, concurrency/),
          "cloud_run.biling: no such setting; did you mean billing? (known here: billing)",
        ]),
      },
    });
  });

  test("that is not there is named", async () => {
    await expect(readUsage(fileOf(undefined), "usage.yaml")).rejects.toMatchObject({
      code: "invalid-config",
      message: expect.stringContaining("there is no such file"),
    });
  });

  test("with a value out of range is told with the value", async () => {
    await expect(readUsage(fileOf("free_tier: maybe\n"), "usage.yaml")).rejects.toMatchObject({
      data: { problems: [expect.stringMatching(/^free_tier: "maybe": /)] },
    });
  });
});
