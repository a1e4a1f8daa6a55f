import type { Notice } from "../../automation/ports/notifier.ts";

/** What an alert target is told in tests. */
export const notice: Notice = {
  id: "1",
  kind: "raise",
  why: "first seen",
  momentary: false,
  alert: {
    dedupKey: "a",
    code: "swap-failed",
    severity: "critical",
    title: "A swap failed",
    detail: "",
    next: [],
    environment: "local",
    at: 0,
  },
};
