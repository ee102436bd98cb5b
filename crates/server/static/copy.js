// Shows the copy buttons, which do nothing without scripts: <button data-copy="id of the text" data-done="Copied" hidden>.
"use strict";
for (const button of document.querySelectorAll("button[data-copy]")) {
  const label = button.textContent;
  const text = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      // No clipboard (plain http from another machine): select the text instead.
      getSelection().selectAllChildren(text);
      if (!document.execCommand("copy")) return;
    }
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}
