// A chat with a SecondMe avatar on any page: <script src="https://…/widget.js" data-avatar="share code" async></script>
// Also: data-color, data-theme (light, dark), data-lang (en, zh), data-side (right, left), data-label, data-open.
// The chat itself is a sandboxed frame of the avatar's server: it sees nothing of this page, and this page nothing of it.
"use strict";
(() => {
  const script = document.currentScript;
  const { avatar, color = "#0c6e62", theme = "auto", lang = "", side = "right", label = "", open } = script.dataset;
  if (!avatar) return;
  const origin = new URL(script.src).origin;
  const address = new URL(`/embed/${encodeURIComponent(avatar)}`, origin);
  for (const [name, value] of Object.entries({ color, theme, lang })) if (value) address.searchParams.set(name, value);
  const chinese = (lang || navigator.language).startsWith("zh");
  const words = chinese ? { open: label || "聊聊", close: "关闭对话", chat: "对话" } : { open: label || "Chat", close: "Close the chat", chat: "Chat" };

  // Who visits is kept by this page, since a frame of another site has no storage.
  const key = `secondme ${avatar}`;
  let frame = null;
  addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== origin) return;
    try { localStorage.setItem(key, event.data.secondme); } catch { /* as above */ }
  });

  const start = () => {
    // A shadow root keeps this page's styles out, and ours in.
    const host = document.createElement("div");
    const root = host.attachShadow({ mode: "closed" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`
      :host { all: initial; }
      button { position: fixed; z-index: 2147483000; bottom: 20px; ${side === "left" ? "left" : "right"}: 20px; font: 600 16px/1 system-ui, sans-serif;
        padding: 15px 22px; border: 0; border-radius: 999px; cursor: pointer; box-shadow: 0 6px 24px rgb(0 0 0 / .25); }
      button:focus-visible { outline: 3px solid; outline-offset: 3px; }
      iframe { position: fixed; z-index: 2147483000; bottom: 84px; ${side === "left" ? "left" : "right"}: 20px; width: min(390px, calc(100vw - 40px));
        height: min(600px, calc(100vh - 110px)); border: 0; border-radius: 16px; box-shadow: 0 12px 48px rgb(0 0 0 / .3); background: #fff; color-scheme: light dark; }
      iframe[hidden] { display: none; }`);
    root.adoptedStyleSheets = [sheet];
    const button = document.createElement("button");
    button.type = "button";
    button.style.background = color;
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = color;
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    button.style.color = r * 0.299 + g * 0.587 + b * 0.114 > 150 ? "#111" : "#fff";
    button.textContent = words.open;
    button.setAttribute("aria-expanded", "false");
    const toggle = () => {
      if (!frame) {
        frame = document.createElement("iframe");
        frame.title = words.chat;
        frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms allow-popups");
        frame.referrerPolicy = "no-referrer";
        try { address.hash = encodeURIComponent(localStorage.getItem(key) ?? ""); } catch { /* no storage: a new visitor each time */ }
        frame.src = address.href;
        frame.hidden = true;
        root.append(frame);
      }
      frame.hidden = !frame.hidden;
      button.textContent = frame.hidden ? words.open : "✕";
      button.setAttribute("aria-label", frame.hidden ? words.open : words.close);
      button.setAttribute("aria-expanded", String(!frame.hidden));
    };
    button.addEventListener("click", toggle);
    root.append(button);
    document.body.append(host);
    if (open !== undefined) toggle();
  };
  if (document.body) start();
  else addEventListener("DOMContentLoaded", start);
})();
