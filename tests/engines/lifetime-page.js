/**
 * Beside the app's own script in a copy of its page: reads one long stream, and says at its end how it went. Not
 * earlier: whatever the page asks its server passes through the service worker, and would keep that alive.
 */
const { searchParams } = new URL(location.href);
const tokens = Number(searchParams.get("tokens"));
const SILENCE_MS = 60_000;

async function watch() {
  const { serviceWorker } = navigator;
  if (!serviceWorker.controller) {
    await new Promise((resolve) => serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
  }
  const response = await fetch("/generate/stream", {
    method: "POST",
    headers: { accept: "text/event-stream" },
    body: JSON.stringify({ prompt: "slow:1000", max_new_tokens: tokens }),
  });
  const seen = { events: 0, seconds: 0, longestGap: 0, outcome: "" };
  const begin = performance.now();
  const reader = response.body.getReader();
  const utf8 = new TextDecoder();
  let text = "";
  const silence = () =>
    new Promise((_, reject) => setTimeout(() => reject(new Error("no event for a minute")), SILENCE_MS));
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), silence()]);
      if (done) break;
      text += utf8.decode(value, { stream: true });
      const seconds = (performance.now() - begin) / 1000;
      seen.longestGap = Math.max(seen.longestGap, seconds - seen.seconds);
      seen.seconds = seconds;
      seen.events = text.split("\n\n").length - 1;
    }
    seen.outcome = text.endsWith("data: [DONE]\n\n") ? "done" : "cut";
  } catch (cause) {
    seen.outcome = String(cause);
  }
  return seen;
}

void watch()
  .catch((cause) => ({ outcome: String(cause) }))
  .then((seen) => fetch(`/lifetime-report.txt?${encodeURIComponent(JSON.stringify(seen))}`));
