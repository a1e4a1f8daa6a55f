import { randomFillSync } from "node:crypto";

/** Random numbers for trace identifiers. */
export interface TraceIds {
  /** 32 lower-case hexadecimal digits, not all zero. */
  trace(): string;
  /** 1 to 2^30 - 1: unique enough within one trace, and numbers of this size print thirty times faster than larger ones. */
  span(): number;
}

/** Identifiers from the system's generator, in batches since one call costs more than the rest of a request's head. */
export function createTraceIds(fill: (pool: Buffer) => void = randomFillSync): TraceIds {
  const pool = Buffer.allocUnsafeSlow(4096);
  let offset = pool.length;
  const take = (bytes: number): number => {
    if (offset + bytes > pool.length) {
      fill(pool);
      offset = 0;
    }
    offset += bytes;
    return offset - bytes;
  };
  const trace = (): string => {
    const from = take(16);
    const id = pool.toString("hex", from, from + 16);
    return id === zeroTrace ? `${id.slice(1)}1` : id;
  };
  return {
    trace,
    span: () => {
      const from = take(4);
      return pool.readUInt32LE(from) & 0x3fff_ffff || 1;
    },
  };
}

const zeroTrace = "0".repeat(32);
const traceparentForm = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/;
const cloudTraceForm = /^([\da-f]{32})(?:\/(\d{1,20}))?(?:;o=([0-3]))?$/i;
const largestSpan = 0xffff_ffff_ffff_ffffn;

/** The two trace headers of a request. */
export interface TraceHeaders {
  readonly traceparent: string;
  /** x-cloud-trace-context: TRACE/SPAN;o=0|1, the span in decimal. */
  readonly cloudTrace: string;
}

/** Both trace headers: kept where the client sent a valid one, made from the other where it did not, else new and unsampled. */
export function traceHeaders(
  traceparent: string | undefined,
  cloudTrace: string | undefined,
  ids: TraceIds,
): TraceHeaders {
  const parent = traceparent === undefined ? null : traceparentForm.exec(traceparent);
  const cloud = cloudTrace === undefined ? null : validCloudTrace(cloudTrace);
  if (parent !== null && traceparent !== undefined) {
    if (cloud !== null && cloudTrace !== undefined) return { traceparent, cloudTrace };
    const [, trace = "", span = "0", flags = "00"] = parent;
    return { traceparent, cloudTrace: `${trace}/${BigInt(`0x${span}`)};o=${Number.parseInt(flags, 16) & 1}` };
  }
  if (cloud !== null && cloudTrace !== undefined) {
    const span = cloud.span === 0n ? BigInt(ids.span()) : cloud.span;
    const hex = span.toString(16).padStart(16, "0");
    return { cloudTrace, traceparent: `00-${cloud.trace}-${hex}-0${cloud.sampled ? 1 : 0}` };
  }
  const trace = ids.trace();
  const span = ids.span();
  return { traceparent: `00-${trace}-${span.toString(16).padStart(16, "0")}-00`, cloudTrace: `${trace}/${span};o=0` };
}

function validCloudTrace(value: string): { trace: string; span: bigint; sampled: boolean } | null {
  const found = cloudTraceForm.exec(value);
  if (found === null) return null;
  const [, trace = "", decimal = "0", options = "0"] = found;
  const span = BigInt(decimal);
  if (trace === zeroTrace || span > largestSpan) return null;
  return { trace: trace.toLowerCase(), span, sampled: (Number(options) & 1) === 1 };
}
