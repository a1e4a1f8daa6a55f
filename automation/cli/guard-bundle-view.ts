/** A failure as people read it: the document has more than fits. */
import type { Bundle } from "../guard/bundle/document.ts";
import type { Advice } from "../guard/run/failure.ts";
import { label } from "./progress.ts";
import { plural } from "./text.ts";

export interface FailureView {
  readonly cluster: string;
  /** Of the document. */
  readonly name: string;
  readonly bundle: Bundle;
  /** undefined: nobody was asked, or nobody answered. */
  readonly advice: Advice | undefined;
}

const most = { events: 10, logLines: 10 };

export function describeFailure({ cluster, name, bundle, advice }: FailureView): readonly string[] {
  const { events, logs, conditions, series, problems, leftOut } = bundle;
  return [
    `${bundle.cluster}, ${bundle.at}: ${bundle.reason}`,
    ...(cluster === bundle.cluster ? [] : [`${cluster} went back with it.`]),
    label("Document", name),
    "",
    ...conditions.flatMap((one) => one.conditions.map((said) => `${one.subject}: ${said}`)),
    ...events
      .slice(0, most.events)
      .map(({ at, type, reason, subject, message }) => `${at} ${type} ${reason} ${subject}: ${message}`),
    ...(events.length > most.events ? [`and ${plural(events.length - most.events, "older event")}`] : []),
    ...logs.flatMap(({ pod, container, text }) => {
      const lines = text.split("\n").filter((line) => line !== "");
      return ["", `${pod}, ${container}, the last of ${plural(lines.length, "line")}:`, ...lines.slice(-most.logLines)];
    }),
    "",
    `The series (${series.length}) and the whole document are in --json.`,
    ...problems.map((one) => `Not read: ${one}`),
    ...leftOut.map((one) => `Left out for the size: ${one}`),
    ...(advice === undefined ? [] : adviceLines(advice)),
  ];
}

const adviceLines = ({ model, report }: Advice): readonly string[] => [
  "",
  `Advice of ${model}, confidence ${report.confidence}; a person decides:`,
  report.summary,
  `Likely cause: ${report.likely_cause}`,
  ...report.evidence.map((one) => `- speaks for it: ${one}`),
  ...report.next_steps.map((one, index) => `${index + 1}. ${one}`),
];
