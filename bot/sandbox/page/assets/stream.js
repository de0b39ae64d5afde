/** The line over which the workspace tells what happens. The browser reconnects it by itself. */

let source = null;
let hear = () => {};
let holds = 0;
let held = [];

/**
 * Listen as `user`, until the next call. `onEvent` hears every event; `onAgain` is called when the line was lost and
 * is back, since something may have been missed; `onState(isUp)` hears of both.
 * Resolves once the line is up, or refused for good: what is fetched from then on leaves no gap before the first event.
 */
export function listen(user, { onEvent, onAgain, onState }) {
  source?.close();
  [hear, held] = [onEvent, []];
  const line = new EventSource(`/client/events?user=${encodeURIComponent(user)}`);
  source = line;
  let wasUp = false;
  return new Promise((resolve) => {
    line.addEventListener("error", () => {
      onState(false);
      if (line.readyState === EventSource.CLOSED) resolve();
    });
    line.addEventListener("message", ({ data }) => {
      const event = JSON.parse(data);
      if (event.type !== "hello") return void (holds ? held.push(event) : onEvent(event));
      onState(true);
      if (wasUp) onAgain();
      wasUp = true;
      return void resolve();
    });
  });
}

/**
 * Run `fetching`, which asks the workspace for something and takes the answer in. What the line tells meanwhile is
 * heard afterwards: it may be newer than the answer, which would otherwise cover it.
 */
export async function holdEvents(fetching) {
  holds += 1;
  try {
    return await fetching();
  } finally {
    holds -= 1;
    if (!holds) for (const event of held.splice(0)) hear(event);
  }
}
