// A visitor's chat with an avatar, on its page, in the widget's frame and beside the owner's editor: the form sends, and replies come
// over the socket that apps use. A socket that breaks is opened again where it stopped. Without this script the form reloads.
"use strict";
(() => {
  const box = document.getElementById("visit");
  const form = document.getElementById("composer");
  const [field, list, scroll] = ["message", "messages", "scroll"].map((id) => document.getElementById(id));
  const words = box.dataset;
  const wishes = new URLSearchParams(location.search);
  const embedded = document.body.classList.contains("embed");
  let socket = null;
  let address = words.socket;
  let cursor = 0;
  let pause = 500;

  // The widget's colour. Whatever it is, the letters on it can be read.
  const color = wishes.get("color");
  if (embedded && color && CSS.supports("color", color)) {
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = color;
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    const root = document.documentElement.style;
    root.setProperty("--accent", color);
    root.setProperty("--on-accent", r * 0.299 + g * 0.587 + b * 0.114 > 150 ? "#111" : "#fff");
  }

  const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };

  const bubble = (kind, speaker, id) => {
    const known = id && list.querySelector(`[data-id="${CSS.escape(id)}"]`);
    if (known) return known.querySelector(".said");
    const article = document.createElement("article");
    article.className = `message ${kind}`;
    if (id) article.dataset.id = id;
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

  const note = (text) => {
    const line = document.createElement("p");
    line.className = "message event";
    line.textContent = text;
    list.append(line);
    toEnd();
  };

  // The bubble of what was just typed waits for the frame that tells its id.
  const settleOwn = (id, text) => {
    if (list.querySelector(`[data-id="${CSS.escape(id)}"]`)) return;
    const waiting = list.querySelector("[data-sent]");
    if (waiting && waiting.querySelector(".said").textContent === text) {
      delete waiting.dataset.sent;
      waiting.dataset.id = id;
    } else {
      bubble("own", words.you, id).textContent = text;
    }
  };

  // Messages that were whole when the page was made are not written a second time.
  const whole = new Set([...list.querySelectorAll("[data-id]")].map((article) => article.dataset.id));

  const thinking = (on) => {
    document.getElementById("thinking")?.remove();
    if (!on) return;
    const said = bubble("avatar", words.name);
    said.classList.add("typing");
    said.parentElement.id = "thinking";
    toEnd();
  };

  const show = (frame) => {
    cursor = Math.max(cursor, frame.cursor);
    if (frame.messageId && whole.has(frame.messageId)) return;
    const text = frame.multipleData?.[0]?.modal?.answer ?? "";
    if (frame.sender === "visitor") {
      settleOwn(frame.messageId, text);
    } else if (frame.sender === "umm") {
      thinking(false);
      const said = bubble("avatar", words.name, frame.messageId);
      if (frame.index === -1) {
        whole.add(frame.messageId);
        settleSaid(said);
      } else {
        said.append(text);
      }
    } else if (frame.sender === "human") {
      thinking(false);
      bubble("human", `${words.name} · ${words.human}`, frame.messageId).textContent = text;
    } else if (words[frame.event]) {
      thinking(false);
      note(words[frame.event]);
    }
    toEnd();
  };

  const connect = () => {
    if (!address || socket) return;
    const url = new URL(address, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    if (cursor) url.searchParams.set("cursor", cursor);
    socket = new WebSocket(url);
    socket.onmessage = (event) => {
      pause = 500;
      show(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      socket = null;
      // 4xxx: the server does not want this one again.
      if (event.code >= 4000) { address = ""; return; }
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, 30000);
    };
  };

  const post = async (path, extra) => {
    const response = await fetch(path, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ ...Object.fromEntries(new FormData(form)), ...extra }),
    });
    const body = await response.json();
    if (!response.ok) throw new Error(body.message);
    return body;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const message = field.value.trim();
    if (!message) return;
    const said = bubble("own", words.you);
    said.parentElement.dataset.sent = "1";
    said.textContent = message;
    field.value = "";
    thinking(true);
    try {
      const opened = await post(form.action, { message });
      if (!address) {
        address = opened.socket;
        connect();
      }
    } catch (error) {
      thinking(false);
      said.parentElement.remove();
      field.value = message;
      note(error instanceof TypeError ? words.lost : error.message);
    }
    field.focus();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });

  // A frame has neither cookies nor storage of ours: the page around it keeps who its visitor is, and says so behind the `#`.
  const remember = async () => {
    const token = decodeURIComponent(location.hash.slice(1));
    if (!token) {
      parent.postMessage({ secondme: form.token.value }, "*");
      return;
    }
    form.token.value = token;
    const opened = await post(`${form.action}/open`, { message: "" });
    if (!opened) return;
    for (const m of opened.messages) {
      const kind = { visitor: "own", owner: "human" }[m.author] ?? "avatar";
      const speaker = { visitor: words.you, owner: `${words.name} · ${words.human}` }[m.author] ?? words.name;
      const said = bubble(kind, speaker, m.id);
      said.textContent = m.text;
      if (kind === "avatar") settleSaid(said);
      whole.add(m.id);
    }
    address = opened.socket;
    connect();
    toEnd();
  };

  if (embedded) remember();
  connect();
  toEnd();
})();
