// An addon that was built where clang, bpftool or libbpf were missing.
import { expect, test } from "vitest";
import { openCapture } from "../../../../services/providers/linux/capture/open-capture.js";
import { ErrorReason, errorDetailOf } from "../../../../services/shared/errors.js";

test("with a simulated addon without capture, opening one is UNSUPPORTED and names the packages and the way", async () => {
  const refused = await openCapture({}, { kinds: ["exec"] }).catch((error: unknown) => error);
  expect(errorDetailOf(refused)).toMatchObject({
    reason: ErrorReason.UNSUPPORTED,
    metadata: { operation: "capture", needs: "clang,bpftool,libbpf-dev" },
  });
  expect((refused as Error).message).toContain("apt-get install clang bpftool libbpf-dev");
});
