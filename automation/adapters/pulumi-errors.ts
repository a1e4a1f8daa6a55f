import { SwitchyardError } from "../errors.ts";
import { PulumiProcessError } from "./pulumi-automation-api.ts";
export function explainPulumiError(error: unknown, ctx: any): unknown {
  if (error instanceof PulumiProcessError) { const t=error.result.stdout+error.result.stderr;
   if (process.env.RECORD) console.log("=====RAW", error.args.join(" "), "code", error.result.code, "cancelled", ctx.cancelled, "\n"+t, JSON.stringify(ctx.events?.errors, null, 1), ctx.events?.failed);
   if (/no stack named/.test(t)) return new SwitchyardError("unknown-stack" as any, {message:t});
  }
  return error;
}
