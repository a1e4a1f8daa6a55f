import { expect, test } from "vitest";
import { checkImage } from "../../../components/shared/images.ts";

const digest = `sha256:${"0a".repeat(32)}`;

test("images with tag or digest are taken", () => {
  for (const image of [
    `kiro@${digest}`,
    `services/kiro@${digest}`,
    "us-central1-docker.pkg.dev/my-project/agents/kiro:1.2.0",
    `localhost:5000/kiro:v1@${digest}`,
    "kiro:0",
  ]) {
    expect(checkImage("image", image), image).toEqual([]);
  }
});

test("others are refused with path and form", () => {
  for (const image of [
    "kiro",
    "localhost:5000/kiro",
    "Kiro:1",
    "kiro:1 ",
    "kiro@sha256:12",
    "",
    "kiro:",
    "-a:1",
    "a//b:1",
  ]) {
    expect(checkImage("image", image), image).toEqual([
      { path: "image", value: image, allowed: expect.stringContaining("switchyard image build") },
    ]);
  }
});
