// What people do, in a real browser. The console and every request are watched; axe looks at every page on the way.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, thirdParty } from "./app.mjs";
import { launch, look, person } from "./browser.mjs";
import { model } from "./model.mjs";
import { secondme } from "./server.mjs";

const binary = process.env.SECONDME_BIN;
let played, server, browser, app;

before(async () => {
  assert.ok(binary, "SECONDME_BIN names the binary under test");
  played = await model();
  server = await secondme(binary, played.url);
  browser = await launch();
  app = await thirdParty();
});

after(async () => {
  await browser?.close();
  app?.stop();
  await server?.stop();
  played?.stop();
});

const CLIENT = "de300000-0000-4000-8000-000000000001";
const CALLBACK = "http://localhost:3000/api/auth/callback";

const signIn = async (me, email, password = "demo-password") => {
  await me.page.goto("/login");
  await me.page.fill("#email", email);
  await me.page.fill("#password", password);
  await me.page.click("main button.primary");
  await me.page.waitForURL("**/home");
};

const say = async (page, words) => {
  await page.fill("#message", words);
  await page.press("#message", "Enter");
};

test("from signing up to taking an app's access away", { timeout: 180_000 }, async () => {
  const ada = await person(browser, server.url);
  const { page } = ada;

  // Sign up, with a mistake on the way.
  await page.goto("/");
  await look(ada, "start");
  await page.click("text=Register");
  await look(ada, "register");
  await page.fill("#name", "Grace");
  await page.fill("#email", "grace@example.org");
  await page.fill("#password", "correct horse battery");
  await page.click("main button.primary");
  await page.waitForURL("**/home");
  await look(ada, "chat-empty");

  // A third-party app asks for access; one scope too many is unticked.
  const query = new URLSearchParams({ client_id: CLIENT, redirect_uri: CALLBACK, response_type: "code", scope: "userinfo chat.write memory.read note.write agent_memory", state: "s1" });
  ada.allowed.add("localhost:3000");
  await page.goto(`/oauth/?${query}`);
  await look(ada, "consent");
  await page.uncheck('input[name="scope.note.write"]');
  await page.click("text=Allow");
  await page.waitForURL(`${CALLBACK}**`);
  const code = new URL(page.url()).searchParams.get("code");
  assert.match(code, /^lba_ac_/);
  const form = new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: CALLBACK, client_id: CLIENT, client_secret: "demo-client-secret" });
  const tokens = await api(server.url, "oauth/token/code", "", form);
  assert.equal(tokens.status, 200, JSON.stringify(tokens.body));
  assert.ok(!tokens.body.data.scope.includes("note.write"), "unticked");
  const token = tokens.body.data.accessToken;
  const noted = await api(server.url, "secondme/note/add", token, { content: "x", memoryType: "TEXT" });
  assert.equal(noted.status, 403, "what was unticked is not allowed");

  // Chat: streamed, and then as the server shows it.
  await page.goto("/home");
  await say(page, "I have lived in Lisbon since the spring of this year");
  await page.waitForSelector(".message.assistant li", { timeout: 15_000 });
  await page.waitForURL("**/home/chat/**");
  await page.click("text=Why do you say that?");
  await page.waitForSelector(".why:not(:empty)");
  await look(ada, "chat");
  await page.reload();
  assert.equal(await page.locator(".message").count(), 2, "both are kept");

  // A voice is chosen by ear, and reads the answer aloud.
  const chat = page.url();
  await page.click("text=Choose a voice");
  await page.waitForURL("**/home/settings**");
  await page.selectOption("#voice-name", { index: 3 });
  const heard = page.waitForResponse((response) => response.url().endsWith(".mp3"));
  await page.click("button:has-text('Listen')");
  assert.ok((await heard).ok());
  await page.click("#voice button:has-text('Save')");
  await page.waitForSelector(".flash.good");
  await look(ada, "settings-voice");
  await page.goto(chat);
  const spoken = page.waitForResponse((response) => response.url().endsWith(".mp3"));
  await page.click("button:has-text('Speak')");
  assert.ok((await spoken).ok());

  // What was said becomes a memory, with its source.
  await page.waitForTimeout(1500);
  for (let tries = 0; tries < 40; tries += 1) {
    await page.goto("/home/memory");
    if (await page.locator("text=lived in Lisbon").count()) break;
    await page.waitForTimeout(500);
  }
  await look(ada, "memory");
  await page.click("text=you said so in a chat");
  await page.waitForURL("**/home/chat/**");

  // What the app reports is in the timeline.
  const event = { channel: { kind: "game" }, action: "game_won", actionLabel: "Won a game", displayText: "Won a game of chess in 40 moves", importance: 0.9, refs: [{ objectType: "game", objectId: "g1", contentPreview: "e4 e5", url: "https://chess.example/g1" }], eventTime: Date.now() };
  const told = await api(server.url, "secondme/agent_memory/ingest", token, event);
  assert.equal(told.status, 200, JSON.stringify(told.body));
  await page.goto("/home/timeline");
  await page.waitForSelector("text=Won a game of chess");
  await look(ada, "timeline");

  // A visitor comes in another browser, from a phone, in Chinese, without an account.
  await page.goto("/home/avatars");
  await look(ada, "avatars");
  await page.click(".tile .cover-link");
  await look(ada, "avatar-definition");
  await page.fill("#welcome", "Ask me about bread.");
  await page.fill("#opening", "Hello, what would you like to know?");
  await page.click("text=Save");
  await page.waitForSelector(".flash.good");
  await page.click("text=Knowledge and skills");
  await page.fill("#name-0", "Opening hours");
  await page.fill("#text-0", "Tuesday to Saturday, from eight");
  await page.click("form[action$='/knowledge'] button");
  await page.waitForSelector(".flash.good");
  await page.fill("#skill-title", "Orders");
  await page.fill("#skill-content", "# Orders\nAsk for a name and a time.");
  await page.click("text=Teach it");
  await page.waitForSelector(".list >> text=Orders");
  await look(ada, "avatar-knowledge");
  await page.click("text=Share and keys");
  await look(ada, "avatar-share");
  await page.fill("#key-name", "My app");
  await page.click("text=Make a key");
  await page.waitForSelector("#fresh-key");
  await look(ada, "avatar-key");
  const link = new URL(await page.textContent("#share-url")).pathname;

  const visitor = await person(browser, server.url, { size: "phone", lang: "zh", scheme: "dark" });
  await visitor.page.goto(link);
  await visitor.page.waitForSelector("text=Hello, what would you like to know?");
  await say(visitor.page, "Which flour do you use?");
  await visitor.page.waitForSelector(".message.avatar >> text=You said", { timeout: 20_000 });
  await look(visitor, "visitor");

  // The owner reads along and takes over; the visitor hears them in person.
  await page.goto("/home/conversations");
  await look(ada, "conversations");
  await page.click(".rows .cover-link");
  await page.waitForSelector("text=Which flour do you use?");
  await page.click("text=Take over");
  await page.waitForSelector("#composer textarea");
  await say(visitor.page, "Are you there?");
  await page.waitForSelector(".message.visitor >> text=Are you there?");
  await say(page, "Yes, this is Grace in person.");
  await visitor.page.waitForSelector(".message.human >> text=Grace in person");
  await look(ada, "conversation");
  await look(visitor, "visitor-in-person");
  await page.click("text=Let the avatar answer");
  await visitor.page.reload();
  await visitor.page.waitForSelector("text=Grace in person");

  // The way out: the app's log, its end, the receipt.
  await page.goto("/home/apps");
  await look(ada, "apps");
  await page.click("text=What it did");
  await look(ada, "app-log");
  await page.goto("/home/apps");
  await page.click("text=End its access");
  await page.check('input[name="forget"]');
  await page.click("button:has-text('End access')");
  await page.waitForSelector(".flash.good");
  for (let tries = 0; tries < 20 && !(await page.locator("text=Receipts of forgetting").count()); tries += 1) {
    await page.waitForTimeout(250);
    await page.reload();
  }
  assert.equal(await page.locator("text=Receipts of forgetting").count(), 1, "a receipt");
  assert.equal((await api(server.url, "secondme/user/info", token)).status, 401, "the token is over");
  await look(ada, "apps-ended");
  ada.check();
  visitor.check();
  await ada.context.close();
  await visitor.context.close();
});

const PAGES = [
  ["chat", "/home"], ["memory", "/home/memory"], ["notes", "/home/memory/notes"], ["portrait", "/home/memory/portrait"],
  ["ask", "/home/memory/ask?q=cat"], ["ask-anyone", "/home/memory/ask?q=cat&who=anyone"], ["timeline", "/home/timeline"],
  ["avatars", "/home/avatars"], ["avatar", "/home/avatars/1"], ["knowledge", "/home/avatars/1/knowledge"], ["share", "/home/avatars/1/share"], ["numbers", "/home/avatars/1/numbers"],
  ["evaluations", "/home/avatars/1/evaluations"], ["conversations", "/home/conversations"], ["apps", "/home/apps"],
  ["settings", "/home/settings"], ["account", "/account"], ["plaza", "/plaza"], ["home-page", "/ada"], ["public-avatar", "/ada/avatar/ada000000001"],
  ["test", "/ada/avatar/ada000000001/test"], ["embed", "/embed/ada000000001"],
];

for (const [size, scheme, lang] of [["desk", "light", "en"], ["phone", "dark", "zh"], ["desk", "dark", "zh"], ["phone", "light", "en"]]) {
  test(`every page: ${size}, ${scheme}, ${lang}`, { timeout: 240_000 }, async () => {
    const me = await person(browser, server.url, { size, scheme, lang });
    await me.page.goto("/login");
    await look(me, "login");
    await signIn(me, "ada@demo.local");
    for (const [name, path] of PAGES) {
      await me.page.goto(path);
      const shown = await me.page.getAttribute("html", "lang");
      assert.ok(shown.startsWith(lang), `${path} is in ${shown}`);
      await look(me, name);
    }
    me.check();
    await me.context.close();
  });
}

test("the pages work without scripts", { timeout: 90_000 }, async () => {
  const me = await person(browser, server.url, { script: false });
  const { page } = me;
  await signIn(me, "ada@demo.local");
  await page.fill("#message", "What is my cat called?");
  await page.click("#send");
  await page.waitForURL("**/home/chat/**");
  await page.waitForSelector("text=You said");
  await page.goto("/home/memory");
  await page.fill("#new", "I sing in a choir on Thursdays");
  await page.click("button:has-text('Remember')");
  await page.waitForSelector("text=I sing in a choir on Thursdays");
  await page.goto("/ada/avatar/ada000000001");
  await page.fill("#message", "Hello");
  await page.click(".composer button");
  await page.waitForSelector(".message.own >> text=Hello");
  await page.goto("/plaza");
  await page.click("summary:has-text('Write a post')");
  await page.fill("#content", "Does anybody have a rye starter to share?");
  await page.click("button:has-text('Post')");
  await page.waitForURL("**/post/**");
  await page.fill("#comment", "I do.");
  await page.click("button:has-text('Comment')");
  await page.waitForSelector("text=I do.");
  await page.click("button:has-text('中文')");
  assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
  me.check();
  await me.context.close();
});

test("what is one's own can be taken along, and ended", { timeout: 60_000 }, async () => {
  const me = await person(browser, server.url);
  const { page } = me;
  await page.goto("/register");
  await page.fill("#name", "Passer-by");
  await page.fill("#email", "passer@example.org");
  await page.fill("#password", "correct horse battery");
  await page.click("main button.primary");
  await page.waitForURL("**/home");
  await page.goto("/home/settings");
  const [file] = await Promise.all([page.waitForEvent("download"), page.click("text=Download everything")]);
  assert.equal(file.suggestedFilename(), "secondme-account.jsonl");
  await page.click("details.danger summary");
  await page.fill("#password", "wrong horse");
  me.expected.push("/account/delete");
  await page.click("button:has-text('Delete everything')");
  await page.waitForSelector("[role=alert]");
  me.complaints.splice(0, me.complaints.length, ...me.complaints.filter((text) => !text.includes("401")));
  await look(me, "account-wrong-password");
  await page.fill("#password", "correct horse battery");
  await page.click("button:has-text('Delete everything')");
  await page.waitForSelector(".flash.good");
  await look(me, "account-deleted");
  me.check();
  await me.context.close();
});

test("a post and its comments", { timeout: 60_000 }, async () => {
  const me = await person(browser, server.url);
  await signIn(me, "ada@demo.local");
  await me.page.goto("/plaza");
  await look(me, "plaza-post");
  await me.page.click(".post .actions a");
  await look(me, "post");
  await me.page.click("button[aria-pressed]");
  await me.page.waitForSelector('button[aria-pressed="true"]');
  me.check();
  await me.context.close();
});

test("the widget on somebody else's site", { timeout: 60_000 }, async () => {
  const { createServer } = await import("node:http");
  const site = createServer((_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end(
    `<!doctype html><html lang="en"><title>Bakery</title><link rel="icon" href="data:,"><main><h1>A bakery</h1></main><script src="${server.url}/widget.js" data-avatar="ada000000001" data-color="#7a5af5" data-open></script>`));
  await new Promise((ready) => site.listen(0, "127.0.0.1", ready));
  const origin = `http://127.0.0.1:${site.address().port}`;
  const me = await person(browser, origin);
  me.allowed.add(new URL(server.url).host);
  await me.page.goto("/");
  // The widget's shadow is closed: the frame is found among the page's frames.
  const embedded = async () => {
    for (;;) {
      const found = me.page.frames().find((frame) => frame.url().includes("/embed/"));
      if (found) return found;
      await me.page.waitForTimeout(50);
    }
  };
  const frame = await embedded();
  await frame.fill("#message", "Do you have rye bread?");
  await frame.press("#message", "Enter");
  await frame.waitForSelector(".message.avatar >> text=You said", { timeout: 20_000 });
  // The same visitor after a reload, although the frame has no cookies.
  await me.page.reload();
  await (await embedded()).waitForSelector(".message.own >> text=Do you have rye bread?");
  const size = Buffer.byteLength(await (await fetch(`${server.url}/widget.js`)).text());
  assert.ok(size < 30 * 1024, `${size} bytes`);
  await look(me, "widget", { full: false });
  me.check();
  site.close();
  await me.context.close();
});

test("the first paint of home is quick", { timeout: 60_000 }, async () => {
  const me = await person(browser, server.url);
  await signIn(me, "ada@demo.local");
  const paints = [];
  for (let times = 0; times < 5; times += 1) {
    await me.page.goto("/home");
    paints.push(await me.page.evaluate(() => new Promise((painted) => {
      new PerformanceObserver((list) => {
        const paint = list.getEntriesByName("first-contentful-paint")[0];
        if (paint) painted(paint.startTime);
      }).observe({ type: "paint", buffered: true });
    })));
  }
  paints.sort((a, b) => a - b);
  console.log(`first paint of home: ${paints.map((p) => Math.round(p)).join(", ")} ms`);
  // The goal is 300 ms with nothing beside it; a busy machine is no reason to fail, unless it is asked for.
  const most = Number(process.env.E2E_PAINT_MS ?? Infinity);
  assert.ok(paints[2] <= most, `${paints}`);
  await me.context.close();
});
