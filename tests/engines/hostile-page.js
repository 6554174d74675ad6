// A page of another origin. Its address says what it tries: ?way=…&victim=…&path=…; `tried` settles when it has.
const asked = new URLSearchParams(location.search);
const target = asked.get("victim") + asked.get("path");
const body = '{"passphrase":"theirs","model":"distilgpt2","prompt":"theirs"}';

/** https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#text/plain-encoding-algorithm */
function sendForm(name, action = target) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", enctype: "text/plain", action, target: name });
  const input = document.createElement("input");
  input.name = body.replace("}", ',"rest":"');
  input.value = '"}';
  form.append(input);
  document.body.append(form);
  form.submit();
}

const redirected = () => `/redirect?${new URLSearchParams({ to: target })}`;

function add(name, properties) {
  const element = document.createElement(name);
  const settled = new Promise((resolve) => {
    element.onload = resolve;
    element.onerror = resolve;
  });
  document.body.append(Object.assign(element, properties));
  return settled;
}

const addFrame = () => add("iframe", { name: "inside", src: "about:blank" });

const ways = {
  "a form": () => sendForm("_top"),
  "a form that a server redirects": () => sendForm("_top", redirected()),
  "a form in a window": () => sendForm("_blank"),
  "a form in a frame": () => addFrame().then(() => sendForm("inside")),
  "a redirected form in a frame": () => addFrame().then(() => sendForm("inside", redirected())),
  "a link": () => Object.assign(document.createElement("a"), { href: target }).click(),
  "a window": () => void open(target),
  "a frame": () => add("iframe", { src: target }),
  // None of these gets to a service worker that is another origin's.
  async "all else"() {
    const post = { method: "POST", body };
    await fetch(target, { ...post, mode: "no-cors" }).catch(() => {});
    const json = { ...post, headers: { "content-type": "application/json" } };
    const isRead = await fetch(target, json).then(
      () => true,
      () => false,
    );
    if (isRead) throw new Error("Another origin reads an answer.");
    navigator.sendBeacon(target, body);
    Object.assign(document.createElement("a"), { href: "#", ping: target }).click();
    const rules = { prefetch: [{ urls: [target] }], prerender: [{ urls: [target] }] };
    void add("script", { type: "speculationrules", textContent: JSON.stringify(rules) });
    void add("link", { rel: "prefetch", href: target });
    void add("object", { data: target });
    void add("embed", { src: target });
    await Promise.all([
      add("img", { src: target }),
      add("script", { src: target }),
      add("link", { rel: "stylesheet", href: target }),
    ]);
  },
};

// Later than whoever opened this page waits for.
const tried = new Promise((resolve) => addEventListener("load", () => setTimeout(resolve))).then(() =>
  ways[asked.get("way")](),
);
globalThis.tried = tried;
