/** Label selectors as Kubernetes writes them in a query. Pure. */

type Labels = Readonly<Record<string, string>>;

/** Whether labels fit `a=b,c!=d,e,!f,g in (h,i),j notin (k)`. An empty selector fits all. */
export function fits(selector: string, labels: Labels): boolean {
  return requirements(selector).every((one) => meets(one, labels));
}

/** Parts between the commas that stand in no parentheses. */
function requirements(selector: string): readonly string[] {
  return selector
    .split(/,(?![^(]*\))/)
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

function meets(requirement: string, labels: Labels): boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(requirement);
  if (set !== null) {
    const [, name = "", operator, list = ""] = set;
    const value = labels[name];
    const among = value !== undefined && list.split(",").some((one) => one.trim() === value);
    return (operator === "in") === among;
  }
  const equal = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(requirement);
  if (equal !== null) {
    const [, name = "", operator, value = ""] = equal;
    return (operator === "!=") !== (labels[name] === value);
  }
  return requirement.startsWith("!")
    ? labels[requirement.slice(1).trim()] === undefined
    : labels[requirement] !== undefined;
}
