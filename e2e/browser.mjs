// Chromium, watched: what a page must never do fails the story that made it.
import { readFileSync, mkdirSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const SCRIPT_MAX = 150 * 1024;
const shots = process.env.E2E_SHOTS;

export const sizes = { desk: { width: 1360, height: 900 }, phone: { width: 390, height: 844 } };

export const launch = () => {
  const path = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const executablePath = process.env.CHROMIUM ?? path.find((p) => { try { return readFileSync(p, { flag: "r" }).length >= 0; } catch { return false; } });
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
};

/** Somebody with a browser: a context of its own, whose every page is watched. */
export const person = async (browser, origin, { size = "desk", scheme = "light", lang = "en", script = true } = {}) => {
  const context = await browser.newContext({
    baseURL: origin,
    viewport: sizes[size],
    colorScheme: scheme,
    locale: lang === "zh" ? "zh-CN" : "en-GB",
    javaScriptEnabled: script,
    // The page's policy is under test, so axe comes by another door.
    bypassCSP: false,
    deviceScaleFactor: 1,
    hasTouch: size === "phone",
  });
  const complaints = [];
  const allowed = new Set([new URL(origin).host]);
  const expected = [];
  context.on("page", (page) => {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(`console ${message.type()} on ${page.url()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => complaints.push(`script failed on ${page.url()}: ${error}`));
    page.on("requestfailed", (request) => {
      const failure = request.failure()?.errorText ?? "";
      if (failure !== "net::ERR_ABORTED") complaints.push(`request failed: ${request.url()} ${failure}`);
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (["http:", "https:", "ws:", "wss:"].includes(url.protocol) && !allowed.has(url.host)) complaints.push(`third party: ${request.url()}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400 && !expected.some((path) => response.url().includes(path))) complaints.push(`${response.status()} ${response.url()}`);
    });
  });
  const page = await context.newPage();
  const me = { context, page, complaints, allowed, expected, size, scheme, lang };
  // While the design is worked on: style and scripts from the working tree instead of the binary.
  if (process.env.E2E_STATIC) {
    await context.route("**/static/*.{css,js}", (route) => {
      const name = new URL(route.request().url()).pathname.split("/").pop();
      return name === "htmx.js" ? route.continue() : route.fulfill({ path: join(process.env.E2E_STATIC, name) });
    });
  }
  me.check = () => { if (complaints.length) throw new Error(complaints.splice(0).join("\n")); };
  return me;
};

let number = 0;
const stories = basename(process.argv[1] ?? "", ".mjs");

/** Looks at a page as it stands: nothing complained, axe finds nothing, not too much script; and a picture of it. What is found is
 *  said all at once, when the story is over. */
export const look = async (me, name, { full = true } = {}) => {
  const { page } = me;
  await page.waitForLoadState("networkidle").catch(() => {});
  // Through the protocol, which the page's policy does not bind.
  const protocol = await me.context.newCDPSession(page);
  const run = `${axe}; axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.map((v) => ({ id: v.id, help: v.help, where: v.nodes.map((n) => n.target.join(" ") + ": " + n.failureSummary) })))`;
  const { result, exceptionDetails } = await protocol.send("Runtime.evaluate", { expression: run, awaitPromise: true, returnByValue: true });
  await protocol.detach();
  if (exceptionDetails) throw new Error(`axe on ${name}: ${JSON.stringify(exceptionDetails)}`);
  const found = result.value;
  if (found.length) me.complaints.push(`axe on ${name} (${page.url()}): ${JSON.stringify(found, null, 1)}`);
  const script = await page.evaluate(() => performance.getEntriesByType("resource").filter((r) => r.initiatorType === "script").reduce((sum, r) => sum + r.decodedBodySize, 0));
  if (script > SCRIPT_MAX) me.complaints.push(`${name} has ${script} bytes of script`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) me.complaints.push(`${name} is ${wide} px wider than a ${me.size}`);
  if (shots) {
    mkdirSync(shots, { recursive: true });
    number += 1;
    const file = `${stories}-${String(number).padStart(3, "0")}-${name}-${me.lang}-${me.size}-${me.scheme}.png`;
    await page.screenshot({ path: join(shots, file), fullPage: full });
  }
};

export const shotCount = () => (shots ? readdirSync(shots).length : 0);
