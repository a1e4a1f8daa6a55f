import { afterEach, describe, expect, test } from "vitest";
import { createFailBack } from "../../../automation/adapters/fail-back-http.ts";
import type { FailBack } from "../../../automation/ports/fail-back.ts";
import { createFakeFailBack } from "../../support/fake-fail-back.ts";
import { startLocalFlags } from "../../support/local-flags.ts";

interface Subject {
  readonly failBack: FailBack;
  breakDown(): Promise<void>;
  close(): Promise<void>;
}

const subjects: Readonly<Record<string, () => Promise<Subject>>> = {
  "the fake": async () => {
    const failBack = createFakeFailBack();
    return {
      failBack,
      breakDown: async () => {
        failBack.broken = true;
      },
      close: async () => {},
    };
  },
  "the daemon's control API": async () => {
    const local = await startLocalFlags();
    return { failBack: local.failBack("kiro"), breakDown: local.stop, close: local.close };
  },
};

describe.each(Object.entries(subjects))("FailBack: %s", (_, create) => {
  let subject: Subject | undefined;
  const start = async (): Promise<Subject> => {
    subject = await create();
    return subject;
  };
  afterEach(async () => {
    await subject?.close();
    subject = undefined;
  });

  test("no platform hands its requests back until it is told to", async () => {
    const { failBack } = await start();
    expect(await failBack.read("gke")).toBeUndefined();
  });

  test("what was set is read, for that platform alone", async () => {
    const { failBack } = await start();
    await failBack.set("gke", "cloud-run");
    expect(await failBack.read("gke")).toBe("cloud-run");
    expect(await failBack.read("cloud-run")).toBeUndefined();
  });

  test("a second target replaces the first, and none ends it; both may be said twice", async () => {
    const { failBack } = await start();
    await failBack.set("gke", "cloud-run");
    await failBack.set("gke", "eks");
    await failBack.set("gke", "eks");
    expect(await failBack.read("gke")).toBe("eks");
    await failBack.set("gke", undefined);
    await failBack.set("gke", undefined);
    expect(await failBack.read("gke")).toBeUndefined();
  });

  test("says that the flags cannot be reached", async () => {
    const { failBack, breakDown } = await start();
    await breakDown();
    await expect(failBack.set("gke", "cloud-run")).rejects.toMatchObject({ code: "fail-back-unreachable" });
    await expect(failBack.read("gke")).rejects.toMatchObject({ code: "fail-back-unreachable" });
  });

  test("ends with the signal's reason when it is aborted", async () => {
    const { failBack } = await start();
    const reason = new Error("enough");
    await expect(failBack.set("gke", "cloud-run", AbortSignal.abort(reason))).rejects.toThrow("enough");
    expect(await failBack.read("gke")).toBeUndefined();
  });
});

test("a wrong token is an unreachable flag, with the daemon's words", async () => {
  const local = await startLocalFlags();
  try {
    const failBack = createFailBack({ controlUrl: local.controlUrl, token: "another", scope: "kiro" });
    await expect(failBack.read("gke")).rejects.toMatchObject({
      code: "fail-back-unreachable",
      message: expect.stringContaining("401"),
    });
  } finally {
    await local.close();
  }
});

test("the token never goes over plain HTTP to another machine", () => {
  expect(() => createFailBack({ controlUrl: "http://192.0.2.1", token: "t", scope: "kiro" })).toThrow(
    expect.objectContaining({ code: "credentials-over-http" }),
  );
});
