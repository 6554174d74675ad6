import { spawnSync } from "node:child_process";
import { findOrInstall, firstOf, inPath } from "./find-or-install.ts";

const PACKAGES = ["python3-numpy", "python3-onnx", "python3-torch", "libopenblas0-pthread"];

/** `MINIVAULT_PYTHON`, else a system's that has PyTorch; where there is none, Debian's packages are installed. */
export function findPython(): string {
  const variable = "MINIVAULT_PYTHON";
  return findOrInstall({
    name: "Python with PyTorch and ONNX",
    variable,
    packages: PACKAGES,
    find: () =>
      // The system's own comes first: another one in `PATH` does not see its packages.
      [firstOf(variable, ["/usr/bin/python3"]), inPath("python3")].find((path) => path && canTrain(path)),
  });
}

const canTrain = (python: string): boolean =>
  spawnSync(python, ["-c", "import numpy, onnx, torch"], { stdio: "ignore" }).status === 0;
