/** The side panel: a thread, or the stage. The stage gives way to a thread and comes back after it. */

import { Composer } from "./composer.js";
import { button, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { closeThread } from "./navigation.js";
import { channelTitle, currentChannel, on, state } from "./store.js";
import { isStageOpen, renderStage, toggleStage } from "./stage.js";
import { Timeline } from "./timeline.js";

/** Build the panel into `aside` and keep it true. */
export function mountPanel(aside) {
  const timeline = new Timeline({ inThread: true, label: "Thread" });
  const composer = new Composer({ placeholder: () => "Reply…", thread: true });
  const stage = el("div", { class: "stage" });
  const drawThread = () => {
    const messages = state.threads.get(`${state.channel}:${state.thread}`) ?? [];
    timeline.render(`${state.me.id}/${state.channel}/${state.thread}`, { messages, channel: state.channel });
  };
  const draw = () => {
    const kind = state.thread ? "thread" : isStageOpen() ? "stage" : null;
    aside.hidden = !kind;
    document.getElementById("app").dataset.panel = kind ?? "none";
    if (kind === "thread") {
      const canWrite = !currentChannel().is_archived;
      showOnce(aside, kind, [head("Thread", subtitle(), closeThread), timeline.node, canWrite && composer.node]);
      composer.moveTo(state.channel, state.thread);
      drawThread();
    } else if (kind === "stage") {
      showOnce(aside, kind, [head("Stage", "What this rehearsal runs on", toggleStage), stage]);
      renderStage(stage);
    } else aside.dataset.shown = "";
  };
  for (const topic of ["boot", "place", "stage", "channels"]) on(topic, draw);
  on("thread", () => state.thread && drawThread());
}

/** Put the parts in once for each thing that is shown, so that what is typed in them stays. */
function showOnce(aside, kind, parts) {
  const shown = `${kind}/${state.me.id}/${kind === "thread" ? `${state.channel}/${state.thread}` : ""}`;
  if (aside.dataset.shown === shown) return;
  aside.dataset.shown = shown;
  fill(aside, parts);
}

function head(title, detail, close) {
  return el(
    "header",
    { class: "panel__head" },
    el("div", {}, el("h2", {}, title), el("small", {}, detail)),
    button({ class: "icon-button", label: `Close ${title.toLowerCase()}`, on: { click: close } }, icon("close")),
  );
}

function subtitle() {
  const channel = currentChannel();
  return channel.is_im ? channelTitle(channel) : `#${channelTitle(channel)}`;
}
