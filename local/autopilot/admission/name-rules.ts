import type { FieldError } from "../kubernetes-error.ts";
import { invalidValue, required } from "../kubernetes-error.ts";
import type { Kind } from "../objects/kinds.ts";
import { NAMESPACE, SERVICE } from "../objects/kinds.ts";

/** An RFC 1123 label. */
export const LABEL_PATTERN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SERVICE_NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

/** The API server's rules for metadata.name of that kind. */
export function nameErrors(kind: Kind, name: string): FieldError[] {
  const path = "metadata.name";
  if (name === "") {
    return [required(path, "name or generateName is required")];
  }
  const [pattern, longest, text] =
    kind === SERVICE
      ? [
          SERVICE_NAME,
          63,
          "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
        ]
      : kind === NAMESPACE
        ? [
            LABEL_PATTERN,
            63,
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
          ]
        : [
            SUBDOMAIN,
            253,
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
          ];
  const errors = pattern.test(name) ? [] : [invalidValue(path, name, text)];
  return name.length > longest
    ? [...errors, invalidValue(path, name, `must be no more than ${longest} bytes`)]
    : errors;
}

export function labelErrors(labels: Readonly<Record<string, string>>, path: string): FieldError[] {
  return Object.values(labels)
    .filter((value) => !LABEL_VALUE.test(value) || value.length > 63)
    .map((value) =>
      invalidValue(
        path,
        value,
        value.length > 63
          ? "must be no more than 63 bytes"
          : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      ),
    );
}
