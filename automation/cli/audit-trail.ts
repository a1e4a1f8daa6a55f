/** What a command that changes something leaves in the audit log: a line before it begins, and one when it is over. */
import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { isSecretName, secretsIn, withoutCredentials } from "../../components/shared/literal-secret.ts";
import type { AuditFacts } from "../audit/entry.ts";
import type { AuditLog } from "../audit/log.ts";
import { exitCodes, SwitchyardError } from "../errors.ts";
import { toSwitchyardError } from "./error-output.ts";

/** A command as it was called. */
export interface CommandCall {
  /** `swap start` */
  readonly command: string;
  readonly arguments: readonly string[];
  /** Where secrets may be from, which an argument or a result may repeat. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** Nothing is done unless it could be written that it begins. Errors: audit-damaged, those of the disk and the store, the work's. */
export async function recorded<Result extends object>(
  log: AuditLog,
  call: CommandCall,
  work: () => Promise<Result>,
  warn: (text: string) => void,
): Promise<Result> {
  const facts = factsOf(log, call);
  try {
    await log.append(facts("begun"));
  } catch (error) {
    throw notBegun(call, error);
  }
  const end = async (given: AuditFacts): Promise<void> => {
    try {
      await log.append(given);
    } catch (error) {
      // What was done is done; the log then shows a beginning without an end.
      warn(`the end of this command is not in the audit log. ${toSwitchyardError(error).message}`);
    }
  };
  let result: Result;
  try {
    result = await work();
  } catch (thrown) {
    const { code, exitCode, refused } = toSwitchyardError(thrown);
    await end(facts(refused ? "refused" : "failed", { code, exitCode }));
    throw thrown;
  }
  await end(facts("done", { exitCode: exitCodes.ok, result: resultIds(result) }));
  return result;
}

type Ending = Pick<AuditFacts, "code" | "exitCode" | "result">;

/** Makes the lines of one call. */
export function factsOf(
  log: Pick<AuditLog, "environment">,
  { command, arguments: given, env, now }: CommandCall,
): (phase: AuditFacts["phase"], ending?: Ending) => AuditFacts {
  const run = randomUUID();
  const secrets = secretsIn(env);
  const shared = {
    who: userInfo().username,
    host: hostname(),
    pid: process.pid,
    run,
    command,
    arguments: withoutSecretArguments(given, secrets),
    ...(log.environment === undefined ? {} : { environment: log.environment }),
  };
  return (phase, ending = {}) => ({ at: new Date(now()).toISOString(), ...shared, phase, ...cleaned(ending, secrets) });
}

function cleaned({ result, ...ending }: Ending, secrets: readonly string[]): Ending {
  if (result === undefined) return ending;
  const entries = Object.entries(result).map(([name, value]) => [
    name,
    typeof value === "string" ? withoutSecrets(value, secrets) : value,
  ]);
  return { ...ending, result: Object.fromEntries(entries) };
}

/** The command line without what is a secret by its name, by its form, or because a variable holds it. */
export function withoutSecretArguments(given: readonly string[], secrets: readonly string[]): string[] {
  return given.map((text, index) => {
    const [, name, value] = /^(?:--)?([A-Za-z][\w.-]*)=([\s\S]*)$/.exec(text) ?? [];
    if (name !== undefined && value !== "" && isSecretName(name)) return `${text.slice(0, text.indexOf("="))}=[secret]`;
    const before = given[index - 1] ?? "";
    if (/^--[a-z]/.test(before) && !before.includes("=") && isSecretName(before.slice(2)) && !text.startsWith("--"))
      return "[secret]";
    return withoutSecrets(text, secrets);
  });
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  return withoutCredentials(secrets.reduce((all, secret) => all.replaceAll(secret, "[secret]"), text));
}

/** What names a result. Texts for people and outputs of stacks, which may be anything, are none of it. */
const resultNames = ["id", "stack", "operation", "image", "from", "to", "state", "written", "pid", "stopped"] as const;

function resultIds(result: object): Record<string, string | number | boolean> {
  const given: Readonly<Record<string, unknown>> = { ...result };
  return Object.fromEntries(
    resultNames.flatMap((name) => {
      const value = given[name];
      return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
        ? [[name, value]]
        : [];
    }),
  );
}

function notBegun({ command }: CommandCall, thrown: unknown): SwitchyardError {
  const error = toSwitchyardError(thrown);
  return new SwitchyardError(error.code, {
    message: `${command} was not begun, because that could not be written to the audit log. ${error.message}`,
    next: error.next,
    data: error.data,
    cause: thrown,
  });
}
