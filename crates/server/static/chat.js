// The chat with one's own avatar: the form streams its answer, can be stopped, and the last question asked again. When the answer is
// whole, the server's own rendering of the conversation takes its place. Without this script the form waits and reloads.
"use strict";
(() => {
  const form = document.getElementById("composer");
  const [field, send, stop] = ["message", "send", "stop"].map((id) => document.getElementById(id));
  const [list, scroll, session] = ["messages", "scroll", "session"].map((id) => document.getElementById(id));
  const words = document.getElementById("words").dataset;
  let running = null;

  const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };
  const isAtEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;

  const bubble = (role, speaker, text) => {
    const article = document.createElement("article");
    article.className = `message ${role}`;
    const header = document.createElement("header");
    const name = document.createElement("span");
    name.className = "speaker";
    name.textContent = speaker;
    header.append(name);
    const said = document.createElement("div");
    said.className = "said pre";
    said.textContent = text;
    article.append(header, said);
    list.append(article);
    return said;
  };

  const say = (said, text) => {
    const follow = isAtEnd();
    said.append(text);
    if (follow) toEnd();
  };

  // The frames of an event stream, as they come.
  const read = async (response, on) => {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += value;
      const frames = rest.split("\n\n");
      rest = frames.pop();
      for (const frame of frames) {
        const event = /^event: (.*)$/m.exec(frame)?.[1] ?? "";
        const data = /^data: (.*)$/m.exec(frame)?.[1];
        if (data !== undefined && data !== "[DONE]") on(event, JSON.parse(data));
      }
    }
  };

  const busy = (is) => {
    send.hidden = is;
    stop.hidden = !is;
    list.setAttribute("aria-busy", is);
  };

  const ask = async (message) => {
    document.getElementById("welcome")?.remove();
    bubble("user", words.you, message);
    const said = bubble("assistant", words.avatar, "");
    said.classList.add("typing");
    toEnd();
    running = new AbortController();
    busy(true);
    let failed = "";
    try {
      const response = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "text/event-stream", "Content-Type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ csrf: form.csrf.value, session: session.value, message }),
        signal: running.signal,
      });
      if (!response.ok) throw new Error((await response.json()).message);
      await read(response, (event, data) => {
        if (event === "session") {
          session.value = data.sessionId;
          history.replaceState(null, "", `/home/chat/${data.sessionId}`);
        } else if (event === "error") {
          failed = data.message;
        } else if (event === "") {
          said.classList.remove("typing");
          say(said, data.choices[0].delta.content);
        }
      });
    } catch (error) {
      failed = error.name === "AbortError" ? words.stopped : error instanceof TypeError ? words.lost : error.message;
    }
    said.classList.remove("typing");
    busy(false);
    running = null;
    if (failed) {
      const note = document.createElement("p");
      note.className = "badge warn";
      note.textContent = failed;
      said.after(note);
    } else {
      await settle();
    }
    field.focus();
  };

  // The conversation as the server shows it: with its times, what it was based on, and Markdown.
  const settle = async () => {
    const response = await fetch(`/home/chat/${session.value}`, { headers: { "HX-Request": "true" } });
    if (!response.ok) return;
    list.innerHTML = await response.text();
    htmx.process(list);
    offer();
    toEnd();
  };

  const offer = () => {
    for (const button of list.querySelectorAll("[data-retry]")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const asked = [...list.querySelectorAll(".message.user .said")].pop();
        if (asked && !running) ask(asked.textContent.trim());
      });
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const message = field.value.trim();
    if (!message || running) return;
    field.value = "";
    ask(message);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  // The server ends the answer and keeps what was said; a request that has no session yet is simply dropped.
  stop.addEventListener("click", async () => {
    if (!session.value) return running?.abort();
    const body = new URLSearchParams({ csrf: form.csrf.value });
    await fetch(`/home/chat/${session.value}/stop`, { method: "POST", body, redirect: "manual" });
  });
  offer();
  toEnd();
})();
