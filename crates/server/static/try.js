// Sends the request of a try-it page from the browser. The token stays in this page.
"use strict";
{
  const form = document.getElementById("try");
  const [send, stop] = [document.getElementById("send"), document.getElementById("stop")];
  const [answer, status, took, output] = ["answer", "status", "took", "output"].map((id) => document.getElementById(id));
  const SHOWN = 200_000;
  let running = null;
  send.hidden = false;

  const request = () => {
    let path = form.dataset.path;
    const query = new URLSearchParams();
    const fields = new URLSearchParams();
    for (const input of form.querySelectorAll("[data-in]")) {
      if (!input.value) continue;
      if (input.dataset.in === "path") path = path.replace(`{${input.dataset.name}}`, encodeURIComponent(input.value));
      if (input.dataset.in === "query") query.append(input.dataset.name, input.value);
      if (input.dataset.in === "form") fields.append(input.dataset.name, input.value);
    }
    const headers = {};
    const token = document.getElementById("token");
    if (token?.value) headers.Authorization = `Bearer ${token.value.trim()}`;
    const json = document.getElementById("body");
    const file = form.querySelector("[data-upload]");
    let body;
    if (json) {
      headers["Content-Type"] = "application/json";
      body = json.value;
    } else if (file?.files.length) {
      body = new FormData();
      body.append("file", file.files[0]);
    } else if (fields.size) {
      body = fields;
    }
    const search = query.size ? `?${query}` : "";
    return [path + search, { method: form.dataset.method, headers, body, credentials: "omit", signal: running.signal }];
  };

  const show = (text) => { output.textContent = text.slice(0, SHOWN); };

  const read = async (response) => {
    let text = "";
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += value;
      show(text);
    }
    try { show(JSON.stringify(JSON.parse(text), null, 2)); } catch { /* a stream of events, or a file */ }
  };

  send.addEventListener("click", async () => {
    running = new AbortController();
    answer.hidden = false;
    [send.disabled, stop.hidden] = [true, false];
    [status.textContent, status.className, took.textContent] = ["…", "badge", ""];
    show("");
    const begun = performance.now();
    try {
      const response = await fetch(...request());
      status.textContent = response.status;
      status.className = response.ok ? "badge good" : "badge bad";
      took.textContent = `${Math.round(performance.now() - begun)} ms`;
      await read(response);
      took.textContent += ` / ${Math.round(performance.now() - begun)} ms`;
    } catch (error) {
      if (error.name !== "AbortError") { status.className = "badge bad"; show(String(error)); }
    }
    [send.disabled, stop.hidden] = [false, true];
  });
  stop.addEventListener("click", () => running?.abort());
}
