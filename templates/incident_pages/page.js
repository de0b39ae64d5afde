// Brings a page up to date without losing its place: what is open stays open.
"use strict";

const everyMs = Number(document.currentScript.dataset.refreshS) * 1000;
const content = () => document.getElementById("content");

async function refresh() {
  if (document.hidden) return;
  const news = () => document.getElementById("news");
  try {
    const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin" });
    if (answer.status === 401 || answer.status === 404) {
      location.reload(); // what may not be seen any more does not stay on the screen
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    show(fresh.getElementById("content"));
  } catch {
    news().textContent = "There has been no answer since; the page may be out of date.";
  }
}

function show(fresh) {
  for (const details of content().querySelectorAll("details[id]")) {
    const same = fresh.querySelector(`#${CSS.escape(details.id)}`);
    if (same) same.open = details.open;
  }
  const focused = document.activeElement?.closest?.("details[id]")?.id;
  replaceWhatDiffers(fresh);
  if (focused) document.getElementById(focused)?.querySelector("summary").focus({ preventScroll: true });
}

// Section by section, so that pictures which are there already are not loaded again.
function replaceWhatDiffers(fresh) {
  const [shown, wanted] = [content(), fresh].map((root) => [...root.querySelectorAll("article > *, .foot")]);
  if (shown.length < 2 || shown.length !== wanted.length) {
    content().replaceChildren(...fresh.childNodes);
    return;
  }
  shown.forEach((part, number) => {
    if (!part.isEqualNode(wanted[number])) part.replaceWith(wanted[number]);
  });
}

setInterval(refresh, everyMs);
document.addEventListener("visibilitychange", refresh);
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
