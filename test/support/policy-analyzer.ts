/** The policy pack's own process, as the engine starts it, without an engine. */
import { spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { credentials } from "@grpc/grpc-js";
import rpc from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import analyzer from "@pulumi/pulumi/proto/analyzer_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { PolicyRun } from "../../automation/adapters/pulumi-policy.ts";
import type { StatelessReport } from "../../automation/stateless/scan.ts";
import { removeFolder } from "./remove-folder.ts";

export interface DeclaredResource {
  /** Pulumi's token. */
  readonly type: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface Judgement {
  readonly report: StatelessReport | undefined;
  /** Messages for which the engine would refuse the stack. */
  readonly mandatory: readonly string[];
  readonly advisory: readonly string[];
}

export interface PolicyAnalyzer {
  /** All resources of one stack, in the engine's order of questions. */
  judge(resources: readonly DeclaredResource[]): Promise<Judgement>;
  close(): Promise<void>;
}

const folder = join(import.meta.dirname, "../../policy");

export async function startPolicyAnalyzer(): Promise<PolicyAnalyzer> {
  const scratch = await mkdtemp(join(tmpdir(), "switchyard-policy-"));
  const run = await PolicyRun.in(scratch, folder, "corpus");
  const child = spawn(join(folder, "pulumi-analyzer-policy-switchyard"), ["127.0.0.1:0", folder], {
    cwd: folder,
    env: run.environment(process.env),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`The pack ended with code ${code} before it said its port`)));
    child.stdout.setEncoding("utf8").once("data", (text: string) => resolve(text.trim()));
  });
  const client = new rpc.AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const analyze = promisify<analyzer.AnalyzeRequest, analyzer.AnalyzeResponse>(client.analyze.bind(client));
  const analyzeStack = promisify<analyzer.AnalyzeStackRequest, analyzer.AnalyzeResponse>(
    client.analyzeStack.bind(client),
  );
  return {
    async judge(resources) {
      const said: analyzer.AnalyzeDiagnostic[] = [];
      for (const { type, name, properties } of resources) {
        const request = new analyzer.AnalyzeRequest();
        request.setType(type);
        request.setName(name);
        request.setUrn(`urn:pulumi:corpus.local::switchyard::${type}::${name}`);
        request.setProperties(struct.Struct.fromJavaScript(JSON.parse(JSON.stringify(properties))));
        request.setOptions(new analyzer.AnalyzerResourceOptions());
        const provider = new analyzer.AnalyzerProviderResource();
        provider.setType("pulumi:providers:kubernetes");
        provider.setProperties(struct.Struct.fromJavaScript({}));
        request.setProvider(provider);
        said.push(...(await analyze(request)).getDiagnosticsList());
      }
      said.push(...(await analyzeStack(new analyzer.AnalyzeStackRequest())).getDiagnosticsList());
      const ofLevel = (level: analyzer.EnforcementLevel) =>
        said.filter((one) => one.getEnforcementlevel() === level).map((one) => one.getMessage());
      return {
        report: await run.take(),
        mandatory: ofLevel(analyzer.EnforcementLevel.MANDATORY),
        advisory: ofLevel(analyzer.EnforcementLevel.ADVISORY),
      };
    },
    async close() {
      client.close();
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      await removeFolder(scratch);
    },
  };
}
