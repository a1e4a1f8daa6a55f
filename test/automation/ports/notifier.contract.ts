/** What every Notifier does; run on the fake and on the adapters. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { Notice, Notifier } from "../../../automation/ports/notifier.ts";

/** What a receiver knows of a notice, whatever its form. */
export interface Heard {
  readonly key: string;
  readonly open: boolean;
  readonly severity: string | undefined;
  readonly text: string;
}

export interface NotifierHarness {
  readonly notifier: Notifier;
  heard(): readonly Heard[];
  /** The next answer is one of a server that is busy, broken, or does not take this notice. */
  answerNext(kind: "busy" | "broken" | "refusal"): void;
  /** Requests get no answer; resolves when one has arrived. */
  hang(): Promise<void>;
  /** It cannot be reached any more. */
  breakDown(): Promise<void>;
  close(): Promise<void>;
}

/** Seconds after which a busy server wants to be asked again. */
export const busySeconds = 7;

export function notice(more: Partial<Notice> = {}): Notice {
  return {
    id: "1",
    kind: "raise",
    why: "it is new",
    momentary: false,
    alert: {
      code: "candidate-errors",
      severity: "critical",
      environment: "prod",
      platform: "gke",
      swap: "3",
      title: "Swap 3 of prod (cloud-run -> gke): goes back & <waits>",
      detail: "candidateErrors 12",
      next: ["To see what decided:   npx switchyard swap why 3 --env prod"],
      at: Date.UTC(2026, 10, 30, 12),
      dedupKey: "prod/swap/3/candidate-errors/1",
    },
    ...more,
  };
}

export function notifierContract(name: string, start: () => Promise<NotifierHarness>): void {
  describe(name, () => {
    const given = async (): Promise<NotifierHarness> => {
      const harness = await start();
      onTestFinished(() => harness.close());
      return harness;
    };

    test("an alert is taken with its key, its severity and its words", async () => {
      const { notifier, heard } = await given();
      for (const severity of ["info", "warning", "critical"] as const) {
        const { alert } = notice();
        expect(await notifier.notify(notice({ alert: { ...alert, severity } }))).toEqual({ delivered: true });
      }
      expect(heard().map((one) => [one.key, one.open, one.severity])).toEqual(
        ["info", "warning", "critical"].map((severity) => ["prod/swap/3/candidate-errors/1", true, severity]),
      );
      expect(heard()[0]?.text).toContain("Swap 3 of prod");
    });

    test("its end is taken with the same key", async () => {
      const { notifier, heard } = await given();
      await notifier.notify(notice());
      await notifier.notify(notice({ id: "2", kind: "repeat" }));
      await notifier.notify(notice({ id: "3", kind: "escalate" }));
      expect(await notifier.notify(notice({ id: "4", kind: "resolve" }))).toEqual({ delivered: true });
      expect(heard().map(({ open }) => open)).toEqual([true, true, true, false]);
      expect(new Set(heard().map(({ key }) => key)).size).toBe(1);
    });

    test("one that is over as soon as it is said leaves nothing open", async () => {
      const { notifier, heard } = await given();
      expect(await notifier.notify(notice({ momentary: true }))).toEqual({ delivered: true });
      expect(heard().at(-1)?.open).toBe(false);
    });

    test("a target that is busy says when it wants to be asked again", async () => {
      const { notifier, answerNext, heard } = await given();
      answerNext("busy");
      expect(await notifier.notify(notice())).toMatchObject({
        delivered: false,
        refused: false,
        retryAfterMs: busySeconds * 1_000,
      });
      expect(await notifier.notify(notice())).toEqual({ delivered: true });
      expect(heard()).toHaveLength(1);
    });

    test("a target that is broken, or does not take the notice, is a delivery that failed", async () => {
      const { notifier, answerNext } = await given();
      answerNext("broken");
      expect(await notifier.notify(notice())).toMatchObject({ delivered: false, refused: false });
      answerNext("refusal");
      expect(await notifier.notify(notice())).toMatchObject({ delivered: false, refused: true });
    });

    test("a target that cannot be reached is a delivery that failed", async () => {
      const { notifier, breakDown } = await given();
      await breakDown();
      const delivery = await notifier.notify(notice());
      expect(delivery).toMatchObject({ delivered: false, refused: false });
      expect(JSON.stringify(delivery)).not.toContain("s3cret");
    });

    test("the caller can give up", async () => {
      const { notifier, hang } = await given();
      const arrived = hang();
      const controller = new AbortController();
      const asked = notifier.notify(notice(), controller.signal);
      await arrived;
      controller.abort(new Error("enough"));
      await expect(asked).rejects.toThrow("enough");
    });
  });
}
