/** Weights that a person sets by hand, beside any swap. */
import { SwitchyardError } from "../errors.ts";
import type { TrafficRouter, Weights } from "../ports/traffic-router.ts";
import type { Lease } from "../swap/lease.ts";
import { assertNotFenced, describeWeights } from "../swap/perform.ts";
import { sameWeights } from "../swap/state.ts";

/**
 * Writes the weights if the balancer still has those that the person saw; the weights that hold then. Errors: lease-lost
 * (a later lease has written the map, or this one is over), weights-moved-elsewhere, fingerprint-conflict, traffic-*.
 */
export async function setWeights(
  router: TrafficRouter,
  lease: Pick<Lease, "token" | "assertHeld">,
  { seen, wanted, signal }: { readonly seen: Weights; readonly wanted: Weights; readonly signal: AbortSignal },
): Promise<Weights> {
  const current = await router.read(signal);
  assertNotFenced(current, lease.token);
  if (!sameWeights(current.weights, seen)) {
    throw new SwitchyardError("weights-moved-elsewhere", {
      message: `The balancer has ${describeWeights(current.weights)} now; when you were asked it had ${describeWeights(seen)}. Nothing was changed`,
      next: "Look at the weights, then run the command again:   npx switchyard traffic show",
    });
  }
  lease.assertHeld();
  return (await router.write(wanted, current.fingerprint, lease.token, signal)).weights;
}
