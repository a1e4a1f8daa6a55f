/** What an effect found, as changes of state. Pure. */
import { type Ahead, aheadText, countAhead } from "../data-plane/ahead.ts";
import type { ClusterRecord, MergeRequestMark, RunRecord } from "../registry/record.ts";
import type { EventName } from "../registry/state.ts";
import { type BatchView, type Gate, type Move, restarting, type Wait } from "./decide.ts";
import { afterStep, dataPlaneMoved, dataSoakMinutes, hasNext, openRequestOf, requestOf } from "./step.ts";

export interface Outcome {
  readonly moves: readonly Move[];
  readonly waits: readonly Wait[];
}

const minute = 60_000;
const nothing: Outcome = { moves: [], waits: [] };

/** Our merge request was closed, or changed by somebody, or is in a state in which guard waits. */
export type Looked =
  | { readonly kind: "open"; readonly waitsFor: string }
  | { readonly kind: "merged"; readonly landed: string; readonly mergedAt: number }
  | { readonly kind: "closed" }
  /** Somebody changed the branch: what landed is not what was checked. */
  | { readonly kind: "changed"; readonly how: string };

export type Proof =
  | {
      readonly kind: "waiting";
      readonly why: string /** The source has the landed commit. */;
      readonly fetched: boolean;
    }
  | { readonly kind: "proven" }
  | { readonly kind: "failed"; readonly why: string }
  /** Only a person can go on: suspended. */
  | { readonly kind: "person"; readonly why: string };

export interface Judged {
  readonly kind: "passed" | "failed" | "undecided";
  readonly why: string;
  /** Document with the validation. */
  readonly document?: string | undefined;
}

export type Restarted =
  | { readonly kind: "going"; readonly why: string }
  /** A wave just now. */
  | { readonly kind: "restarted"; readonly workloads: readonly string[] }
  | { readonly kind: "done"; readonly rest: readonly string[] }
  | { readonly kind: "failed"; readonly why: string }
  /** A person restarts them. */
  | { readonly kind: "manual"; readonly left: readonly string[] };

export type Checked =
  | {
      readonly kind: "passed";
      readonly baseline: string | undefined /** Document with the evidence. */;
      readonly evidence?: string | undefined;
    }
  | { readonly kind: "refused"; readonly why: string; readonly evidence?: string | undefined };

interface Subject {
  readonly cluster: string;
  readonly run: RunRecord;
}

function subjectOf({ entry, run }: ClusterRecord): Subject | undefined {
  return run === undefined ? undefined : { cluster: entry.clusterId, run };
}

const move = ({ cluster, run }: Subject, event: EventName, change: Partial<RunRecord> = {}, note?: string): Outcome => {
  const { note: _note, ...kept } = run;
  const noted = note === undefined ? {} : { note };
  return { moves: [{ cluster, event, run: { ...kept, ...noted, ...change }, ...noted }], waits: [] };
};

const wait = ({ cluster }: Subject, why: string): Outcome => ({ moves: [], waits: [{ cluster, why }] });

/** The whole goes back. */
function back(subject: Subject, event: EventName, why: string, askedBy: string, now: number): Outcome {
  const moved = dataPlaneMoved(subject.run);
  const rollback = { reason: why, askedBy, askedAt: now, dataPlaneMoved: moved, attempt: 1 };
  return move(subject, event, { rollback }, why);
}

export function afterCheck(record: ClusterRecord, checked: Checked, now: number): Outcome {
  const subject = subjectOf(record);
  if (subject === undefined || record.state !== "pre_check_running") return nothing;
  const evidence = checked.evidence === undefined ? {} : { evidence: checked.evidence };
  if (checked.kind === "refused") {
    const { step } = subject.run;
    if (openRequestOf(record) === undefined)
      return move(subject, "checks_failed", { step: { ...step, ...evidence } }, checked.why);
    const held = `its checks do not pass any more: ${checked.why}`.slice(0, 1_900);
    return move(subject, "recheck_failed", { step: { ...step, checkedAt: now, ...evidence, held } }, held);
  }
  const step = { ...subject.run.step, checkedAt: now, ...evidence };
  const baseline = checked.baseline === undefined ? {} : { baseline: checked.baseline };
  return move(subject, "checks_passed", { step, ...baseline });
}

export function afterOpening(record: ClusterRecord, mark: MergeRequestMark, edits: string): Outcome {
  const subject = subjectOf(record);
  if (subject === undefined || record.state !== "pre_check_passed") return nothing;
  const { held: _held, ...step } = subject.run.step;
  return move(subject, "mr_opened", { step: { ...step, mergeRequest: mark, edits } });
}

/** A merge request that nobody had to make. */
const landedAlready = ({ entry }: ClusterRecord, head: string, at: number): MergeRequestMark => ({
  repository: entry.gitlabRepo,
  branch: "none",
  iid: 0,
  url: "none",
  base: head,
  commit: head,
  landed: head,
  mergedAt: at,
});

/** Git has everything of this step already: what is to be proven is its head. */
export function afterNothingToWrite(record: ClusterRecord, head: string, view: BatchView): Outcome {
  const subject = subjectOf(record);
  if (subject === undefined || record.state !== "pre_check_passed") return nothing;
  const mergeRequest = landedAlready(record, head, view.now);
  return move(subject, "mr_not_needed", { step: { ...subject.run.step, mergeRequest } });
}

/** Only a person can go on. */
export function afterProblem(record: ClusterRecord, why: string): Outcome {
  const subject = subjectOf(record);
  return subject === undefined ? nothing : move(subject, "person_needed", {}, why);
}

export function afterLooking(record: ClusterRecord, looked: Looked, view: BatchView): Outcome {
  const subject = subjectOf(record);
  const mark = subject?.run.step.mergeRequest;
  if (subject === undefined || mark === undefined || record.state !== "mr_created") return nothing;
  const { step } = subject.run;
  switch (looked.kind) {
    case "merged": {
      const landed = { ...mark, landed: looked.landed, mergedAt: looked.mergedAt };
      return move(subject, "mr_merged", { step: { ...step, mergeRequest: landed } });
    }
    case "closed":
      return move(subject, "mr_closed", {}, `merge request !${mark.iid} was closed`);
    case "changed":
      return move(subject, "person_needed", {}, `merge request !${mark.iid}: ${looked.how}`);
    case "open": {
      const age = view.now - (step.checkedAt ?? 0);
      if (age > view.settings.validation.checks_valid_minutes * minute) return move(subject, "checks_expired");
      return wait(subject, `merge request !${mark.iid} ${step.held ?? looked.waitsFor}`);
    }
  }
}

export function afterProof(record: ClusterRecord, proof: Proof, view: BatchView): Outcome {
  const subject = subjectOf(record);
  if (subject === undefined || (record.state !== "mr_merged" && record.state !== "upgrading")) return nothing;
  const since = subject.run.step.mergeRequest?.mergedAt ?? record.since;
  switch (proof.kind) {
    case "failed":
      return back(subject, "sync_failed", proof.why, "guard", view.now);
    case "person":
      return move(subject, "person_needed", {}, proof.why);
    case "proven":
      return move(subject, record.state === "mr_merged" ? "sync_started" : "synced");
    case "waiting": {
      if (view.now - since > view.settings.validation.flux_sync_timeout_minutes * minute)
        return back(subject, "sync_failed", `not applied in time: ${proof.why}`, "guard", view.now);
      if (proof.fetched && record.state === "mr_merged") return move(subject, "sync_started");
      return wait(subject, proof.why);
    }
  }
}

/** Failed ends a soak at any time; passed and undecided count at its end. */
export function afterJudgement(
  record: ClusterRecord,
  gate: Gate,
  ended: boolean,
  judged: Judged,
  view: BatchView,
): Outcome {
  const subject = subjectOf(record);
  if (subject === undefined) return nothing;
  const { run } = subject;
  const document = judged.document === undefined ? {} : { validation: judged.document };
  if (judged.kind === "failed") {
    const rollback = {
      reason: judged.why,
      askedBy: gate === "data-plane" ? "gate B" : "gate A",
      askedAt: view.now,
      dataPlaneMoved: dataPlaneMoved(run),
      attempt: 1,
    };
    return move(subject, "gate_failed", { rollback, ...document }, judged.why);
  }
  if (!ended) return wait(subject, judged.why);
  if (judged.kind === "undecided") {
    if (record.state === "soaking_data_plane" && !hasNext(view.plan, record))
      return move(subject, "data_plane_soak_ended", document);
    if (run.soak?.extended ?? false)
      return move(subject, "person_needed", document, `undecided after an extended soak: ${judged.why}`);
    const length = run.soak === undefined ? 0 : run.soak.endsAt - run.soak.startedAt;
    const startedAt = run.soak?.startedAt ?? view.now;
    return move(subject, "soak_extended", {
      soak: { startedAt, endsAt: view.now + Math.max(length, minute), extended: true },
      ...document,
    });
  }
  if (isStepDone(record, view)) {
    const next = { ...afterStep(run), ...document };
    return { moves: [{ cluster: subject.cluster, event: "next_step_due", run: next }], waits: [] };
  }
  return move(subject, ...passed(record, run, view, document));
}

/** A soak that passed ends this step, and the hop has another. */
function isStepDone(record: ClusterRecord, view: BatchView): boolean {
  // A revision that nothing names yet has no data plane to move.
  if (record.state === "soaking_control_plane") return requestOf(view.plan, record)?.step.kind === "new-revision";
  return record.state === "soaking_data_plane" && hasNext(view.plan, record);
}

function passed(
  record: ClusterRecord,
  run: RunRecord,
  view: BatchView,
  document: Partial<RunRecord>,
): [EventName, Partial<RunRecord>] {
  switch (record.state) {
    case "soaking_control_plane":
      return ["control_plane_soak_passed", { ...restarting(run, view), ...document }];
    case "soaking_data_plane":
      return ["data_plane_soak_ended", document];
    default:
      return ["validated", { ...document, landed: [...run.landed, run.step] }];
  }
}

/** Kept, because the mark on a workload is not safe from other tools. */
const withRestarted = ({ restarted }: RunRecord, more: readonly string[]): Pick<RunRecord, "restarted"> => ({
  restarted: [...new Set([...restarted, ...more])],
});

const wave = (subject: Subject, workloads: readonly string[]): Outcome => {
  const note = `restarted ${workloads.join(", ")}`.slice(0, 1_900);
  const { moves } = move(subject, "workloads_restarted", withRestarted(subject.run, workloads), note);
  return { ...wait(subject, `waits for ${workloads.length} that it restarted`), moves };
};

export function afterRestart(record: ClusterRecord, restarted: Restarted, view: BatchView): Outcome {
  const subject = subjectOf(record);
  const request = requestOf(view.plan, record);
  if (subject === undefined || request === undefined || record.state !== "restarting_data_plane") return nothing;
  switch (restarted.kind) {
    case "failed":
      return back(subject, "restart_failed", restarted.why, "guard", view.now);
    case "manual":
      return wait(subject, `a person restarts ${restarted.left.length}: ${restarted.left.slice(0, 3).join(", ")}`);
    case "going":
      return wait(subject, restarted.why);
    case "restarted":
      return wave(subject, restarted.workloads);
    case "done": {
      const minutes = dataSoakMinutes(request.step, hasNext(view.plan, record), view.settings.validation);
      const soak = { startedAt: view.now, endsAt: view.now + minutes * minute, extended: false };
      const rest = restarted.rest.length === 0 ? undefined : `stays behind: ${restarted.rest.join(", ")}`;
      return move(subject, "data_plane_moved", { soak }, rest);
    }
  }
}

export function afterRollbackOpened(record: ClusterRecord, mark: MergeRequestMark): Outcome {
  const subject = subjectOf(record);
  const rollback = subject?.run.rollback;
  if (subject === undefined || rollback === undefined || record.state !== "rollback_needed") return nothing;
  return move(subject, "rollback_mr_opened", { rollback: { ...rollback, mergeRequest: mark } });
}

/** Nothing of the hop is left in Git: its head is the way back. */
export function afterNothingToTakeBack(record: ClusterRecord, head: string, view: BatchView): Outcome {
  const subject = subjectOf(record);
  const rollback = subject?.run.rollback;
  if (subject === undefined || rollback === undefined || record.state !== "rollback_needed") return nothing;
  return move(subject, "rollback_not_needed", {
    rollback: { ...rollback, mergeRequest: landedAlready(record, head, view.now) },
    restarted: [],
  });
}

export function afterRollbackLook(record: ClusterRecord, looked: Looked): Outcome {
  const subject = subjectOf(record);
  const rollback = subject?.run.rollback;
  const mark = rollback?.mergeRequest;
  if (subject === undefined || rollback === undefined || mark === undefined) return nothing;
  if (record.state !== "rollback_mr_created") return nothing;
  switch (looked.kind) {
    case "merged": {
      const landed = { ...mark, landed: looked.landed, mergedAt: looked.mergedAt };
      return move(subject, "rollback_mr_merged", { rollback: { ...rollback, mergeRequest: landed }, restarted: [] });
    }
    case "closed":
      return move(subject, "mr_closed", {}, `the merge request that goes back, !${mark.iid}, was closed`);
    case "changed":
      return move(subject, "person_needed", {}, `merge request !${mark.iid}: ${looked.how}`);
    case "open":
      return wait(subject, `merge request !${mark.iid} ${looked.waitsFor}`);
  }
}

/** How long the data plane was newer than its control plane, which Istio does not support. */
export interface Skew {
  readonly skewFrom?: number;
  readonly skewTo?: number;
}

/** `ahead`: what is newer than its control plane now. */
export function afterRollbackProof(
  record: ClusterRecord,
  proof: Proof,
  ahead: Ahead,
  restarted: Restarted | undefined,
  skew: Skew,
  view: BatchView,
): Outcome {
  const subject = subjectOf(record);
  const rollback = subject?.run.rollback;
  if (subject === undefined || rollback === undefined || record.state !== "rollback_mr_merged") return nothing;
  if (proof.kind === "failed" || proof.kind === "person") return move(subject, "person_needed", {}, proof.why);
  if (restarted?.kind === "failed") return move(subject, "person_needed", {}, restarted.why);
  const measured = { ...rollback, ...skew };
  // When the window began is kept, whoever goes on from here.
  const begun = rollback.skewFrom === undefined && skew.skewFrom !== undefined;
  const again = restarted?.kind === "restarted" ? restarted.workloads : [];
  if (begun) {
    const kept = { rollback: measured, ...withRestarted(subject.run, again) };
    return move(subject, "skew_seen", kept, `ahead of the control plane: ${aheadText(ahead)}`);
  }
  if (again.length > 0) return wave(subject, again);
  if (proof.kind === "waiting") return wait(subject, proof.why);
  if (countAhead(ahead) > 0 || (restarted !== undefined && restarted.kind !== "done"))
    return wait(
      subject,
      restarted?.kind === "manual"
        ? `a person restarts ${restarted.left.join(", ")}`
        : [
            ...(countAhead(ahead) > 0 ? [`ahead of the control plane: ${aheadText(ahead)}`] : []),
            ...(restarted?.kind === "going" ? [restarted.why] : []),
          ].join("; "),
    );
  const window =
    measured.skewFrom === undefined
      ? undefined
      : `the data plane was ahead of its control plane for ${Math.round(((measured.skewTo ?? view.now) - measured.skewFrom) / 1_000)} s`;
  return move(subject, "rolled_back", { rollback: measured }, window);
}
