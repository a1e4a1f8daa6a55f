import { Metadata, type ServerErrorResponse, status } from "@grpc/grpc-js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import rpcStatus from "@pulumi/pulumi/proto/status_pb.js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import { type DiffResult, differencePath } from "./diff.ts";
import { UnreadyError } from "./operations.ts";
import { encode, formatPath } from "./properties.ts";
import type { CheckFailure } from "./resource-type.ts";

const { PropertyDiff, DiffResponse } = provider;

/** Failures of a function's arguments. */
export function failureList(failures: readonly CheckFailure[]): provider.CheckFailure[] {
  return failures.map((failure) => failureMessage(failure.property, failure.reason));
}

/**
 * Failures of a resource's inputs. The path goes into the reason: with a property of its own the engine would print that
 * property's value, and it looks for it among the top-level names only.
 */
export function checkFailureList(failures: readonly CheckFailure[]): provider.CheckFailure[] {
  return failures.map(({ property, reason }) =>
    failureMessage("", property === "" ? reason : `${property}: ${reason}`),
  );
}

function failureMessage(property: string, reason: string): provider.CheckFailure {
  const message = new provider.CheckFailure();
  message.setProperty(property);
  message.setReason(reason);
  return message;
}

const kinds = {
  add: [PropertyDiff.Kind.ADD, PropertyDiff.Kind.ADD_REPLACE],
  delete: [PropertyDiff.Kind.DELETE, PropertyDiff.Kind.DELETE_REPLACE],
  update: [PropertyDiff.Kind.UPDATE, PropertyDiff.Kind.UPDATE_REPLACE],
} as const;

/** The engine's form of a difference of inputs. */
export function diffResponse(result: DiffResult): provider.DiffResponse {
  const response = new DiffResponse();
  const some = result.differences.length > 0;
  response.setChanges(some ? DiffResponse.DiffChanges.DIFF_SOME : DiffResponse.DiffChanges.DIFF_NONE);
  response.setDeletebeforereplace(result.deleteBeforeReplace);
  response.setHasdetaileddiff(true);
  const topLevel = new Set<string>();
  const replacing = new Set<string>();
  for (const difference of result.differences) {
    const key = formatPath(difference.path.slice(0, 1));
    topLevel.add(key);
    if (difference.replaces) replacing.add(key);
    const detail = new PropertyDiff();
    detail.setKind(kinds[difference.kind][difference.replaces ? 1 : 0]);
    detail.setInputdiff(true);
    response.getDetaileddiffMap().set(differencePath(difference), detail);
  }
  response.setDiffsList([...topLevel]);
  response.setReplacesList([...replacing]);
  return response;
}

/** The gRPC form of a failed operation. A resource that exists but is not ready travels in the status details. */
export function errorReply(error: unknown): Partial<ServerErrorResponse> {
  const message = messageOf(error);
  if (!(error instanceof UnreadyError)) return { code: status.FAILED_PRECONDITION, details: message };
  const detail = new provider.ErrorResourceInitFailed();
  detail.setId(error.resource.id);
  detail.setProperties(encode(error.resource.outputs));
  detail.setInputs(encode(error.resource.inputs));
  detail.setReasonsList([...error.reasons]);
  const packed = new any.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const reply = new rpcStatus.Status();
  reply.setCode(status.UNKNOWN);
  reply.setMessage(message);
  reply.addDetails(packed);
  const metadata = new Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(reply.serializeBinary()));
  return { code: status.UNKNOWN, details: message, metadata };
}

/** The message with those of its causes, which say why. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? messageOf(error.cause) : undefined;
  return cause === undefined || error.message.includes(cause) ? error.message : `${error.message}: ${cause}`;
}
