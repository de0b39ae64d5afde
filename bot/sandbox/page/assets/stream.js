/** The line over which the workspace tells what happens. The browser reconnects it by itself. */

let source = null;

/**
 * Listen as `user`. `onEvent` hears every event; `onAgain` is called when the line was lost and is back, since
 * something may have been missed; `onState(isUp)` hears of both.
 */
export function listen(user, { onEvent, onAgain, onState }) {
  source?.close();
  let wasUp = false;
  source = new EventSource(`/client/events?user=${encodeURIComponent(user)}`);
  source.addEventListener("error", () => onState(false));
  source.addEventListener("message", ({ data }) => {
    const event = JSON.parse(data);
    if (event.type !== "hello") return onEvent(event);
    onState(true);
    if (wasUp) onAgain();
    wasUp = true;
    return undefined;
  });
}
