import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { chooseFaults } from "../../../../automation/cli/drill/drill-options.ts";
import { Simulation } from "../../../../automation/cli/drill/simulation.ts";
import type { SimulationPlan } from "../../../../automation/cli/drill/simulation-messages.ts";
import { crashCampaign } from "../../../../automation/drill/crashes.ts";
import { faultCampaign } from "../../../../automation/drill/fault-campaign.ts";
import { until } from "../../../local/daemon/daemon-process.ts";
import { checkout, processesOf } from "../../../support/cli.ts";
import { removeFolder } from "../../../support/remove-folder.ts";

function simulated(plan: SimulationPlan, root = checkout): Simulation {
  const simulation = Simulation.start(root, plan);
  onTestFinished(() => simulation.kill());
  return simulation;
}

/** Of this process's checkout; other checkouts' are theirs. */
const running = async (): Promise<readonly string[]> =>
  (await processesOf(join(checkout, "automation", "cli", "drill"))).filter((name) =>
    name.includes("simulation-process"),
  );

/** A checkout whose simulation is that program. */
async function checkoutWith(program: string): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "switchyard-simulation-"));
  onTestFinished(() => removeFolder(root));
  const folder = join(root, "automation", "cli", "drill");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "simulation-process.ts"), program);
  return root;
}

describe("campaigns in a process of their own", () => {
  test("find what they find in this one, for the same seed, each as soon as it has ended", async () => {
    const crashes = { everywhere: false, crashes: 3 };
    const names = ["two-engines", "candidate-dead"];
    const simulation = simulated({ seed: 7, faults: names, crashes, aa: 0 });
    expect(simulation.faults.settled).toBe(false);
    const { rows } = await simulation.faults.result;
    expect(simulation.faults.settled).toBe(true);
    expect(simulation.crashes.settled).toBe(false);
    const here = await faultCampaign(chooseFaults(names.join()), 7);
    expect(rows).toEqual(JSON.parse(JSON.stringify(here.rows)));
    expect((await simulation.crashes.result).rows).toEqual((await crashCampaign(7, crashes)).rows);
  });

  test("that cannot be carried out say why; the others are played", async () => {
    const simulation = simulated({
      seed: 1,
      faults: ["candidate-ded"],
      crashes: { everywhere: false, crashes: 1 },
      aa: 0,
    });
    await expect(simulation.faults.result).rejects.toMatchObject({
      code: "usage-error",
      message: expect.stringContaining('There is no fault "candidate-ded"'),
    });
    expect((await simulation.crashes.result).rows).toHaveLength(3);
  });

  test("end at once when they are told to, in the middle of a calculation, too", async () => {
    const simulation = simulated({ seed: 1, faults: [], aa: 100_000 });
    await until("it runs", async () => (await running()).length > 0);
    await simulation.kill();
    expect(await running()).toEqual([]);
    await expect(simulation.falseAlarms.result).rejects.toMatchObject({ code: "internal-error" });
  });

  test.each([
    ["ends", 'throw new Error("no memory");', /The simulation ended early: [\s\S]*no memory/],
    ["says something else", 'process.send({ name: "kills" });', /something else than agreed/],
  ])("are broken when their process %s", async (_, program, message) => {
    const simulation = simulated({ seed: 1, faults: [], aa: 1 }, await checkoutWith(program));
    await expect(simulation.falseAlarms.result).rejects.toMatchObject({
      code: "internal-error",
      message: expect.stringMatching(message),
    });
  });
});
