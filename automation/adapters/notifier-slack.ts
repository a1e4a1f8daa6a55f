/** Slack, by an incoming webhook: blocks, and a plain text for notifications and screen readers. */
import type { Notice, NoticeKind, Notifier } from "../ports/notifier.ts";
import { type NotifierTiming, postNotice } from "./notifier-request.ts";

/** Slack takes 3,000 characters in a section and 150 in a header. */
const sectionMost = 2_900;

export interface SlackOptions extends NotifierTiming {
  readonly url: URL;
}

export function createSlackNotifier({ url, ...timing }: SlackOptions): Notifier {
  return {
    description: `Slack at ${url.host}`,
    notify: (notice, signal) => postNotice({ url, body: JSON.stringify(slackMessage(notice)) }, timing, signal),
  };
}

const marks: Readonly<Record<Notice["alert"]["severity"], string>> = {
  info: ":information_source:",
  warning: ":warning:",
  critical: ":rotating_light:",
};

const words: Readonly<Record<NoticeKind, string>> = {
  raise: "",
  repeat: "Still: ",
  escalate: "Escalated: ",
  resolve: "Over: ",
};

function slackMessage({ kind, why, alert, momentary }: Notice) {
  const { severity, title, detail, next, environment, platform, swap, code, dedupKey, at } = alert;
  const head = `${words[kind]}${title}`;
  const facts = [
    `*${severity}*`,
    `\`${escaped(code)}\``,
    `environment ${environment}`,
    ...(platform === undefined ? [] : [`platform ${platform}`]),
    ...(swap === undefined ? [] : [`swap ${swap}`]),
    new Date(at).toISOString(),
    why,
    ...(momentary ? ["nothing stays open"] : []),
  ];
  const mark = kind === "resolve" ? ":white_check_mark:" : marks[severity];
  const steps = kind === "resolve" ? [] : next;
  return {
    text: `[${kind === "resolve" ? "over" : severity}] ${escaped(head)}`,
    blocks: [
      section(`${mark} *${escaped(head)}*${detail === "" ? "" : `\n${escaped(detail)}`}`),
      ...(steps.length === 0 ? [] : [section(steps.map((line) => `• ${escaped(line)}`).join("\n"))]),
      {
        type: "context",
        elements: [{ type: "mrkdwn", text: `${facts.join(" · ")}\n${escaped(dedupKey)}`.slice(0, sectionMost) }],
      },
    ],
  };
}

function section(text: string) {
  return { type: "section", text: { type: "mrkdwn", text: text.slice(0, sectionMost) } };
}

/** Slack reads these three as its own. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
