import { describe, expect, it } from "vitest";
import { operatingSystemProcesses as processes } from "../../../automation/adapters/operating-system-processes.ts";

describe("the operating system's processes", () => {
  it("know that this one lives, and that one of its pid with another start does not", async () => {
    const self = await processes.self();
    expect(self.pid).toBe(process.pid);
    expect(await processes.isAlive(self)).toBe(true);
    expect(await processes.isAlive({ ...self, startTime: self.startTime.replace(/.$/, "x") })).toBe(false);
    // Above the highest pid that Linux gives.
    expect(await processes.isAlive({ ...self, pid: 2 ** 22 + 1 })).toBe(false);
  });

  it("know nothing of another machine's, nor of one of the same name or of another container", async () => {
    const self = await processes.self();
    expect(await processes.isAlive({ ...self, host: "elsewhere" })).toBe("unknown");
    expect(await processes.isAlive({ ...self, startTime: `another boot${self.startTime.slice(3)}` })).toBe("unknown");
  });
});
