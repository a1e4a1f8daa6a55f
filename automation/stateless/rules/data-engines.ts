/** Databases, queues and caches that run on the platform, by image, by operator's resource, by configuration. */
import { everywhere, hard, kubernetesOnly, type StatelessRule, warning } from "../rule.ts";
import type { Container, Subject } from "../subject.ts";
import type { Value } from "../value.ts";

/** Last parts of image names, without tag and digest. Exporters, operators and consoles have other names. */
const engines: ReadonlySet<string> = new Set([
  ...["postgres", "postgresql", "postgresql-repmgr", "postgis", "pgvector", "timescaledb", "timescaledb-ha", "spilo"],
  ...["mysql", "mysql-server", "mariadb", "mariadb-galera", "percona", "percona-server", "percona-xtradb-cluster"],
  ...["mongo", "mongodb", "mongodb-community-server", "percona-server-mongodb", "mssql-server", "server", "oracle-xe"],
  ...["kafka", "kafka-native", "cp-kafka", "cp-server", "redpanda", "zookeeper", "cp-zookeeper", "pulsar", "rabbitmq"],
  ...["activemq", "activemq-artemis", "activemq-classic", "elasticsearch", "opensearch", "solr", "meilisearch"],
  ...["typesense", "cassandra", "scylla", "cockroach", "yugabyte", "tidb", "tikv", "couchdb", "couchbase", "neo4j"],
  ...["arangodb", "rethinkdb", "influxdb", "clickhouse", "clickhouse-server", "questdb", "victoria-metrics"],
  ...["vmstorage", "prometheus", "loki", "tempo", "mimir", "etcd", "consul", "vault", "minio", "seaweedfs", "dgraph"],
  ...["qdrant", "weaviate", "milvus", "chroma", "surrealdb", "foundationdb", "aerospike-server", "hazelcast"],
]);
/** "server" is too common a name; these publishers' is a database. */
const serverPublishers: ReadonlySet<string> = new Set(["couchbase", "mssql"]);
/** They keep data only if they are told to. */
const caches: ReadonlySet<string> = new Set([
  ...["redis", "redis-stack", "redis-stack-server", "redis-cluster", "valkey", "valkey-cluster", "keydb", "dragonfly"],
  ...["memcached", "varnish"],
]);
const clients =
  /(^|[\s/;&|("'])(psql|pg_isready|pg_dump|pg_dumpall|pg_restore|mysqldump|mysqladmin|mariadb-dump|mongosh|mongodump|mongorestore|redis-cli|valkey-cli|kafka-topics(\.sh)?|rabbitmqadmin|etcdctl|promtool|mc|consul-template)(\s|$|["'])/;

/** The image's name without registry, tag and digest, and its publisher. */
function imageName(image: string): { readonly name: string; readonly publisher: string } {
  const parts = image.replace(/@.*$/, "").split("/");
  const name = (parts.at(-1) ?? "").replace(/:.*$/, "");
  return { name: name.toLowerCase(), publisher: parts.at(-2) ?? "" };
}

/** A container that runs the engine's image for its client programs is none. What it runs may not be known, which is told. */
function isClient(container: Container): boolean {
  const { command, words } = container;
  if (container.commandIsUnknown || words.some((word) => word.isUnknown)) return true;
  return command.length > 0 && words.some(({ text }) => clients.test(text ?? ""));
}

/** Cache engines with persistence: append-only file or snapshots, by arguments or the chart's variables. */
function keepsItsData(container: Container): boolean {
  const words = container.words.map(({ text }) => text ?? "").join(" ");
  return (
    /--appendonly\s+yes|appendonly=yes|--save\s+["']?\d|--snapshot_cron/.test(words) ||
    container.env.some(
      ({ name, value }) => /(_AOF_ENABLED|APPENDONLY)$/.test(name) && /^(yes|true)$/.test(value.text ?? ""),
    )
  );
}

type ImageKind = "engine" | "cache" | "none";

function kindOfImage(container: Container): ImageKind {
  const { name, publisher } = imageName(container.value.get("image").text ?? "");
  if (caches.has(name)) return keepsItsData(container) ? "engine" : "cache";
  if (!engines.has(name) || (name === "server" && !serverPublishers.has(publisher))) {
    return name === "nats" &&
      container.words.some(({ text }) => /^(-js|--jetstream|-sd|--store_dir)\b/.test(text ?? ""))
      ? "engine"
      : "none";
  }
  return isClient(container) ? "none" : "engine";
}

function* imagesOf(subject: Subject, kind: ImageKind): Generator<{ image: Value; name: string }> {
  const sidecars = (subject.workload?.initContainers ?? []).filter(
    ({ value }) => value.get("restartPolicy").text === "Always",
  );
  for (const container of [...(subject.workload?.containers ?? []), ...sidecars]) {
    const image = container.value.get("image");
    if (kindOfImage(container) === kind) yield { image, name: imageName(image.text ?? "").name };
  }
}

/** Resources from which an operator makes a data engine, by API group. */
const operatorKinds: Readonly<Record<string, readonly string[]>> = {
  "postgresql.cnpg.io": ["Cluster"],
  "acid.zalan.do": ["postgresql"],
  "postgres-operator.crunchydata.com": ["PostgresCluster"],
  "kafka.strimzi.io": ["Kafka", "KafkaNodePool"],
  "mysql.oracle.com": ["InnoDBCluster"],
  "pxc.percona.com": ["PerconaXtraDBCluster"],
  "psmdb.percona.com": ["PerconaServerMongoDB"],
  "pgv2.percona.com": ["PerconaPGCluster"],
  "k8s.mariadb.com": ["MariaDB"],
  "mariadb.mmontes.io": ["MariaDB"],
  "mongodbcommunity.mongodb.com": ["MongoDBCommunity"],
  "mongodb.com": ["MongoDB"],
  "redis.redis.opstreelabs.in": ["Redis", "RedisCluster", "RedisReplication"],
  "databases.spotahome.com": ["RedisFailover"],
  "rabbitmq.com": ["RabbitmqCluster"],
  "elasticsearch.k8s.elastic.co": ["Elasticsearch"],
  "opensearch.opster.io": ["OpenSearchCluster"],
  "cassandra.datastax.com": ["CassandraDatacenter"],
  "k8ssandra.io": ["K8ssandraCluster"],
  "scylla.scylladb.com": ["ScyllaCluster"],
  "clickhouse.altinity.com": ["ClickHouseInstallation"],
  "crdb.cockroachlabs.com": ["CrdbCluster"],
  "couchbase.com": ["CouchbaseCluster"],
  "minio.min.io": ["Tenant"],
  "monitoring.coreos.com": ["Prometheus", "Alertmanager", "ThanosRuler", "PrometheusAgent"],
  "etcd.database.coreos.com": ["EtcdCluster"],
  "zookeeper.pravega.io": ["ZookeeperCluster"],
  "planetscale.com": ["VitessCluster"],
  "cluster.redpanda.com": ["Redpanda"],
};

/** Services of Google that hold data, by the provider's module. */
const googleData: Readonly<Record<string, string>> = {
  alloydb: "an AlloyDB database",
  bigquery: "a BigQuery data set",
  bigtable: "a Bigtable instance",
  filestore: "a Filestore share",
  firestore: "a Firestore database",
  memcache: "a Memcached instance",
  redis: "a Redis instance",
  spanner: "a Spanner database",
  sql: "a Cloud SQL database",
  storage: "a bucket",
};
/** In these modules, and in compute, only some types hold data; the rest are grants and names. */
const googleDataTypes =
  /^gcp:(alloydb\/(cluster|instance)|bigquery\/(dataset|table)|bigtable\/(instance|table)|filestore\/instance|firestore\/database|memcache\/instance|redis\/(instance|cluster)|spanner\/(instance|database)|sql\/(database|databaseInstance)|storage\/bucket):/;
const googleDisks = /^gcp:compute\/(disk|regionDisk|instance|instanceTemplate|attachedDisk):/;

/** The same, asked for through Config Connector. */
const connectorGroup =
  /^(alloydb|bigquery|bigtable|compute|filestore|firestore|memcache|redis|spanner|sql|storage)\.cnrm\.cloud\.google\.com$/;
const connectorKinds =
  /^(AlloyDBCluster|AlloyDBInstance|BigQueryDataset|BigQueryTable|BigtableInstance|BigtableTable|ComputeDisk|ComputeInstance|FilestoreInstance|FirestoreDatabase|MemcacheInstance|RedisCluster|RedisInstance|SpannerDatabase|SpannerInstance|SQLDatabase|SQLInstance|StorageBucket)$/;

const elsewhere = "Run it outside the platform, as a managed service or in a stack that no swap removes.";

export const dataEngineRules: readonly StatelessRule[] = [
  hard({
    id: "data-engine-image",
    fix: elsewhere,
    platforms: everywhere,
    look(subject, sight) {
      for (const { image, name } of imagesOf(subject, "engine")) {
        sight(image, `The container runs ${name}, which keeps data`);
      }
    },
  }),
  warning({
    id: "cache-engine-image",
    class: "cache-only",
    fix: "Run the cache outside the platform, so that both sides of a swap share it.",
    platforms: everywhere,
    look(subject, sight) {
      for (const { image, name } of imagesOf(subject, "cache")) {
        sight(image, `The container runs ${name} without persistence: after a swap the cache is empty`);
      }
    },
  }),
  hard({
    id: "data-engine-configuration",
    fix: elsewhere,
    platforms: kubernetesOnly,
    look({ group, kind, object }, sight) {
      if (group !== "" || kind !== "ConfigMap") return;
      const data = object.get("data");
      for (const key of data.keys) {
        const value = data.get(key);
        if (/^\s*appendonly\s+yes\b/m.test(value.text ?? "")) sight(value, `${key} switches an append-only file on`);
        if (/^\s*jetstream\s*:?\s*(\{|enabled)/im.test(value.text ?? ""))
          sight(value, `${key} switches JetStream's store on`);
      }
    },
  }),
  hard({
    id: "data-operator-resource",
    fix: elsewhere,
    platforms: kubernetesOnly,
    forbids: Object.values(operatorKinds).flat(),
    look({ group, kind, object }, sight) {
      if (group !== undefined && operatorKinds[group]?.includes(kind)) {
        sight(object, `An operator makes a data engine with disks from this ${kind}`);
      }
    },
  }),
  hard({
    id: "data-in-the-stack",
    fix: "Declare it in a stack of its own: a swap ends with taking the old platform's stack away.",
    platforms: everywhere,
    look({ group, kind, object }, sight) {
      if (group !== undefined) {
        if (connectorGroup.test(group) && connectorKinds.test(kind))
          sight(object, `The stack asks for a ${kind} of Google`);
        return;
      }
      const service = googleData[/^gcp:(\w+)\//.exec(kind)?.[1] ?? ""];
      if (googleDataTypes.test(kind) && service !== undefined) sight(object, `The stack holds ${service}`);
      if (googleDisks.test(kind)) sight(object, "The stack holds a machine or a disk");
    },
  }),
];
