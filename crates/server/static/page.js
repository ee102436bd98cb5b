// On every page, and needed by none: what forms and links do without scripts, a little nicer with them.
"use strict";

// Copy buttons: <button data-copy="id of the text" data-done="Copied" hidden>.
const copyText = async (text) => {
  try {
    await navigator.clipboard.writeText(text.value ?? text.textContent);
    return true;
  } catch {
    // No clipboard (plain http from another machine): select the text instead.
    getSelection().selectAllChildren(text);
    return document.execCommand("copy");
  }
};

// Parts that came later are prepared like those that were there at first.
const prepare = (root) => {
  for (const button of root.querySelectorAll("button[data-copy]")) {
    const label = button.innerHTML;
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (!(await copyText(document.getElementById(button.dataset.copy)))) return;
      button.textContent = button.dataset.done;
      setTimeout(() => { button.innerHTML = label; }, 2000);
    });
  }
  // What scrolls sideways can be reached and scrolled with the keyboard.
  for (const box of root.querySelectorAll(".wide-table, pre")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
  // <select data-submit> sends its form when it changes; the button beside it is for those without scripts.
  for (const select of root.querySelectorAll("select[data-submit], input[data-submit]")) {
    select.addEventListener("change", () => select.form.requestSubmit());
    for (const button of select.form.querySelectorAll("[data-without-script]")) button.hidden = true;
  }
};
prepare(document);
document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));

// Where one is, is in sight: rows of tabs scroll on narrow screens.
for (const here of document.querySelectorAll(".tabs [aria-current=page], .guide > nav [aria-current=page]")) {
  const row = here.closest(".tabs, nav");
  row.scrollLeft += here.getBoundingClientRect().left - row.getBoundingClientRect().left - (row.clientWidth - here.offsetWidth) / 2;
}

// A form is sent once, however often it is clicked.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => { delete form.dataset.sent; }, 4000);
});

// What is spoken: a form with `data-play`, or a button of one, answers with the address of a file. One plays at a time; the same
// button again stops it. A press counts as the reader's wish to hear it, so it may begin when the file is there.
let playing = null;
const quiet = () => {
  playing?.audio.pause();
  playing?.button.removeAttribute("aria-pressed");
  playing = null;
};
const play = async (form, button) => {
  const same = playing?.button === button;
  quiet();
  if (same) return;
  const audio = new Audio();
  playing = { audio, button };
  button.setAttribute("aria-pressed", "true");
  button.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(button.hasAttribute("formaction") ? button.formAction : form.action, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(new FormData(form)),
    });
    const body = await response.json();
    if (!response.ok) throw new Error(body.message);
    if (playing?.audio !== audio) return;
    audio.addEventListener("ended", quiet);
    audio.src = body.url;
    await audio.play();
  } catch (error) {
    if (playing?.audio === audio) {
      quiet();
      toast(error.message);
    }
  } finally {
    button.removeAttribute("aria-busy");
  }
};
document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (!button || !(form.hasAttribute("data-play") || button.hasAttribute("data-play"))) return;
  event.preventDefault();
  play(form, button);
}, true);

// Panels that are part of the page on wide screens, and open over it on a phone: <details data-wide-open="55">, in rem.
for (const panel of document.querySelectorAll("details[data-wide-open]")) {
  const wide = matchMedia(`(min-width: ${panel.dataset.wideOpen}.01rem)`);
  const follow = () => { panel.open = wide.matches; };
  follow();
  wide.addEventListener("change", follow);
  document.addEventListener("click", (event) => {
    if (!wide.matches && !panel.contains(event.target)) panel.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !wide.matches) panel.open = false;
  });
}

// A sentence that goes away by itself.
const toast = (text) => {
  const shown = document.createElement("p");
  shown.className = "flash bad toast";
  shown.role = "alert";
  shown.textContent = text;
  document.body.append(shown);
  setTimeout(() => shown.remove(), 6000);
};
document.addEventListener("htmx:responseError", (event) => {
  let said = "";
  try { said = JSON.parse(event.detail.xhr.responseText).message; } catch { /* not ours */ }
  toast(said || event.detail.xhr.statusText);
});
