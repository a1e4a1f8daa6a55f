/** The name of a version of a secret in Secret Manager. */
export interface SecretVersion {
  readonly project: string;
  readonly secret: string;
  /** A number, or latest. */
  readonly version: string;
}

const secretVersion =
  /^projects\/([a-z0-9][a-z0-9.:-]{1,98})\/secrets\/([A-Za-z0-9_-]{1,255})\/versions\/(latest|[1-9]\d*)$/;

export const secretForm = "projects/PROJECT/secrets/SECRET/versions/VERSION, VERSION a number or latest";

/** undefined for what is no reference. */
export function parseSecretVersion(text: string): SecretVersion | undefined {
  const [, project, secret, version] = secretVersion.exec(text) ?? [];
  return project === undefined || secret === undefined || version === undefined
    ? undefined
    : { project, secret, version };
}
