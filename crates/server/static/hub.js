// The owner reads a visitor's conversation live, and answers in person once they have taken over. Without this script the page
// shows what there was when it was made, and the form reloads.
"use strict";
(() => {
  const hub = document.getElementById("hub");
  const [list, scroll, form] = ["messages", "scroll", "composer"].map((id) => document.getElementById(id));
  const words = hub.dataset;
  const whole = new Set([...list.querySelectorAll("[data-id]")].map((article) => article.dataset.id));
  const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };

  const bubble = (kind, speaker, id) => {
    const known = list.querySelector(`[data-id="${CSS.escape(id)}"]`);
    if (known) return known.querySelector(".said");
    const article = document.createElement("article");
    article.className = `message ${kind}`;
    article.dataset.id = id;
    const header = document.createElement("header");
    const name = document.createElement("span");
    name.className = "speaker";
    name.textContent = speaker;
    header.append(name);
    const said = document.createElement("div");
    said.className = "said pre";
    article.append(header, said);
    list.append(article);
    return said;
  };

  const show = (frame) => {
    const text = frame.multipleData?.[0]?.modal?.answer ?? "";
    if (frame.messageId && whole.has(frame.messageId)) return;
    if (frame.sender === "visitor") bubble("visitor", words.visitor, frame.messageId).textContent = text;
    else if (frame.sender === "human") bubble("own human", words.you, frame.messageId).textContent = text;
    else if (frame.sender === "umm") {
      const said = bubble("own", words.avatar, frame.messageId);
      if (frame.index === -1) {
        whole.add(frame.messageId);
        settleSaid(said);
      } else {
        said.append(text);
      }
    } else if (words[frame.event]) {
      const line = document.createElement("p");
      line.className = "message event";
      line.textContent = words[frame.event];
      list.append(line);
    }
    toEnd();
  };

  // The browser opens it again by itself, with the number of the last frame.
  const live = new EventSource(words.live);
  live.onmessage = (event) => show(JSON.parse(event.data));
  addEventListener("pagehide", () => live.close());

  if (form instanceof HTMLFormElement) {
    const field = form.message;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const message = field.value.trim();
      if (!message) return;
      const response = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ csrf: form.csrf.value, message }),
      });
      if (response.ok) field.value = "";
      else location.reload();
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
  }
  toEnd();
})();
