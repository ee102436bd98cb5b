// What an avatar says is Markdown. While it comes it is shown as it is; when it is whole, its commonest signs become what they mean:
// elements made here, never HTML of the text. Pages that were made later have the server's own rendering.
"use strict";
const settleSaid = (() => {
  const sign = /\*\*(.+?)\*\*|`([^`]+)`|(?<![\w*])\*([^*\s][^*]*?)\*(?!\w)|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/;

  const words = (into, text) => {
    let rest = text;
    for (let found = sign.exec(rest); found; found = sign.exec(rest)) {
      const [whole, strong, code, soft, label, url] = found;
      const element = document.createElement(strong ? "strong" : code ? "code" : soft ? "em" : "a");
      element.textContent = strong ?? code ?? soft ?? label;
      if (url) Object.assign(element, { href: url, rel: "noreferrer noopener nofollow", target: "_blank" });
      into.append(rest.slice(0, found.index), element);
      rest = rest.slice(found.index + whole.length);
    }
    into.append(rest);
  };

  const child = (of, kind) => of.appendChild(document.createElement(kind));

  return (said) => {
    const lines = said.textContent.split("\n");
    said.replaceChildren();
    said.classList.remove("pre");
    let block = null;
    for (const line of lines) {
      const item = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/.exec(line);
      const kind = item ? (item[1] ? "OL" : "UL") : "P";
      if (!line.trim()) { block = null; continue; }
      if (block?.tagName !== kind) block = child(said, kind);
      else if (!item) child(block, "br");
      words(item ? child(block, "li") : block, item ? item[2] : line.replace(/^#{1,6}\s+/, ""));
    }
  };
})();
