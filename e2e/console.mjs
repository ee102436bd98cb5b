// The developer console, the operator's pages and the first run, in a real browser. Looked at as in stories.mjs.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { launch, look, person } from "./browser.mjs";
import { model } from "./model.mjs";
import { secondme } from "./server.mjs";

const binary = process.env.SECONDME_BIN;
let played, server, browser, receiver;

/** Takes webhooks; answers 500 to the first, so that there is something to send again. */
const receiving = () => new Promise((ready) => {
  const seen = [];
  const http = createServer((request, response) => {
    request.on("data", () => {}).on("end", () => {
      seen.push(request.headers);
      response.writeHead(seen.length === 1 ? 500 : 200).end("seen");
    });
  });
  http.listen(0, "127.0.0.1", () => ready({ seen, url: `http://127.0.0.1:${http.address().port}/hook`, stop: () => http.close() }));
});

before(async () => {
  assert.ok(binary, "SECONDME_BIN names the binary under test");
  played = await model();
  server = await secondme(binary, played.url, { env: { SECONDME_WEBHOOKS__ALLOW_PRIVATE: "true" } });
  execFileSync(binary, ["--data-dir", server.data, "user", "operator", "--email", "ada@demo.local"], { cwd: server.data });
  browser = await launch();
  receiver = await receiving();
});

after(async () => {
  await browser?.close();
  receiver?.stop();
  await server?.stop();
  played?.stop();
});

const signIn = async (me, email) => {
  await me.page.goto("/login");
  await me.page.fill("#email", email);
  await me.page.fill("#password", "demo-password");
  await me.page.click("main button.primary");
  await me.page.waitForURL("**/home");
};

const views = [
  { lang: "en", scheme: "light", size: "desk" },
  { lang: "zh", scheme: "dark", size: "phone" },
];

for (const view of views) {
  const words = (en, zh) => (view.lang === "zh" ? zh : en);

  test(`an app from its first form to its last request (${view.lang}, ${view.size})`, { timeout: 180_000 }, async () => {
    const me = await person(browser, server.url, view);
    const { page } = me;
    await signIn(me, view.lang === "zh" ? "lin@demo.local" : "ada@demo.local");
    await page.goto("/developer");
    await look(me, "developer");
    await page.goto("/developer/new");
    await look(me, "developer-new");
    await page.fill("#name", "Bakery");
    await page.fill("#description", "Orders bread before you are hungry.");
    await page.click("main form button.primary");
    await page.waitForSelector("#client-secret");
    await look(me, "developer-secret");
    await page.click("a.button.primary");
    await page.waitForURL("**/start");
    await look(me, "developer-start");
    const app = new URL(page.url()).pathname.split("/")[3];

    // A webhook: its secret once, a test that fails, another that arrives.
    await page.goto(`/developer/apps/${app}/webhook`);
    await look(me, "developer-webhook-empty");
    await page.fill("#url", receiver.url);
    await page.check("[name=enabled]");
    await page.click(`form[action='/developer/apps/${app}/webhook'] button.primary`);
    await page.waitForSelector("#whs");
    await look(me, "developer-webhook-secret");
    await page.click("form[action$='/webhook/test'] button");
    await page.waitForSelector(".flash");
    await look(me, "developer-delivery");
    await page.click("form[action$='/webhook/test'] button");
    await page.waitForSelector(".flash.good");
    assert.ok(receiver.seen.at(-1)["x-secondme-signature"].startsWith("sha256="));
    await page.goto(`/developer/apps/${app}/webhook`);
    await look(me, "developer-webhook");

    // Every endpoint has a form; one is sent, and its answer is a stream.
    await page.goto("/developer/try");
    await look(me, "developer-try-list");
    await page.goto("/developer/try/post-gate-lab-api-secondme-chat-stream");
    await page.selectOption("select[name=app_id]", app);
    await page.click("form[action$='/token'] button");
    await page.waitForFunction(() => document.getElementById("token").value.startsWith("lba_at_"));
    await page.fill("#body", JSON.stringify({ message: "Hello" }));
    await page.click("#send");
    await page.waitForFunction(() => document.getElementById("output").textContent.includes("[DONE]"), null, { timeout: 30_000 });
    await look(me, "developer-try");
    const token = await page.inputValue("#token");
    me.expected.push("/note/list");
    await page.goto("/developer/try/post-gate-lab-api-secondme-note-list");
    await page.fill("#token", token);
    await page.click("#send");
    await page.waitForFunction(() => document.getElementById("output").textContent.includes("subCode"));
    me.complaints.splice(0, me.complaints.length, ...me.complaints.filter((text) => !text.includes("403")));
    await look(me, "developer-try-refused");

    // What was asked stands in the inspector, and says what to do.
    await page.goto(`/developer/apps/${app}/requests`);
    await look(me, "developer-requests");
    await page.click("tr:has(.badge.bad) a");
    await page.waitForSelector("#curl");
    assert.match(await page.textContent("#curl"), /\$TOKEN/);
    await look(me, "developer-request");
    await page.goto("/developer/tokens");
    await page.fill("#token", token);
    await page.click("form[action='/developer/tokens'] button.primary");
    await page.waitForSelector(".facts");
    await look(me, "developer-token");

    await page.goto(`/developer/apps/${app}`);
    await look(me, "developer-settings");
    await page.click("details.danger summary");
    await page.click("button.danger");
    await page.waitForURL("**/developer");
    await me.context.close();
  });

  test(`the operator's pages (${view.lang}, ${view.size})`, { timeout: 180_000 }, async () => {
    const me = await person(browser, server.url, view);
    const { page } = me;
    await signIn(me, "ada@demo.local");
    for (const place of ["", "/users", "/apps", "/apps/app_demo", "/jobs", "/models", "/storage", "/moderation"]) {
      await page.goto(`/admin${place}`);
      await look(me, `admin${place.replaceAll("/", "-")}`);
    }
    // Lin is suspended while she looks at a page of hers; the next one leads to the door.
    const lin = await person(browser, server.url, view);
    await signIn(lin, "lin@demo.local");
    await page.goto("/admin/users/2");
    await page.click("details.danger summary");
    await page.fill("#reason", "A test of this page");
    await look(me, "admin-suspending");
    await page.click("button.danger");
    await page.waitForSelector(".flash.good");
    await look(me, "admin-suspended");
    await lin.page.goto("/home");
    await lin.page.waitForURL("**/login**");
    await page.click("form:has([value=reinstate]) button");
    await page.waitForSelector(".flash.good");
    await page.goto("/admin/trail");
    await look(me, "admin-trail");
    await lin.context.close();
    await me.context.close();
  });

  test(`the guides (${view.lang}, ${view.size})`, { timeout: 120_000 }, async () => {
    const me = await person(browser, server.url, view);
    for (const place of ["", "/quick-start", "/oauth2", "/webhooks", "/errors", "/changelog", "/api", "/api/chat", "/api/plaza", "/api/scopes", "/api/errors"]) {
      await me.page.goto(`/docs${place}`);
      await look(me, `docs${place.replaceAll("/", "-")}`, { full: place !== "/changelog" });
    }
    assert.match(await me.page.title(), new RegExp(words("reference", "参考")));
    await me.context.close();
  });

  test(`the first run (${view.lang}, ${view.size})`, { timeout: 120_000 }, async () => {
    const fresh = await secondme(binary, played.url, { demo: false });
    try {
      const me = await person(browser, fresh.url, view);
      const { page } = me;
      await page.goto("/");
      await page.waitForURL("**/welcome");
      await look(me, "welcome");
      await page.fill("#name", "Grace");
      await page.fill("#email", "grace@example.org");
      await page.fill("#password", "correct horse battery");
      await page.click("main button.primary");
      await page.waitForURL("**/welcome/model");
      await look(me, "welcome-model");
      await page.click("main a.primary");
      await page.waitForURL("**/welcome/done");
      await look(me, "welcome-done");
      await page.goto("/admin");
      await look(me, "admin-new");
      await me.context.close();
    } finally {
      await fresh.stop();
    }
  });
}
