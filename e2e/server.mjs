// The binary under test, with the demo world, in a folder of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const secondme = async (binary, modelUrl, { demo = true, env: more = {} } = {}) => {
  const data = mkdtempSync(join(tmpdir(), "secondme-e2e-"));
  const env = {
    ...process.env,
    SECONDME_LOG__FILTER: "warn",
    SECONDME_MODELS__NANO__KIND: "openai",
    SECONDME_MODELS__NANO__BASE_URL: modelUrl,
    SECONDME_MODELS__NANO__MODEL: "played",
    SECONDME_LEARNING__QUIET_SECONDS: "1",
    // Speaks at once, without words.
    SECONDME_SPEECH__KIND: "hum",
    ...more,
  };
  const child = spawn(binary, ["--data-dir", data, "serve", ...(demo ? ["--demo"] : []), "--listen", "127.0.0.1:0"], { env, cwd: data });
  let said = "";
  child.stderr.on("data", (text) => { said += text; });
  const url = await new Promise((ready, failed) => {
    let out = "";
    child.stdout.on("data", (text) => {
      out += text;
      const found = /SecondMe is ready: (\S+)/.exec(out);
      if (found) ready(found[1]);
    });
    child.on("exit", (code) => failed(new Error(`the server ended with ${code}: ${out}${said}`)));
  });
  const stop = async () => {
    const gone = new Promise((done) => child.on("exit", done));
    child.kill("SIGTERM");
    await gone;
    rmSync(data, { recursive: true, force: true });
  };
  return { url, data, stop, log: () => said };
};
