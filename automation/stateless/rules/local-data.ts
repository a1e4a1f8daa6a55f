/** Databases and sessions in files or in memory, by environment, arguments and configuration. */
import { everywhere, hard, kubernetesOnly, type StatelessRule, warning } from "../rule.ts";
import type { Subject } from "../subject.ts";
import type { Value } from "../value.ts";

/** Names of settings that may say which database is used. Others are not read, so that they may be unknown at preview. */
const databaseNames =
  /DATABASE|(^|[_.-])DB([_.-]|$)|SQL|DSN|DATA_?SOURCE|JDBC|CONN(ECTION)?_?(STR|URL|URI)|(^|[_.-])UR[LI]$|STORAGE|STORE/i;
const filePath = /\.(sqlite3?|db3?|duckdb|mdb)(\?.*)?$/i;

function namesFile(name: string, text: string): boolean {
  if (/^(jdbc:)?(sqlite3?(\+\w+)?|file|h2|hsqldb|derby|duckdb)(:|$)/i.test(text)) {
    return !/^(jdbc:)?h2:(tcp|mem|ssl)|:memory:/i.test(text);
  }
  if (
    /(TYPE|DRIVER|ENGINE|CLIENT|VENDOR|CONNECTION|PROVIDER|DIALECT|BACKEND|(^|_)DB)$/i.test(name) &&
    /sqlite|^(dev-file|h2|bolt|boltdb)$/i.test(text)
  ) {
    return true;
  }
  return filePath.test(text);
}

/** A line of a configuration file; behind a comment's sign it does not count. */
const configuresFile =
  /^[ \t]*[\w.-]*(type|engine|driver|dialect|provider|url|uri|dsn)["']?[ \t]*[=:][ \t]*["']?(jdbc:)?sqlite/im;

const sessionNames = /SESSION/i;
const inMemory = /^(in-?memory|memory|mem|file|files|filesystem|local|array|memorystore|simple)$/i;

/** Settings by name: variables of containers, data of ConfigMaps and Secrets. Secrets' are read and never shown. */
function* settings(subject: Subject): Generator<{ name: string; value: Value; text: () => string }> {
  const { workload, group, kind, object } = subject;
  for (const container of [...(workload?.containers ?? []), ...(workload?.initContainers ?? [])]) {
    for (const { name, value } of container.env) yield { name, value, text: () => value.text ?? "" };
  }
  if (group !== "" || (kind !== "ConfigMap" && kind !== "Secret")) return;
  for (const field of kind === "Secret" ? ["stringData"] : ["data"]) {
    for (const name of object.get(field).keys) {
      const value = object.get(field, name);
      yield { name, value, text: () => value.text ?? "" };
    }
  }
  if (kind !== "Secret") return;
  for (const name of object.get("data").keys) {
    const value = object.get("data", name);
    yield { name, value, text: () => Buffer.from(value.text ?? "", "base64").toString("utf8") };
  }
}

export const localDataRules: readonly StatelessRule[] = [
  hard({
    id: "file-database",
    fix: "Use a database outside the platform.",
    platforms: everywhere,
    look(subject, sight) {
      for (const { name, value, text } of settings(subject)) {
        if (databaseNames.test(name) && namesFile(name, text().trim())) {
          sight(value, `${name} names a database in a file, which is gone with the instance or tied to its disk`);
        }
      }
      if (subject.group === "" && subject.kind === "ConfigMap") {
        const data = subject.object.get("data");
        for (const key of data.keys) {
          const value = data.get(key);
          if (configuresFile.test(value.text ?? "")) sight(value, `${key} configures a database in a file`);
        }
      }
      for (const container of subject.workload?.containers ?? []) {
        for (const word of container.words) {
          const text = word.text ?? "";
          if (
            /(sqlite3?(\+\w+)?:\/|file:\S+\.(db|sqlite)|[=\s]\S+\.sqlite3?(\s|$)|--?(db|database|datastore)([-.]?(path|file|url))?[= ]\S+\.db\b)/i.test(
              text,
            ) ||
            filePath.test(text)
          ) {
            sight(word, "An argument names a database in a file");
          }
        }
      }
    },
  }),
  warning({
    id: "local-sessions",
    class: "session-bound",
    fix: "Keep sessions in a store outside the platform, or in a signed cookie.",
    platforms: everywhere,
    look(subject, sight) {
      for (const { name, value, text } of settings(subject)) {
        if (sessionNames.test(name) && inMemory.test(text().trim())) {
          sight(value, `${name} keeps sessions in the instance, so that a user is logged out by a swap`);
        }
      }
      for (const container of subject.workload?.containers ?? []) {
        for (const word of container.words) {
          if (
            /--?session[-.]?(store|storage|driver|backend)([-.]type)?[= ](in-?memory|memory|file|local)\b/i.test(
              word.text ?? "",
            )
          ) {
            sight(word, "An argument keeps sessions in the instance");
          }
        }
      }
    },
  }),
  warning({
    id: "ordinal-address",
    class: "session-bound",
    fix: "Call the Service's name: every instance must be able to answer.",
    platforms: kubernetesOnly,
    look(subject, sight) {
      const peers = /(^|[/,@\s=])[a-z]([a-z0-9-]*[a-z0-9])?-\d+\.[a-z0-9-]+(-headless|\.[a-z0-9-]+\.svc|-hl|-nodes)\b/;
      const names = /HOST|ADDR|PEER|SERVER|BROKER|URL|URI|ENDPOINT|NODES|SEED|MEMBERS|CLUSTER_(HOSTS|PEERS)|QUORUM/i;
      for (const container of subject.workload?.containers ?? []) {
        for (const { name, value } of container.env) {
          if (names.test(name) && peers.test(value.text ?? "")) sight(value, `${name} calls one replica by its number`);
        }
        for (const word of container.words)
          if (peers.test(word.text ?? "")) sight(word, "An argument calls one replica by its number");
      }
      if (subject.group !== "" || subject.kind !== "Service") return;
      const selector = subject.object.get("spec", "selector", "statefulset.kubernetes.io/pod-name");
      if (selector.exists) sight(selector, "The Service has one replica behind it, by its number");
    },
  }),
];
