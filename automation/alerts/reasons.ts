/** Why a notice is sent or not: the key for machines, the sentence for people. */
export const alertReasons = {
  new: "it is new",
  "back-again": "it had ended and is back",
  "still-there": "it came again after the de-duplication window",
  worse: "its severity rose",
  "not-ended": "nobody has ended it in time",
  reminder: "it has not ended",
  "silence-over": "its silence is over and it has not ended",
  flapping: "it comes and goes; it is not told again until it keeps still",
  over: "it is over",
  "kept-still": "it has kept still since it last ended",
  "known-already": "it is known already",
  "told-already": "it was told within the de-duplication window",
  "silenced-by-person": "a silence holds",
  "while-flapping": "it flaps, and people know",
  "nothing-open": "nothing of the kind is open",
  "not-due": "nothing is due",
} as const;

export type AlertReason = keyof typeof alertReasons;
