/** The program of a stack for the plain CLI. Apart from the table of programs, because the SDK takes 0.4 s to load. */
import { RunError } from "@pulumi/pulumi";
import { nearestName } from "../components/shared/nearest-name.ts";
import { type Program, programs, type StackProgram } from "./programs.ts";

/** The stack's name names no program. The engine prints the message without a stack. */
export class UnknownProgramError extends RunError {
  constructor(stack: string) {
    const known = Object.keys(programs);
    const [name = "", environment] = splitStackName(stack);
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? "" : ` Did you mean ${nearest}.${environment ?? "local"}?`;
    super(
      `Stack ${stack} names no program. A stack is called <program>.<environment>; the programs are ${known.join(", ")}.${hint}`,
    );
    this.name = "UnknownProgramError";
  }
}

/** The program of a stack `<program>.<environment>`. Errors: UnknownProgramError. */
export function loadProgram(stack: string): Promise<Program> {
  const [name, environment] = splitStackName(stack);
  if (environment === undefined || !isProgram(name)) throw new UnknownProgramError(stack);
  return programs[name]();
}

function splitStackName(stack: string): [string, string | undefined] {
  const dot = stack.indexOf(".");
  if (dot === -1) return [stack, undefined];
  const environment = stack.slice(dot + 1);
  return [stack.slice(0, dot), environment === "" ? undefined : environment];
}

function isProgram(name: string): name is StackProgram {
  return Object.hasOwn(programs, name);
}
